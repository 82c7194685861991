package edge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"callmesh/bus/wire"
)

// session is one device of a user. It survives its socket: for the grace here, or by resuming on any edge.
type session struct {
	edge *Edge
	id   wire.SessionID
	peer wire.PeerID
	user wire.User

	gen    atomic.Uint64            // how often it was resumed
	noted  atomic.Int64             // when its user's inbox was told so, in Unix ms
	unsaid atomic.Bool              // while it resumes, and its own word of that is not heard
	socket atomic.Pointer[socket]   // nil while detached
	held   atomic.Pointer[heldKeys] // while it resumes
	owed   atomic.Pointer[debt]     // what it was not given when it resumed; nil as a rule
	had    atomic.Pointer[had]      // what it had of each source when it resumed here; nil once this edge has come as far
	said   atomic.Pointer[had]      // what its client says that it had when it resumed here; nil a moment later
	rate   *rate.Limiter            // of frames
	flood  *rate.Limiter            // of frames, those refused included: past it the connection ends
	bytes  *rate.Limiter

	telling sync.Mutex // held while it is told of relays; taken before mu

	mu       sync.Mutex // guards the following
	rooms    map[wire.RoomID]*room
	joins    bucket
	reads    bucket
	watched  []wire.UserID
	calls    map[wire.CallID]struct{}
	hears    callHearing
	expires  time.Time     // of the token
	rights   *rights       // nil unless the token is a moderator's
	made     []wire.RoomID // that it moderates by their maker's secret
	makeRate *rate.Limiter // of decisions about those; nil until there is one
	asks     bucket        // of changes of contacts, and of lists of them
	knocks   bucket
	reports  bucket
	keyed    time.Time // when keyNow last signed
	greeted  bool      // hello has its ok; until then nothing else may come
	given    []string  // the relays that it was last told of, as relayURL writes them
	moved    time.Time // when it was last told of others unasked
	detached time.Time // zero while there is a socket
	reviving bool      // until a resume knows which others it has to outdo
	rival    uint64    // the greatest generation that others told of meanwhile
	ending   bool      // the sweep is finding out whether it goes on elsewhere
	ended    bool      // it is over here: closed, expired, or resumed elsewhere
	forGood  bool      // and nowhere else
}

func (e *Edge) newSession(id wire.SessionID, peer wire.PeerID, user wire.User) *session {
	return &session{
		edge: e, id: id, peer: peer, user: user,
		rate:  rate.NewLimiter(rate.Limit(e.limits.Rate), e.limits.Burst),
		flood: rate.NewLimiter(rate.Limit(floodFactor*e.limits.Rate), floodFactor*e.limits.Burst),
		bytes: rate.NewLimiter(rate.Limit(e.limits.ByteRate), e.limits.ByteBurst),
		rooms: make(map[wire.RoomID]*room), calls: make(map[wire.CallID]struct{}),
	}
}

func (s *session) generation() uint64 { return s.gen.Load() }

// event hands an event to the session's socket. Without one it is dropped: the replay streams have it for a resume.
func (s *session) event(mid wire.Mid, frame []byte) {
	if h := s.had.Load(); h != nil && mid.N <= h.at[mid.Source] {
		return
	}
	if sock := s.socket.Load(); sock != nil {
		sock.sendEvent(mid, frame)
	}
}

// cutOff makes the client resume.
func (s *session) cutOff() {
	if sock := s.socket.Load(); sock != nil {
		sock.close(wire.CloseSlow, "the edge has missed messages: resume to have them")
	}
}

func (s *session) room(id wire.RoomID) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rooms[id]
}

func (s *session) roomCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rooms)
}

// infoBytes is how long the session's infos are in all rooms but one.
func (s *session) infoBytes(except wire.RoomID) (n int) {
	for _, r := range s.roomList() {
		if r.id == except {
			continue
		}
		r.mu.Lock()
		if m := r.local[s.peer]; m != nil {
			n += len(m.peer.Info)
		}
		r.mu.Unlock()
	}
	return n
}

// addRoom reports false if the session is over.
func (s *session) addRoom(r *room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.rooms[r.id] = r
	return true
}

