package edge

import (
	"net/netip"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// storedOverhead is about what a message takes in a stream beside its frame: subject, envelope, headers, the stream's own record.
const storedOverhead = 512

// storage bounds what goes into one room. The zero value is ready.
type storage struct {
	mu     sync.Mutex // guards the following
	stored bucket
	kept   bucket
}

// pass says whether the session, and the address behind its socket, may do now what they ask for. size is the frame's, in bytes.
func (e *Edge) pass(s *session, sock *socket, req *wire.Request, size int) error {
	now := time.Now()
	l, a := &e.limits, &e.limits.Address
	switch args := req.Args.(type) {
	case wire.PostArgs:
		return e.store(s, sock, now, args.Room, size, args.Keep)
	case wire.SignalArgs:
		return e.store(s, sock, now, args.Room, size, false)
	case wire.UpdateArgs:
		return e.store(s, sock, now, args.Room, size, false)
	case wire.JoinArgs:
		if err := e.rated(whatJoin, "joins", now, s, &s.joins, l.JoinRate, l.JoinBurst, sock, a.JoinRate, a.JoinBurst, joinsOf); err != nil {
			return err
		}
		return e.store(s, sock, now, args.Room, size, false)
	case wire.HistoryArgs:
		return e.rated(whatHistory, "pages of history", now, s, &s.reads, l.HistoryRate, l.HistoryBurst, sock, a.HistoryRate, a.HistoryBurst, readsOf)
	case wire.ContactsArgs, wire.ContactArgs:
		return e.rated(whatContact, "changes of contacts", now, s, &s.asks, l.ContactRate, l.ContactBurst, sock, a.ContactRate, a.ContactBurst, asksOf)
	case wire.KnockArgs:
		if err := e.rated(whatKnock, "knocks", now, s, &s.knocks, l.KnockRate, l.KnockBurst, sock, a.KnockRate, a.KnockBurst, knocksOf); err != nil {
			return err
		}
		return e.ratedUser(whatKnock, "knocks", now, sock, l.KnockRate, l.KnockBurst, knocksOf)
	case wire.ReportArgs:
		if err := e.rated(whatReport, "reports", now, s, &s.reports, l.ReportRate, l.ReportBurst, sock, a.ReportRate, a.ReportBurst, reportsOf); err != nil {
			return err
		}
		return e.ratedUser(whatReport, "reports", now, sock, l.ReportRate, l.ReportBurst, reportsOf)
	case wire.KickArgs:
		return e.ratedMaker(s, sock, now, args.Room)
	case wire.LockArgs:
		return e.ratedMaker(s, sock, now, args.Room)
	case wire.CallArgs: // the session's own rate is the call's to check
		if !allowed(sock.addr, now, a.CallRate, a.CallBurst, callsOf) {
			return e.tooMany(whatCall, "calls", whyAddressRate, a.CallRate)
		}
		return e.storeIn(sock, now, bus.UserScope(args.To).Shard(), nil, size, false)
	}
	return nil
}

// rated checks the rate of the session, and then that of its address.
func (e *Edge) rated(what, name string, now time.Time, s *session, own *bucket, rate float64, burst int, sock *socket, addrRate float64, addrBurst int,
	pick func(*account) *bucket,
) error {
	s.mu.Lock()
	ok, _ := own.take(now, 1, rate, burst)
	s.mu.Unlock()
	if !ok {
		return e.tooMany(what, name, whySessionRate, rate)
	}
	if !allowed(sock.addr, now, addrRate, addrBurst, pick) {
		return e.tooMany(what, name, whyAddressRate, addrRate)
	}
	return nil
}

// ratedUser checks the rate of the user, whatever sessions it has. A user without limits on its address has none either.
func (e *Edge) ratedUser(what, name string, now time.Time, sock *socket, rate float64, burst int, pick func(*account) *bucket) error {
	if sock.addr == nil {
		return nil
	}
	sock.user.mu.Lock()
	ok, _ := pick(&sock.user.account).take(now, 1, rate, burst)
	sock.user.mu.Unlock()
	if !ok {
		return e.tooMany(what, name, whyUserRate, rate)
	}
	return nil
}

// ratedMaker bounds what is decided by the secrets of rooms' makers: anybody can be one.
func (e *Edge) ratedMaker(s *session, sock *socket, now time.Time, room wire.RoomID) error {
	a := &e.limits.Address
	if _, made := s.decides(room); made && !allowed(sock.addr, now, a.RulingRate, a.RulingBurst, rulingsOf) {
		return e.tooMany(whatRuling, "kicks and locks", whyAddressRate, a.RulingRate)
	}
	return nil
}

func callsOf(a *account) *bucket   { return &a.calls }
func joinsOf(a *account) *bucket   { return &a.joins }
func readsOf(a *account) *bucket   { return &a.reads }
func guestsOf(a *account) *bucket  { return &a.guests }
func movesOf(a *account) *bucket   { return &a.moves }
func asksOf(a *account) *bucket    { return &a.asks }
func strangeOf(a *account) *bucket { return &a.strange }
func knocksOf(a *account) *bucket  { return &a.knocks }
func reportsOf(a *account) *bucket { return &a.reports }
func rulingsOf(a *account) *bucket { return &a.rulings }

// allowed takes one from an address's bucket. An address that is nil has no limits.
func allowed(addr *entry[netip.Addr], now time.Time, rate float64, burst int, pick func(*account) *bucket) bool {
	if addr == nil {
		return true
	}
	addr.mu.Lock()
	defer addr.mu.Unlock()
	ok, _ := pick(&addr.account).take(now, 1, rate, burst)
	return ok
}

func (e *Edge) tooMany(what, name, why string, rate float64) *wire.Error {
	e.refused(what, why)
	from := "this session"
	switch why {
	case whyAddressRate:
		from = "the address that this session comes from"
	case whyUserRate:
		from = "this user"
	}
	return wire.Errorf(wire.CodeRateLimited, "more than %g %s a second from %s: slow down", rate, name, from)
}

// store says whether so many bytes may go into a room's stream now.
func (e *Edge) store(s *session, sock *socket, now time.Time, room wire.RoomID, size int, keep bool) error {
	if sock.addr == nil {
		return nil
	}
	r := s.room(room)
	if r == nil {
		return e.storeIn(sock, now, bus.RoomScope(room).Shard(), nil, size, keep) // a join; anything else is refused later
	}
	return e.storeIn(sock, now, r.scope.Shard(), &r.storage, size, keep)
}

// toll is one of the buckets that a message must pass.
type toll struct {
	mu          *sync.Mutex
	bucket      *bucket
	rate, burst int
	why         string
}

// storeIn takes the bytes from all who have to account for them, or from none: a room that is full must not cost its peers what they could send
// elsewhere. What is kept counts twice, as it goes into the history too.
func (e *Edge) storeIn(sock *socket, now time.Time, shard int, room *storage, size int, keep bool) error {
	if sock.addr == nil {
		return nil
	}
	addr, user, in := &e.limits.Address.Store, &e.limits.UserStore, &e.limits.RoomStore
	tolls := [6]toll{
		{&sock.addr.mu, &sock.addr.stored[shard], addr.Rate, addr.Burst, whyAddressBytes},
		{&sock.user.mu, &sock.user.stored[shard], user.Rate, user.Burst, whyUserBytes},
	}
	n := 2
	if room != nil {
		tolls[n] = toll{&room.mu, &room.stored, in.Rate, in.Burst, whyRoomBytes}
		n++
	}
	if keep {
		tolls[n] = toll{&sock.addr.mu, &sock.addr.kept, addr.KeepRate, addr.KeepBurst, whyAddressKept}
		tolls[n+1] = toll{&sock.user.mu, &sock.user.kept, user.KeepRate, user.KeepBurst, whyUserKept}
		n += 2
		if room != nil {
			tolls[n] = toll{&room.mu, &room.kept, in.KeepRate, in.KeepBurst, whyRoomKept}
			n++
		}
	}
	bytes := float64(size + storedOverhead)
	for i := range tolls[:n] {
		t := &tolls[i]
		t.mu.Lock()
		ok, _ := t.bucket.take(now, bytes, float64(t.rate), t.burst)
		t.mu.Unlock()
		if ok {
			continue
		}
		for j := range tolls[:i] {
			tolls[j].mu.Lock()
			tolls[j].bucket.give(bytes)
			tolls[j].mu.Unlock()
		}
		e.refused(whatStore, t.why)
		return wire.Errorf(wire.CodeRateLimited, "%s: slow down", tollText[t.why])
	}
	return nil
}

var tollText = map[string]string{
	whyAddressBytes: "the address that this session comes from sends more than its share of what the mesh can hold for replay",
	whyUserBytes:    "this user sends more than their share of what the mesh can hold for replay",
	whyRoomBytes:    "this room is sent more than its share of what the mesh can hold for replay",
	whyAddressKept:  "the address that this session comes from fills the history faster than its share",
	whyUserKept:     "this user fills the history faster than their share",
	whyRoomKept:     "this room's history is filled faster than its share",
}
