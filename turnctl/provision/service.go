package provision

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// Service is whoever keeps coturn running.
type Service interface {
	// Running says whether coturn runs.
	Running(ctx context.Context) (bool, error)
	// Restart has coturn run with the files as they are now, and waits until it takes connections.
	Restart(ctx context.Context) error
	// Stop ends coturn, for good where it is a service of the host's.
	Stop(ctx context.Context) error
}

// startTimeout is how long coturn may take until it listens.
const startTimeout = 15 * time.Second

// HasSystemd says whether systemd runs this host (sd_booted(3)).
func HasSystemd() bool {
	info, err := os.Stat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// Systemd runs coturn as a unit.
type Systemd struct {
	Unit string
	// Listen is host:port of a TCP listener of coturn's.
	Listen string
}

var _ Service = Systemd{}

// Running asks systemd.
func (s Systemd) Running(ctx context.Context) (bool, error) {
	out, err := exec.CommandContext(ctx, "systemctl", "is-active", s.Unit).Output()
	state := strings.TrimSpace(string(out))
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return false, fmt.Errorf("provision: systemctl: %w", err)
	}
	return state == "active" || state == "activating", nil
}

// Restart reads the unit's files again, has it start at boot, and starts it.
func (s Systemd) Restart(ctx context.Context) error {
	for _, argv := range [][]string{{"systemctl", "daemon-reload"}, {"systemctl", "enable", s.Unit}, {"systemctl", "restart", s.Unit}} {
		if err := run(ctx, commandTimeout, argv); err != nil {
			return err
		}
	}
	return listens(ctx, s.Listen, func() error {
		if up, err := s.Running(ctx); err != nil || !up {
			return errors.Join(err, fmt.Errorf("provision: %s has ended; journalctl -u %s says why", s.Unit, s.Unit))
		}
		return nil
	})
}

// Stop stops the unit, and has it start at boot no more: a package that was just installed, and Restart, have told it to.
func (s Systemd) Stop(ctx context.Context) error {
	return errors.Join(run(ctx, commandTimeout, []string{"systemctl", "daemon-reload"}), run(ctx, commandTimeout, []string{"systemctl", "disable", "--now", s.Unit}))
}

// listens waits until something takes connections at an address. alive says why there is nothing to wait for any more.
func listens(ctx context.Context, addr string, alive func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d := net.Dialer{Timeout: time.Second}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return errors.Join(conn.Close(), answers(ctx, addr))
		}
		if gone := alive(); gone != nil {
			return gone
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("provision: coturn does not listen on %s: %w", addr, err)
		case <-tick.C:
		}
	}
}

// answerTimeout is how long coturn may take over UDP once it listens over TCP. Where a firewall drops UDP it never answers, and the proof says so.
const answerTimeout = 5 * time.Second

// answers waits until coturn answers over UDP too, which it listens to a moment after TCP: a proof that begins in between finds no relay. Its error is of ctx.
func answers(ctx context.Context, addr string) error {
	wait, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return err
	}
	var d net.Dialer
	for {
		conn, err := d.DialContext(wait, "udp", addr)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
			_, _ = conn.Write(request.Raw)
			n, _ := conn.Read(make([]byte, 1500))
			_ = conn.Close()
			if n > 0 {
				return nil
			}
		}
		if pause(wait) != nil {
			return ctx.Err()
		}
	}
}

// pause waits a moment between two looks. Its error is of ctx.
func pause(ctx context.Context) error {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