// over reports whether the session has come to its end here.
func (s *session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *session) overForGood() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forGood
}

func (s *session) dropRoom(id wire.RoomID) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[id]
	delete(s.rooms, id)
	return r
}

func (s *session) roomList() []*room {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		list = append(list, r)
	}
	return list
}

func (s *session) addCall(id wire.CallID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[id] = struct{}{}
}

func (s *session) dropCall(id wire.CallID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, id)
	delete(s.hears.out, id)
}

func (s *session) callCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func (s *session) callList() []wire.CallID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.calls))
}

// maxKeyCalls bounds the calls that a resume key names. Nobody talks in so many at once; what is left out is not hung up with the session.
const maxKeyCalls = 32

// keyNow is key for those who ask often: at most once a second, and otherwise empty.
func (s *session) keyNow(now time.Time) string {
	s.mu.Lock()
	recent := now.Sub(s.keyed) < time.Second
	if !recent {
		s.keyed = now
	}
	s.mu.Unlock()
	if recent {
		return ""
	}
	return s.key()
}

// key signs the session's state as it is now. Whatever the session was sent until now stands before the key on its socket.
func (s *session) key() string { return s.edge.keys.sign(s.state()) }

// keyBefore signs the session's state for a resume's ok, which goes ahead of what was missed: should the connection end between the two, the next
// resume must find the session where this one found it.
func (s *session) keyBefore(c *catchUp, found *sessionState) string {
	st := s.state()
	for i := range st.Rooms {
		if was := found.room(st.Rooms[i].Room); was != nil {
			st.Rooms[i].At = c.baseOf(was.At)
		}
	}
	st.Inbox = c.baseOf(found.Inbox)
	st.Whole = c.since.Add(clockMargin).UnixMilli()
	return s.edge.keys.sign(st)
}

// roomStates names the rooms that the session is in.
func (s *session) roomStates() (list []roomState) {
	for _, r := range s.roomList() {
		list = append(list, roomState{Room: r.id})
	}
	return list
}

func (s *session) state() *sessionState {
	st := &sessionState{Session: s.id, Peer: s.peer, User: s.user.ID, Gen: s.generation(), Edge: s.edge.id, Issued: time.Now().UnixMilli()}
	st.Owed = s.owed.Load()
	whole := s.edge.wholeSince()
	for _, r := range s.roomList() {
		r.mu.Lock()
		whole = r.wholeLocked(whole)
		if m := r.local[s.peer]; m != nil {
			at := r.baseLocked()
			at[r.out.source] = max(at[r.out.source], m.after)
			st.Rooms = append(st.Rooms, roomState{
				Room: r.id, Info: m.peer.Info, Since: m.since, Under: m.under, At: r.withoutOwedLocked(at, st.Owed), Own: r.out.source,
			})
		}
		r.mu.Unlock()
	}
	st.Calls = s.callList()
	st.Calls = st.Calls[:min(len(st.Calls), maxKeyCalls)]
	st.Inbox = s.edge.inboxPositions(s.user.ID, st.Owed)
	s.withoutHeld(st.Inbox)
	if ms := whole.UnixMilli(); ms < st.Issued {
		st.Whole = ms
	}
	s.mu.Lock()
	st.Watched, st.Makes = s.watched, s.made
	s.mu.Unlock()
	return st
}

// attach makes sock the session's socket; the one before it is told that the session was resumed.
func (s *session) attach(sock *socket) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.detached = time.Time{}
	s.hears.dropHeld() // what the old socket's call op held back is in the streams, from where the resume takes it
	if old := s.socket.Swap(sock); old != nil && old != sock {
		old.close(wire.CloseResumed, "the session was resumed on another connection")
	}
	return true
}

// detach starts the grace, if sock is still the session's socket.
func (s *session) detach(sock *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket.CompareAndSwap(sock, nil) {
		s.detached = time.Now()
	}
}

// read serves one socket from its first frame to its end.
func (e *Edge) read(sock *socket) {
	defer sock.settle()
	s := e.greet(sock)
	if s == nil {
		return
	}
	for {
		err := sock.conn.await() // here, not in the library's depth: a shallow stack is a small one
		var frame []byte
		if err == nil {
			frame, err = sock.read()
		}
		if err != nil {
			e.lostSocket(s, sock, err)
			return
		}
		if !e.route(s, sock, frame) {
			s.detach(sock)
			return
		}
		recycle(frame) // what is kept of a request, its operation has copied
	}
}

