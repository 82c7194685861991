package loadtest

import (
	"context"
	"os"
	"regexp"
	"strconv"
)

// bare is the bound: bare relays, joined by a nats-server of their own.
type bare struct {
	dialer
	programs Programs
	dir      string
	nats     *process // nil if the one relay stands alone
	natsURL  string
	relays   []*node
}

var relayReady = regexp.MustCompile(`^relay ready at (\S+)`)

// startBare runs so many relays; a single one has no nats-server.
func startBare(ctx context.Context, programs Programs, relays int) (b *bare, err error) {
	b = &bare{programs: programs}
	if b.dir, err = os.MkdirTemp("", "callmesh-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if relays > 1 {
		if b.nats, b.natsURL, err = startNATS(ctx, programs.NATS, b.dir); err != nil {
			return nil, err
		}
	}
	for i := range relays {
		b.relays = append(b.relays, nil)
		if err := b.startRelay(ctx, i); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// startRelay runs the relay of that number, in place of one that was killed.
func (b *bare) startRelay(ctx context.Context, i int) error {
	p, err := start("bare relay "+strconv.Itoa(i), b.programs.Bare, []string{"relay", "-nats-url", b.natsURL}, nil)
	if err != nil {
		return err
	}
	b.relays[i] = &node{process: p}
	b.relays[i].addr, err = p.line(ctx, relayReady)
	return err
}

// cpu is what the relays and the nats-server have used so far.
func (b *bare) cpu() (work, error) { return workOf(b.relays, b.nats) }

func (b *bare) close() {
	for _, p := range running(b.relays) {
		p.kill()
	}
	if b.nats != nil {
		b.nats.kill()
	}
	_ = os.RemoveAll(b.dir)
}

// enter opens a socket and waits for its greeting.
func (b *bare) enter(ctx context.Context, relay int, do, room string) (*conn, error) {
	c, err := b.dial(ctx, b.relays[relay].addr, "/?do="+do+"&room="+room, "")
	if err != nil {
		return nil, err
	}
	if _, err := c.nextWithin(patience); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
