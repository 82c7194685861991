package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"callmesh/turnctl/turnauth"
)

// RelayPort is where the relay listens, on both of its addresses; the other port of RFC 5780 is the next.
const RelayPort = 3478

// Relay is a coturn at the laboratory's [Server].
type Relay struct {
	stop context.CancelFunc
	done chan struct{}
	log  logBuffer
	dir  string
}

// RelayOptions say what the relay is like.
type RelayOptions struct {
	// OneAddress leaves it without the second: then it can't tell behaviours.
	OneAddress bool
	// Secret mints its credentials. Without one it is a STUN server alone.
	Secret turnauth.Secret
	// CertFile and KeyFile make it serve TLS on port 443.
	CertFile, KeyFile string
}

// conf is its configuration.
func (o RelayOptions) conf(dir string) string {
	conf := fmt.Sprintf("listening-port=%d\nno-dtls\nno-cli\nlog-file=stdout\nsimple-log\nuserdb=%s\npidfile=%s\n", RelayPort, filepath.Join(dir, "db"), filepath.Join(dir, "pid"))
	conf += fmt.Sprintf("listening-ip=%s\nrelay-ip=%s\n", ServerAddr, ServerAddr)
	if !o.OneAddress {
		// Two of each family: with one of each, it would name its own address as its second.
		conf += fmt.Sprintf("listening-ip=%s\nrelay-ip=%s\nlistening-ip=%s\nlistening-ip=%s\n", ServerAddr2, ServerAddr2, Server6Addr, Server6Addr2)
	}
	if o.Secret.IsZero() {
		conf += "stun-only\n"
	} else {
		conf += "realm=lab.example\nuse-auth-secret\nstatic-auth-secret=" + o.Secret.Reveal() + "\n"
	}
	if o.CertFile == "" {
		return conf + "no-tls\n"
	}
	return conf + fmt.Sprintf("tls-listening-port=443\ncert=%s\npkey=%s\n", o.CertFile, o.KeyFile)
}

// StartRelay starts coturn at the public addresses. It answers when this returns.
func (l *Lab) StartRelay(ctx context.Context, o RelayOptions) (*Relay, error) {
	dir, err := os.MkdirTemp("", "nat-lab-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "turnserver.conf")
	if err := os.WriteFile(file, []byte(o.conf(dir)), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &Relay{stop: stop, done: make(chan struct{}), dir: dir}
	c := l.Command(running, Server, "turnserver", "-c", file)
	c.Stdout, c.Stderr = &r.log, &r.log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("starting coturn: %w", err), os.RemoveAll(dir))
	}
	go func() {
		defer close(r.done)
		_ = c.Wait()
	}()
	if err := l.ready(ctx, r); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

// ready waits until it answers, as its own client asks.
func (l *Lab) ready(ctx context.Context, r *Relay) error {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if l.Command(ctx, Server, "timeout", "2", "turnutils_stunclient", ServerAddr.String()).Run() == nil {
			return nil
		}
		select {
		case <-r.done:
			return fmt.Errorf("coturn ended: %s", r.log.String())
		case <-ctx.Done():
			return fmt.Errorf("coturn does not answer: %w: %s", ctx.Err(), r.log.String())
		case <-tick.C:
		}
	}
}

// Stop ends it, and gives back once it has ended.
func (r *Relay) Stop() error {
	r.stop()
	<-r.done
	return os.RemoveAll(r.dir)
}

// logBuffer keeps what coturn has said, the latest of it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxLog = 256 << 10

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > maxLog {
		b.buf.Next(b.buf.Len() / 2)
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
