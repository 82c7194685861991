package edge

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// TokenVerifier tells whose token it is: see [auth.Verifier].
type TokenVerifier interface {
	Verify(ctx context.Context, token string) (auth.Claims, error)
}

// ICEProvider gives a session the relays that it may use, and for how long the credentials last.
type ICEProvider interface {
	ICEServers(region wire.Region, user wire.UserID) (servers []wire.ICEServer, ttl time.Duration)
}

// Options configure an edge. Bus, Verifier and ResumeSecret are required.
type Options struct {
	Bus      *bus.Bus
	Verifier TokenVerifier
	// Guests signs tokens for people who only give a name. Nil: there are none.
	Guests *auth.Signer
	// GuestTTL is how long a guest's token lasts. 0 means 12 hours.
	GuestTTL time.Duration
	// ResumeSecret signs resume keys, invitations and passes, and makes the ids of guests. Every edge of the mesh has the same one; at least 32 bytes.
	ResumeSecret []byte
	// ICE may be nil: then there are no relays.
	ICE ICEProvider
	// AllowedOrigins may open WebSockets besides the page's own origin, as https://host[:port].
	AllowedOrigins []string
	// TrustedProxies are those whose word about a client's address counts; ProxyHeader is where they give it, [HeaderXForwardedFor] if empty.
	TrustedProxies []netip.Prefix
	ProxyHeader    string
	// AllowedHosts are the names, without a port, under which the edge may be asked for, besides localhost and IP addresses. Nil: any. A page that
	// was loaded under a name which its owner has since pointed at this edge (DNS rebinding) is of that name's origin, and would pass for its own.
	AllowedHosts []string
	// Page is the built page. Nil: only the protocol is served.
	Page fs.FS
	// Limits of zero value mean [DefaultLimits].
	Limits Limits
	// Version is told by /v1/config.
	Version string
	// Traces is where the spans of requests go, and those of other edges' requests that arrive here. Nil: there are none.
	Traces trace.TracerProvider
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Edge is one node. Make it with [New], serve [Edge.Handler], end it with [Edge.Drain] and [Edge.Close].
type Edge struct {
	id      wire.EdgeID
	region  wire.Region
	opts    Options
	bus     *bus.Bus
	limits  Limits
	keys    keyring
	proofs  proofs
	log     *slog.Logger
	metrics *metrics
	tracer  trace.Tracer // nil unless there are traces
	// rulings are what moderators have decided.
	rulings *bus.Rulings
	// complaints bounds the warnings that clients can cause.
	complaints *rate.Limiter
	writers    writers
	trust      proxyTrust
	untrusted  sync.Once // a proxy that nobody trusts was seen
	addresses  *book[netip.Addr]
	users      *book[wire.UserID]
	// replays has a place for each resume that reads.
	replays      chan struct{}
	reports      reports
	replayBudget budget
	leavers      leavers

	ctx      context.Context // ends with Close; every goroutine of the edge watches it or a socket
	cancel   context.CancelFunc
	draining atomic.Bool
	meshing  atomic.Bool // mesh is about to begin
	probing  atomic.Bool // somebody looks whether regions can be read again

	goMu   sync.Mutex // orders a new goroutine and the end; guards the following
	ended  bool
	owned  sync.WaitGroup
	forget []func()
	inboxS *bus.Subscription

	mu       sync.Mutex // guards the following
	sockets  map[*socket]struct{}
	places   int // sockets, and those that are about to be
	waiting  int // of them, those that have not said hello
	sessions map[wire.SessionID]*session
	rooms    map[wire.RoomID]*room
	closed   map[wire.RoomID]closedRoom
	inboxes  map[wire.UserID]*inbox
	outboxes map[wire.UserID]*outbox
	watched  map[wire.UserID]*watch
	ringing  map[wire.CallID]*call
	callers  map[wire.UserID]*rate.Limiter
	lost     map[wire.EdgeID]time.Time
	good     time.Time                        // when the bus was last known to work, and all was read back
	mends    int                              // how many are reading back
	missing  time.Time                        // from when on the next mesh reads back; zero if none is about to begin
	unread   map[wire.Region]time.Time        // from when on regions that are out of reach must be read back
	resuming map[wire.SessionID]chan struct{} // closed when its resume under way has come to an end

	tailMu  sync.Mutex         // guards the following; taken after every other lock
	quiet   map[tailer]int     // scopes that have published lately, by how many sweeps ago
	orphans map[*room]struct{} // rooms with peers whose edge holds them no more, or with edges that have yet to tell whom they have
}

// New starts an edge. It does not wait for the bus: [Edge.Handler]'s /readyz tells.
func New(opts Options) (*Edge, error) {
	switch {
	case opts.Bus == nil:
		return nil, errors.New("edge: want a bus")
	case opts.Verifier == nil:
		return nil, errors.New("edge: want a token verifier")
	case len(opts.ResumeSecret) < 32:
		return nil, errors.New("edge: want a resume secret of at least 32 bytes")
	}
	if opts.Limits == (Limits{}) {
		opts.Limits = DefaultLimits()
	}
	if opts.GuestTTL == 0 {
		opts.GuestTTL = 12 * time.Hour
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Edge{
		id: opts.Bus.Edge(), region: opts.Bus.Region(), opts: opts, bus: opts.Bus, limits: opts.Limits,
		keys: newKeyring(opts.ResumeSecret), proofs: newProofs(opts.ResumeSecret), log: opts.Logger.With("edge", opts.Bus.Edge()), complaints: rate.NewLimiter(1, 20), writers: newWriters(), ctx: ctx, cancel: cancel, good: time.Now(),
		sockets: make(map[*socket]struct{}), sessions: make(map[wire.SessionID]*session), rooms: make(map[wire.RoomID]*room), closed: make(map[wire.RoomID]closedRoom),
		inboxes: make(map[wire.UserID]*inbox), outboxes: make(map[wire.UserID]*outbox), watched: make(map[wire.UserID]*watch),
		ringing: make(map[wire.CallID]*call), callers: make(map[wire.UserID]*rate.Limiter), lost: make(map[wire.EdgeID]time.Time), unread: make(map[wire.Region]time.Time), resuming: make(map[wire.SessionID]chan struct{}), quiet: make(map[tailer]int), orphans: make(map[*room]struct{}),
	}
	e.trust = proxyTrust{opts.TrustedProxies, opts.ProxyHeader}
	e.addresses, e.users = newBook[netip.Addr](opts.Limits.Accounts), newBook[wire.UserID](opts.Limits.Accounts)
	e.replays, e.replayBudget.limit = make(chan struct{}, opts.Limits.Replays), int64(opts.Limits.ReplayBudget)
	e.reports = newReports()
	e.metrics = newMetrics(opts.Registerer, e)
	if opts.Traces != nil {
		e.tracer = opts.Traces.Tracer("callmesh/edge")
	}
	e.rulings = e.bus.WatchRulings(e.ruled)
	sub, err := e.bus.Inbox(e.told)
	if err == nil {
		e.inboxS = sub
		err = e.bus.HoldLease(ctx, e.lease, bus.LeaseEvents{Found: e.edgeFound, Lost: e.edgeLost})
	}
	if err != nil {
		cancel()
		e.rulings.Close()
		return nil, err
	}
	e.forget = append(e.forget, e.bus.OnReady(e.mesh), e.bus.OnDropped(e.mend))
	e.own(e.sweep)
	e.own(e.storeReports)
	return e, nil
}

// own runs f on a goroutine that Close waits for. After Close it does nothing and returns false.
func (e *Edge) own(f func(ctx context.Context)) (owned bool) {
	e.goMu.Lock()
	defer e.goMu.Unlock()
	if e.ended {
		return false
	}
	e.owned.Go(func() { f(e.ctx) })
	return true
}

// Close cuts every socket and ends every goroutine. Sessions can resume on another edge.
func (e *Edge) Close() {
	e.cancel()
	for _, s := range e.socketList() {
		s.cut()
		_ = s.ws.CloseNow() // also one that is being closed in good order
	}
	e.goMu.Lock()
	e.ended = true
	forget := e.forget
	e.forget = nil
	e.goMu.Unlock()
	for _, f := range forget {
		f()
	}
	e.inboxS.Close()
	e.rulings.Close()
	e.owned.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rooms {
		r.close()
	}
	for _, b := range e.inboxes {
		b.close()
	}
	for _, w := range e.watched {
		w.sub.Close()
	}
	for _, c := range e.ringing {
		c.timer.Stop()
	}
}

// Ready reports whether the edge can serve sessions.
func (e *Edge) Ready() bool { return e.bus.Ready() && e.rulings.Ready() && !e.draining.Load() }

func (e *Edge) lease() bus.Lease {
	var keys []wire.KeyID
	if relays, ok := e.opts.ICE.(*Relays); ok {
		keys = relays.Keys() // whoever takes a secret away looks first who lacks the new one
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return bus.Lease{Sessions: len(e.sessions), Rooms: len(e.rooms), TURNKeys: keys}
}
