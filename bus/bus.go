package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus/wire"
)

// ErrUnavailable says that the bus can't be reached, or did not confirm in time. Whether a message went out is unknown.
var ErrUnavailable = errors.New("the bus is unavailable")

// Options say where the bus is and who speaks. Region and one of URLs and InProcess are required.
type Options struct {
	// Name is shown by NATS in its connection list.
	Name string
	// Region is under which messages are published, and whose streams are made.
	Region wire.Region
	// Edge is this process's id. A fresh one unless given.
	Edge wire.EdgeID

	// URLs of an external NATS, as nats://host:port or tls://host:port.
	URLs []string
	// InProcess connects to an embedded server without TCP. It outweighs URLs.
	InProcess nats.InProcessConnProvider
	// CredsFile, NKeyFile and the TLS files are optional: see the nats.go options of the same names.
	CredsFile, NKeyFile       string
	CAFile, CertFile, KeyFile string

	// InboxPrefix begins the subjects that answers come to, as _INBOX.probe-run: whoever may listen there hears them, so what has users of its own at NATS has one of its own. Default: _INBOX.
	InboxPrefix string
	// Guest makes no streams and changes none, but uses those of the edges: for processes beside them, which need not know how the mesh is kept. It is ready
	// once an edge of the region has been there, or of any region if Region is empty.
	Guest bool
	// Replicas of every stream and bucket, 1 to 5. 0 means 1.
	Replicas int
	// TraversalAge and TraversalBytes bound what is kept of attempts to connect, in the own region. 0: the constants of those names. All edges of a region must
	// be told the same.
	TraversalAge   time.Duration
	TraversalBytes int64
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Bus is one process's connection to the mesh. It is safe for concurrent use.
type Bus struct {
	opts    Options
	log     *slog.Logger
	nc      *nats.Conn
	js      jetstream.JetStream
	metrics *metrics

	epoch     atomic.Uint64 // how many connections were lost
	readyAt   atomic.Uint64 // the epoch in which the streams were last seen, plus one
	onReady   hooks         // the streams are there: after the first connect and after every reconnect
	onLost    hooks         // the connection is lost: no answer that is under way will come
	onDropped hooksFor[Scope]
	onRegions hooks // the regions have changed

	acks            acks
	subs            subscriptions
	leases          leases
	readers         readers
	regions         regionSet
	doubting        atomic.Bool  // somebody asks whether the streams take messages
	stranded        atomic.Bool  // there is a connection, and no stream that takes messages
	metaAway        atomic.Int64 // until when JetStream is taken to have no meta leader, in Unix ns
	saidUnreachable atomic.Int64 // Unix ns
	buckets         sync.Map     // name to jetstream.KeyValue

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	owning  sync.Mutex     // held to begin a goroutine, and to end ctx: after that none begins
	owned   sync.WaitGroup // the goroutines that Close waits for
	connect chan struct{}  // tells the keeper of a (re)connect
	closed  chan struct{}  // nats.go has let go of the connection
}

// Open starts to connect and returns at once; errors are of the options only. Use [Bus.WaitReady] to wait for the mesh.
func Open(opts Options) (*Bus, error) {
	if _, err := wire.ParseRegion(string(opts.Region)); err != nil && (!opts.Guest || opts.Region != "") {
		return nil, fmt.Errorf("bus: %w", err)
	}
	if opts.InProcess == nil && len(opts.URLs) == 0 {
		return nil, errors.New("bus: want URLs of a NATS, or an embedded one")
	}
	if opts.Replicas == 0 {
		opts.Replicas = 1
	}
	if opts.Replicas < 0 || opts.Replicas > 5 {
		return nil, fmt.Errorf("bus: %d replicas: want 1 to 5", opts.Replicas)
	}
	if opts.Edge == "" {
		opts.Edge = wire.NewEdgeID()
	}
	if strings.ContainsAny(string(opts.Edge), ".*> \t\r\n") {
		return nil, fmt.Errorf("bus: edge %q: want no dots, wildcards and spaces, as it becomes part of subjects", opts.Edge)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &Bus{
		opts: opts, log: opts.Logger, metrics: newMetrics(opts.Registerer), ctx: ctx, cancel: cancel,
		connect: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	b.acks.init()
	b.subs.init()
	b.leases.init()
	b.readers.init()
	nc, err := b.dial()
	if err != nil {
		cancel()
		return nil, err
	}
	b.nc, b.acks.prefix = nc, nc.NewInbox()+"."
	if b.js, err = jetstream.New(nc); err != nil {
		cancel()
		nc.Close()
		return nil, fmt.Errorf("bus: %w", err)
	}
	if err := b.start(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) start(ctx context.Context) error {
	if err := b.listenForAcks(); err != nil {
		return err
	}
	b.own(func() { b.keep(ctx) })
	b.own(func() { b.sweepAcks(ctx) })
	for _, ch := range b.subs.channels {
		b.own(func() { b.dispatch(ctx, ch) })
	}
	if b.nc.IsConnected() {
		b.poke()
	}
	return nil
}

// own runs f on a goroutine that Close waits for. It reports false, and does not run f, when the bus is closed.
func (b *Bus) own(f func()) bool {
	b.owning.Lock()
	defer b.owning.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.owned.Go(f)
	return true
}

// bounded ends after the timeout, when the connection is lost and with Close: an answer that is under way then never comes.
func (b *Bus) bounded(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	forget := b.onLost.add(cancel)
	stop := context.AfterFunc(b.ctx, cancel)
	return ctx, func() {
		forget()
		stop()
		cancel()
	}
}

func (b *Bus) poke() {
	select {
	case b.connect <- struct{}{}:
	default:
	}
}

// Edge returns this process's id.
func (b *Bus) Edge() wire.EdgeID { return b.opts.Edge }

// Region returns the region under which this process publishes.
func (b *Bus) Region() wire.Region { return b.opts.Region }

// Ready reports whether messages can be accepted: there is a connection, and the region's streams exist and take them.
func (b *Bus) Ready() bool {
	return b.readyAt.Load() == b.epoch.Load()+1 && b.nc.IsConnected() && !b.stranded.Load()
}

// WaitReady returns when the bus is ready, or with [ErrUnavailable] when ctx or the bus has ended.
func (b *Bus) WaitReady(ctx context.Context) error {
	ready := make(chan struct{}, 1)
	forget := b.onReady.add(func() {
		select {
		case ready <- struct{}{}:
		default:
		}
	})
	defer forget()
	if b.Ready() {
		return nil
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case <-b.ctx.Done():
		return fmt.Errorf("%w: it was closed", ErrUnavailable)
	}
}

// OnReady registers f to be called, on a goroutine of the bus, whenever the bus becomes ready: at first and after every reconnect, when
// interest may have been lost in between. The returned function forgets f.
func (b *Bus) OnReady(f func()) (forget func()) { return b.onReady.add(f) }

// OnDropped registers f to be called when messages of a scope were dropped because this process read too slowly.
func (b *Bus) OnDropped(f func(Scope)) (forget func()) { return b.onDropped.add(f) }

// Close ends the connection and every goroutine of the bus. What was published before is flushed for up to a second.
func (b *Bus) Close() {
	if b.nc.IsConnected() {
		_ = b.nc.FlushTimeout(time.Second) // a bus that can't be reached takes nothing more, and there is nobody to tell
	}
	b.owning.Lock()
	b.cancel()
	b.owning.Unlock()
	b.nc.Close()
	<-b.closed
	b.acks.fail(ErrUnavailable)
	b.owned.Wait()
}

// keep makes the region's streams after every connect, and calls the hooks once they are there.
func (b *Bus) keep(ctx context.Context) {
	const first, last = 100 * time.Millisecond, 2 * time.Second
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	defer retry.Stop()
	wait := first
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.connect:
			wait = first
		case <-retry.C:
		}
		if !b.nc.IsConnected() {
			continue // the next connect pokes
		}
		epoch := b.epoch.Load()
		if err := b.ensure(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			b.log.Warn("the bus is connected but its streams are not ready yet", "error", err, "retry", wait)
			retry.Reset(wait)
			wait = min(2*wait, last)
			continue
		}
		if b.readyAt.Swap(epoch+1) == epoch+1 {
			continue // only the regions were to be listed again
		}
		if b.epoch.Load() != epoch {
			continue // lost meanwhile; the next connect pokes
		}
		b.stranded.Store(false)
		b.log.Info("the bus is ready", "region", b.opts.Region, "address", b.nc.ConnectedAddr()) // not the URL, in which a token may stand
		b.onReady.call()
	}
}
