package edge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"callmesh/bus/wire"
)

const (
	// moveEvery is how often one session is told of other relays, whatever the registry does.
	moveEvery = 10 * time.Second
	// movesPerSweep bounds how many sessions are told at once: 20,000 within five seconds.
	movesPerSweep = 4000
)

// relayURL writes a TURN URI in the one way in which it can be compared. Empty: it is none, and so nothing that leaves.
func relayURL(url string) string {
	u, err := wire.ParseRelayURL(url)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.String())
}

// staying are the URLs of the relays that some session could be given now.
func (r *Relays) staying() map[string]struct{} {
	urls := make(map[string]struct{})
	add := func(list []string) {
		for _, url := range list {
			if u := relayURL(url); u != "" {
				urls[u] = struct{}{}
			}
		}
	}
	if len(r.secrets()) == 0 {
		return urls // nobody could be given any
	}
	list := r.list()
	for i := range list {
		if list[i].Health == wire.RelayHealthy && !list[i].Draining {
			add(list[i].URLs)
		}
	}
	_, turn := r.static(list)
	add(turn)
	return urls
}

// leavers is what the sweep knows of relays that leave. It is the sweep's alone.
type leavers struct {
	staying map[string]struct{}
	// again says that sessions are to be looked through though nothing has changed: some are yet to be told, or were given a list while it changed.
	again bool
}

// sweepRelays tells sessions of other relays when one that they were last given has begun to drain, fails, or is gone: what goes over it can then move
// while it still works. Of the last relay nobody is told, as there is nothing to move to; once there is, they are.
func (e *Edge) sweepRelays(now time.Time) {
	relays, ok := e.opts.ICE.(*Relays)
	if !ok {
		return
	}
	l := &e.leavers
	staying := relays.staying()
	changed := !maps.Equal(staying, l.staying)
	l.staying = staying
	if !changed && !l.again {
		return
	}
	l.again = changed
	if len(staying) == 0 {
		return
	}
	e.mu.Lock()
	list := make([]*session, 0, len(e.sessions))
	for _, s := range e.sessions {
		list = append(list, s)
	}
	e.mu.Unlock()
	told := 0
	for _, s := range list {
		if told == movesPerSweep {
			l.again = true
			return
		}
		if !s.telling.TryLock() { // of relays as they were just now, perhaps
			l.again = true
			continue
		}
		sock, due := s.leaves(staying, now)
		switch {
		case !due:
		case sock == nil:
			l.again = true
		default:
			relays.moves.Inc()
			e.tellRelaysLocked(s, func(servers []wire.ICEServer, ttl int64) {
				sock.send(wire.AppendJSON(nil, wire.ICEEvent{Head: wire.Head{Ev: wire.EvICE}, ICEServers: servers, ICETTL: ttl}))
			})
			told++
		}
		s.telling.Unlock()
	}
}

// leaves reports whether the session was given a relay that does not stay; sock is nil if it is too soon to tell it. Whoever has no socket is told by
// the hello with which it comes back.
func (s *session) leaves(staying map[string]struct{}, now time.Time) (sock *socket, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sock = s.socket.Load()
	if sock == nil || s.ended || !slices.ContainsFunc(s.given, func(url string) bool { _, stays := staying[url]; return !stays }) {
		return nil, false
	}
	if !s.greeted || s.reviving || now.Sub(s.moved) < moveEvery {
		return nil, true
	}
	s.moved = now
	return sock, true
}

func (s *session) greetedNow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeted = true
}

// noteGiven remembers which relays the session knows of.
func (s *session) noteGiven(servers []wire.ICEServer) {
	var given []string
	for _, server := range servers {
		for _, url := range server.URLs {
			if u := relayURL(url); u != "" {
				given = append(given, u)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = given
}
