package bus

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// dial starts the connection. It never waits for a server: nats.go keeps trying, with the same options, the first time as later.
func (b *Bus) dial() (*nats.Conn, error) {
	o := b.opts
	opts := []nats.Option{
		nats.Name(o.Name),
		nats.NoEcho(), // whoever asks does not mean itself
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials that are refused may be put right, here or at the server, without a restart
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.ReconnectBufSize(-1), // what can't be sent now fails now: a signal that comes late is worse than none
		nats.Timeout(2 * time.Second),
		nats.PingInterval(3 * time.Second),
		nats.MaxPingsOutstanding(2), // a silently cut connection is given up after 6 to 9 s, well within the replay window
		nats.FlusherTimeout(5 * time.Second),
		nats.ConnectHandler(func(*nats.Conn) { b.connected() }),
		nats.ReconnectHandler(func(*nats.Conn) { b.connected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.disconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.unreachable(err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
		nats.LameDuckModeHandler(func(*nats.Conn) { b.leave() }),
		nats.ErrorHandler(b.asyncError),
	}
	if o.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(o.InboxPrefix))
	}
	if o.InProcess != nil {
		opts = append(opts, nats.InProcessServer(o.InProcess))
	}
	if o.CredsFile != "" {
		// It is read again at every connect, so it may be replaced; here only a mistake is told.
		text, err := os.ReadFile(o.CredsFile)
		if err == nil {
			_, err = nkeys.ParseDecoratedUserNKey(text)
		}
		if err != nil {
			return nil, fmt.Errorf("bus: credentials file %s: %w", o.CredsFile, err)
		}
		opts = append(opts, nats.UserCredentials(o.CredsFile))
	}
	if o.NKeyFile != "" {
		opt, err := nats.NkeyOptionFromSeed(o.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("bus: nkey file %s: %w", o.NKeyFile, err)
		}
		opts = append(opts, opt)
	}
	if o.CAFile != "" {
		opts = append(opts, nats.RootCAs(o.CAFile))
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("bus: a certificate and its key go together: set both or neither")
	}
	if o.CertFile != "" {
		opts = append(opts, nats.ClientCert(o.CertFile, o.KeyFile))
	}
	nc, err := nats.Connect(strings.Join(o.URLs, ","), opts...)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	return nc, nil
}

func (b *Bus) connected() {
	b.metrics.connected.Set(1)
	b.poke()
}

// unreachable says now and then why there is no connection: a mistyped URL would otherwise be silent for ever.
func (b *Bus) unreachable(err error) {
	now := time.Now().UnixNano()
	if said := b.saidUnreachable.Load(); now-said > int64(10*time.Second) && b.saidUnreachable.CompareAndSwap(said, now) {
		b.log.Warn("NATS can't be reached; trying on", "error", err)
	}
}

func (b *Bus) disconnected(err error) {
	b.epoch.Add(1)
	b.metrics.connected.Set(0)
	b.metrics.disconnects.Inc()
	if err != nil {
		b.log.Warn("the bus is lost; reconnecting", "error", err)
	}
	b.acks.fail(ErrUnavailable)
	b.onLost.call()
}

func (b *Bus) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
		b.metrics.dropped.Inc()
		if prefix, ok := strings.CutSuffix(sub.Subject, ">"); ok { // a scope's: see heard
			b.onDropped.call(scopeOf(prefix + "_"))
		}
		return
	}
	b.log.Warn("bus", "error", err)
}
