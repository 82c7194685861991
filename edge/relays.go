package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/turnctl/turnauth"
)

// RelayRegistry is where an edge hears of relays: a [bus.Relays].
type RelayRegistry interface {
	List() []bus.RelayState
	Signer(wire.Region) wire.KeyID
}

// RelayOptions are of [Relays].
type RelayOptions struct {
	// Registry is where relays are found. Nil: only the static ones are known.
	Registry RelayRegistry
	// Static are the URLs that the configuration names, as in RFC 7065, of relays that stand in the edge's region: turn:, turns: and, without credentials,
	// stun:. One that the registry has too is the registry's to judge.
	Static []string
	// Secrets are those that the relays may have, the one to use unless told otherwise first. It is asked for each session, so they may change.
	Secrets func() []turnauth.Secret
	// TTL of a credential. A relay checks it when an allocation is made, not later.
	TTL time.Duration
	// Fallback is the region whose relays follow the own ones. Empty: the one that has most to give.
	Fallback wire.Region
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Relays give sessions those relays that work: the best of the edge's region, the static ones, then one of another region. It is safe for concurrent use.
type Relays struct {
	opts    RelayOptions
	log     *slog.Logger
	given   *prometheus.CounterVec // from: own, static, fallback, none
	moves   prometheus.Counter
	saidKey atomic.Int64 // when it was last said that a secret is missing, Unix ns
}

// NewRelays is the [ICEProvider] of an edge with a registry, or with static relays alone.
func NewRelays(region wire.Region, o RelayOptions) *Relays {
	r := &Relays{opts: o, log: o.Logger, given: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "callmesh_edge_relays_given_total", Help: "Times that sessions were told of relays, by where these come from; none: there was no relay to tell of.",
	}, []string{"from"}), moves: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "callmesh_edge_relay_moves_total", Help: "Times that sessions were told of other relays, as one that they had been given was leaving.",
	})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	for _, from := range []string{"own", "static", "fallback", "none"} {
		r.given.WithLabelValues(from)
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(r.given, r.moves, &relayGauges{r, region})
	}
	return r
}

// ICEServers implements [ICEProvider].
func (r *Relays) ICEServers(region wire.Region, u wire.UserID) ([]wire.ICEServer, time.Duration) {
	list := r.list()
	var signer wire.KeyID
	if r.opts.Registry != nil {
		signer = r.opts.Registry.Signer(region)
	}
	secrets := r.secrets()
	c := choose(list, region, r.opts.Fallback, u)

	servers := []wire.ICEServer{}
	stun, turn := r.static(list)
	if len(stun) > 0 {
		servers = append(servers, wire.ICEServer{URLs: stun})
	}
	relays := 0
	add := func(from string, in wire.Region, urls []string, keys ...wire.KeyID) {
		if s, ok := r.sign(secrets, u, urls, in, keys); ok {
			servers = append(servers, s)
			r.given.WithLabelValues(from).Inc()
			relays++
		}
	}
	for i := range c.own {
		add("own", region, best(c.own[i].URLs), c.own[i].Key, signer)
	}
	if len(turn) > 0 {
		add("static", region, turn, signer)
	}
	for i := range c.fallback {
		add("fallback", c.fallback[i].Region, best(c.fallback[i].URLs), c.fallback[i].Key, r.opts.Registry.Signer(c.fallback[i].Region))
	}
	if relays == 0 {
		r.given.WithLabelValues("none").Inc()
	}
	return servers, r.opts.TTL
}

func (r *Relays) list() []bus.RelayState {
	if r.opts.Registry == nil {
		return nil
	}
	return r.opts.Registry.List()
}

func (r *Relays) secrets() []turnauth.Secret {
	if r.opts.Secrets == nil {
		return nil
	}
	return r.opts.Secrets()
}

// sign makes credentials with the first secret of the given ids that this edge has, or else with its own first.
func (r *Relays) sign(secrets []turnauth.Secret, u wire.UserID, urls []string, region wire.Region, keys []wire.KeyID) (wire.ICEServer, bool) {
	if len(secrets) == 0 {
		r.missing(region)
		return wire.ICEServer{}, false
	}
	if len(urls) == 0 {
		return wire.ICEServer{}, false
	}
	secret, found := secrets[0], false
	for _, k := range keys {
		if s, ok := turnauth.ByID(secrets, string(k)); ok {
			secret, found = s, true
			break
		}
	}
	if !found && slices.ContainsFunc(keys, func(k wire.KeyID) bool { return k != "" }) {
		r.missing(region)
	}
	// The relay sees who is the same, for its quota, and not who it is.
	name := sha256.Sum256([]byte(u))
	c, err := turnauth.Mint(secret, hex.EncodeToString(name[:10]), r.opts.TTL, time.Now())
	if err != nil {
		return wire.ICEServer{}, false
	}
	return wire.ICEServer{URLs: urls, Username: c.Username, Credential: c.Password, Region: region}, true
}

// missing says now and then that relays are signed for with a secret that they may not have.
func (r *Relays) missing(region wire.Region) {
	now := time.Now().UnixNano()
	if said := r.saidKey.Load(); now-said > int64(time.Minute) && r.saidKey.CompareAndSwap(said, now) {
		r.log.Warn("a relay has a secret that this edge does not: add it to turn-secret-file; until then callers are given one signed with another secret, if there is one", "region", region)
	}
}

// static splits the configured URLs. Those of relays that the registry has are left to it.
func (r *Relays) static(list []bus.RelayState) (stun, turn []string) {
	for _, url := range r.opts.Static {
		url = forBrowsers(url)
		switch {
		case len(url) > 4 && url[:4] == "stun":
			stun = append(stun, url)
		case !slices.ContainsFunc(list, func(s bus.RelayState) bool { return announces(&s.Relay, url) }):
			turn = append(turn, url)
		}
	}
	return stun, turn
}

// announces reports whether the relay's agent speaks of the URL, well or ill.
func announces(r *wire.Relay, url string) bool {
	u, err := wire.ParseRelayURL(url)
	same := func(s string) bool {
		o, oerr := wire.ParseRelayURL(s)
		return s == url || err == nil && oerr == nil && o == u
	}
	return slices.ContainsFunc(r.URLs, same) || slices.ContainsFunc(r.Down, func(d wire.RelayDown) bool { return same(d.URL) })
}

// Keys are the ids of the secrets that this edge has, for its lease.
func (r *Relays) Keys() []wire.KeyID {
	var ids []wire.KeyID
	for _, s := range r.secrets() {
		if ids = append(ids, wire.KeyID(turnauth.KeyID(s))); len(ids) == wire.MaxRelayKeys {
			break
		}
	}
	return ids
}