// lostSocket ends the session if its client said so, and lets it wait for a resume otherwise.
func (e *Edge) lostSocket(s *session, sock *socket, err error) {
	switch {
	case e.closeBad(sock, err):
	case websocket.CloseStatus(err) == websocket.StatusNormalClosure && s.socket.Load() == sock:
		sock.cut()
		e.end(s, wire.ReasonClosed)
		return
	default:
		sock.cut()
	}
	s.detach(sock)
}

// closeBad closes the socket if a frame was one that can't be read, and reports whether it was.
func (e *Edge) closeBad(sock *socket, err error) bool {
	switch {
	case errors.Is(err, errBinary):
		e.refused(whatFrame, whyBinary)
		sock.close(wire.CloseProtocol, "frames are text")
	case errors.Is(err, errTooLarge):
		e.refused(whatFrame, whyTooLarge)
		sock.close(wire.CloseTooLarge, "a frame is larger than 65536 bytes")
	case errors.Is(err, errFragments):
		e.refused(whatFrame, whyFragments)
		sock.close(wire.CloseFlooding, "a frame in more fragments than it has bytes")
	default:
		return false
	}
	return true
}

// end is the session's end for good: rosters lose it, and nobody can resume it.
func (e *Edge) end(s *session, reason wire.Reason) {
	rooms, ok := s.finish(true, nil)
	if !ok {
		return
	}
	for _, r := range rooms {
		r.remove(s, reason)
		e.release(r)
	}
	e.note(s, wire.SessionNote{Note: wire.NoteEnded, Session: s.id, Peer: s.peer, Gen: s.generation(), Edge: e.id}, time.Now().UnixMilli())
	e.forgetSession(s)
	e.own(func(ctx context.Context) { e.hangUpAll(ctx, s) })
}

// letGo ends the session on this edge only: it goes on elsewhere.
func (e *Edge) letGo(s *session, to wire.EdgeID) {
	if rooms, ok := s.finish(false, nil); ok {
		e.handOver(s, rooms, to)
	}
}

// handOver leaves the session's places in its rooms to the edge on which it goes on.
func (e *Edge) handOver(s *session, rooms []*room, to wire.EdgeID) {
	for _, r := range rooms {
		r.mu.Lock()
		if m := r.local[s.peer]; m != nil && m.sess == s {
			delete(r.local, s.peer)
			if r.remote[s.peer] == nil {
				e.orphanLater(r)
				r.remote[s.peer] = &remotePeer{Peer: m.peer, gen: s.generation() + 1, edge: to, from: e.id, orphaned: time.Now(), ours: true}
			}
		}
		r.mu.Unlock()
		e.release(r)
	}
	e.forgetSession(s)
}

// outdoesLocked reports whether the session resumes here just now: what others tell of it is then of an earlier resume, as far as can be told, and is outdone.
// A later one comes with a note that is heard after this one's own.
func (s *session) outdoesLocked(gen uint64) bool {
	if s.reviving {
		s.rival = max(s.rival, gen)
	}
	return s.reviving
}

// finish marks the session as over here, if that is so still, and hands its rooms to whoever was first to do so.
func (s *session) finish(forGood bool, still func() bool) (rooms []*room, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || still != nil && !still() {
		return nil, false
	}
	s.ended, s.forGood = true, forGood
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	clear(s.rooms)
	if sock := s.socket.Swap(nil); sock != nil {
		sock.close(wire.CloseResumed, "the session was resumed on another connection")
	}
	return rooms, true
}

func (e *Edge) forgetSession(s *session) {
	e.mu.Lock()
	if e.sessions[s.id] == s {
		delete(e.sessions, s.id)
	}
	e.mu.Unlock()
	e.unwatchAll(s)
	e.leaveInbox(s)
}

func (e *Edge) forgetSocket(sock *socket) {
	e.mu.Lock()
	delete(e.sockets, sock)
	e.mu.Unlock()
}
