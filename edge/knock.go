package edge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Who knocks is in no room, so its edge asks those that have it. Each tells the moderators there through their inboxes, where a resume finds it, and
// remembers whose peer it was for as long as it can be answered.

const (
	// knockLife is how long a moderator can answer a knock.
	knockLife = time.Minute
	// knockWait bounds how long an edge waits for others to say that a moderator of theirs hears a knock.
	knockWait = time.Second
	// maxKnocks bounds the knocks that a room remembers; of more the oldest are forgotten.
	maxKnocks = 64
	// roomKnockRate and roomKnockBurst bound the knocks, per second, that one edge's moderators of a room are told of.
	roomKnockRate, roomKnockBurst = 2, 60
)

// knocker is who knocked, as its edge says.
type knocker struct {
	wire.KnockNote
	until time.Time
}

// knock asks the moderators in a locked room to let the session in.
func (e *Edge) knock(ctx context.Context, s *session, a wire.KnockArgs) (wire.KnockOK, error) {
	if err := e.awaitRulings(ctx); err != nil {
		return wire.KnockOK{}, unavailable(err)
	}
	if d := e.rulings.User(a.Room, s.user.ID); d.Bans(time.Now()) && !s.moderates(a.Room) {
		e.refused(whatKnock, whyBanned)
		return wire.KnockOK{}, wire.Errorf(wire.CodeForbidden, "a moderator keeps you out of this room until %s", when(d.Until))
	}
	if s.room(a.Room) != nil || s.moderates(a.Room) || !e.rulings.Locked(a.Room) {
		return wire.KnockOK{}, wire.Errorf(wire.CodeBadRequest, "the room is open to this session: join it")
	}
	if !e.bus.Ready() {
		return wire.KnockOK{}, unavailable(errNotReady)
	}
	answer, err := e.askModerators(ctx, a.Room, wire.KnockNote{Peer: s.peer, User: s.user})
	switch {
	case answer == wire.KnockHeard:
		return wire.KnockOK{ExpiresAt: time.Now().Add(knockLife).UnixMilli()}, nil
	case answer == wire.KnockBusy:
		e.refused(whatKnock, whyFull)
		return wire.KnockOK{}, wire.Errorf(wire.CodeRateLimited, "too many knock at this room: wait a moment")
	case err != nil && !errors.Is(err, bus.ErrNobody) && !e.bus.Ready():
		return wire.KnockOK{}, unavailable(err)
	}
	return wire.KnockOK{}, wire.Errorf(wire.CodeOffline, "no moderator is in the room")
}

// askModerators returns the best of what the edges that have the room answer, this one included: the first that has told a moderator ends the waiting.
func (e *Edge) askModerators(ctx context.Context, room wire.RoomID, note wire.KnockNote) (wire.KnockAnswer, error) {
	e.mu.Lock()
	r := e.rooms[room]
	e.mu.Unlock()
	best := wire.KnockNobody
	if r != nil {
		best = r.knocked(note)
	}
	env := wire.Envelope{Kind: wire.KindKnock, Edge: e.id, At: time.Now().UnixMilli(), Body: wire.AppendJSON(nil, note)}
	type end struct {
		answer wire.KnockAnswer
		err    error
	}
	done := make(chan end, 1)
	var heard wire.KnockAnswer // by the bus's goroutine alone
	e.bus.Ask(bus.RoomScope(room), bus.ToEdges, env.Append(nil), knockWait, func(payload []byte, err error) bool {
		switch answer := wire.KnockAnswer(payload); answer {
		case wire.KnockHeard, wire.KnockBusy:
			heard = answer
		}
		if payload != nil && heard != wire.KnockHeard {
			return true
		}
		done <- end{heard, err}
		return false
	})
	if best == wire.KnockHeard {
		return best, nil
	}
	select {
	case is := <-done:
		return cmp.Or(is.answer, best), is.err
	case <-ctx.Done():
		return best, ctx.Err()
	}
}

// askedToKnock answers another edge that asks for its session.
func (r *room) askedToKnock(env *wire.Envelope, m bus.Message) {
	var note wire.KnockNote
	if !m.Asked || json.Unmarshal(env.Body, &note) != nil || !note.Peer.Valid() || note.User.ID.Validate() != nil {
		r.edge.metrics.badEnvelopes.Inc()
		return
	}
	if err := r.edge.bus.Answer(m, []byte(r.knocked(note))); err != nil {
		r.edge.log.Debug("no answer", "room", r.id, "error", err)
	}
}

// knocked tells the moderators here, and remembers it.
func (r *room) knocked(note wire.KnockNote) wire.KnockAnswer {
	now := time.Now()
	var in []*session
	r.mu.Lock()
	for _, m := range r.local {
		in = append(in, m.sess)
	}
	r.mu.Unlock()
	in = slices.DeleteFunc(in, func(s *session) bool { return !s.moderates(r.id) })
	if len(in) == 0 {
		return wire.KnockNobody
	}
	if !r.rememberKnock(note, now) {
		return wire.KnockBusy
	}
	frame := wire.KnockEvent{Room: r.id, Peer: note.Peer, User: note.User}
	for _, s := range in {
		og := &outgoing{event: wire.EvKnock, to: s.peer, frame: body(frame, func(e *wire.KnockEvent) *wire.Head { return &e.Head }, wire.EvKnock)}
		r.edge.toUser(s.user.ID, og, func(err error) {
			if err != nil {
				r.edge.log.Debug("a knock may not be heard; who waits knocks again", "room", r.id, "error", err)
			}
		})
	}
	return wire.KnockHeard
}

// rememberKnock reports false if the room has too many a second.
func (r *room) rememberKnock(note wire.KnockNote, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok, _ := r.knockRate.take(now, 1, roomKnockRate, roomKnockBurst); !ok {
		return false
	}
	r.knocks = slices.DeleteFunc(r.knocks, func(k knocker) bool { return k.Peer == note.Peer || now.After(k.until) })
	if len(r.knocks) >= maxKnocks {
		r.knocks = slices.Delete(r.knocks, 0, 1)
	}
	r.knocks = append(r.knocks, knocker{note, now.Add(knockLife)})
	return true
}

// admit answers a knock.
func (e *Edge) admit(ctx context.Context, s *session, a wire.AdmitArgs) (wire.Empty, error) {
	if err := s.mayDecide(a.Room); err != nil {
		return wire.Empty{}, err
	}
	r := s.room(a.Room)
	if r == nil {
		return wire.Empty{}, notInRoom()
	}
	now := time.Now()
	r.mu.Lock()
	i := slices.IndexFunc(r.knocks, func(k knocker) bool { return k.Peer == a.Peer && now.Before(k.until) })
	var k knocker
	if i >= 0 {
		k = r.knocks[i]
	}
	r.mu.Unlock()
	if i < 0 {
		return wire.Empty{}, wire.Errorf(wire.CodeGone, "nobody of this id knocks, or no longer")
	}
	ev := wire.AdmittedEvent{Room: a.Room, Accept: a.Accept}
	if a.Accept {
		ev.Pass = e.proofs.passes.seal(pass{Room: a.Room, User: k.User.ID, Expires: now.Add(passLife).UnixMilli(), Under: e.rulings.User(a.Room, k.User.ID).At})
	}
	og := &outgoing{event: wire.EvAdmitted, to: k.Peer, frame: body(ev, func(e *wire.AdmittedEvent) *wire.Head { return &e.Head }, wire.EvAdmitted)}
	if err := e.toUserWait(ctx, k.User.ID, og); err != nil {
		return wire.Empty{}, unavailable(err)
	}
	return wire.Empty{}, nil
}
