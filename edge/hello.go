package edge

import (
	"context"
	"errors"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// maxBadHellos is how many frames a stranger may get wrong.
const maxBadHellos = 8

// greet reads frames until the client has said hello. It returns nil if the socket came to an end before.
func (e *Edge) greet(sock *socket) *session {
	timer := time.AfterFunc(e.limits.HelloTimeout, func() { sock.close(wire.CloseNoHello, "no hello in time") })
	defer timer.Stop()
	for range maxBadHellos {
		frame, err := sock.read()
		switch {
		case err != nil:
			if !e.closeBad(sock, err) {
				sock.cut()
			}
			return nil
		}
		req, err := wire.DecodeRequest(frame)
		e.metrics.framesIn.WithLabelValues(opLabel(req.Op)).Inc()
		switch {
		case !req.HasID:
			sock.closeAfter(wire.CloseProtocol, clip(wire.AsError(err).Message))
			return nil
		case req.Op != "" && req.Op != wire.OpHello:
			e.refuse(sock, req.ID, wire.Errorf(wire.CodeUnauthorized, "the first request must be hello"))
			sock.closeAfter(wire.CloseProtocol, "the first request must be hello")
			return nil
		case err != nil:
			e.refuse(sock, req.ID, err)
			continue
		}
		timer.Stop()
		sock.place.greet()
		return e.hello(sock, req.ID, req.Args.(wire.HelloArgs))
	}
	sock.closeAfter(wire.CloseProtocol, "too many bad frames instead of a hello")
	return nil
}

func (e *Edge) hello(sock *socket, id uint64, a wire.HelloArgs) *session {
	span := e.traceRequest(wire.OpHello, nil, time.Now())
	ctx, cancel := context.WithTimeout(withSpan(e.ctx, span), 2*requestTimeout)
	defer cancel()
	refuse := func(why string, err *wire.Error, code wire.CloseCode) *session {
		e.metrics.hellos.WithLabelValues("refused").Inc()
		if why != "" {
			e.refused(whatHello, why)
		}
		endRequest(span, nil, err)
		e.refuse(sock, id, err, "op", wire.OpHello)
		sock.closeAfter(code, clip(err.Message))
		return nil
	}
	claims, err := e.opts.Verifier.Verify(ctx, a.Token)
	if err != nil {
		werr := tokenError(err)
		if werr.Code == wire.CodeUnavailable {
			return refuse(whyBus, werr, wire.CloseBusLost)
		}
		return refuse(whyToken, werr, wire.CloseBadToken)
	}
	if e.draining.Load() {
		return refuse(whyDraining, wire.Errorf(wire.CodeUnavailable, "this edge is about to shut down: connect to another"), wire.CloseDraining)
	}
	if !e.bus.Ready() {
		return refuse(whyBus, unavailable(errNotReady), wire.CloseBusLost)
	}
	if err := e.awaitRulings(ctx); err != nil {
		return refuse(whyBus, unavailable(err), wire.CloseBusLost)
	}
	if err := e.welcome(claims); err != nil {
		return refuse(whyBanned, err, wire.CloseForbidden)
	}
	user := wire.User{ID: wire.UserID(claims.Subject), Name: claims.Name}
	sock.user = e.users.enter(user.ID)
	if a.Resume != nil {
		s, code, err := e.resume(ctx, sock, id, a.Resume, user, claims)
		if err != nil {
			return refuse("", wire.AsError(err), code) // resume has counted why
		}
		endRequest(span, s, nil)
		return s
	}
	if why, err := e.roomFor(user.ID, 0); err != nil {
		return refuse(why, err, closeFor[err.Code])
	}
	s := e.newSession(e.keys.newSessionID(), wire.NewPeerID(), user)
	s.authorize(claims)
	sock.queue.hold() // nothing goes ahead of the ok
	s.attach(sock)
	if err := e.enterInbox(s); err != nil {
		return refuse(whyBus, unavailable(err), wire.CloseBusLost)
	}
	if why, err := e.roomFor(user.ID, 1); err != nil { // others of the user have come in at the same moment
		e.leaveInbox(s)
		return refuse(why, err, closeFor[err.Code])
	}
	e.mu.Lock()
	e.sessions[s.id] = s
	e.mu.Unlock()
	if err := e.welcome(claims); err != nil { // a kick that came meanwhile may not have found the session
		s.detach(sock)
		e.end(s, wire.ReasonKicked)
		return refuse(whyBanned, err, wire.CloseForbidden)
	}
	ok := e.greeting(s)
	told := e.unanswered(ctx, s, nil, true)
	ok.Missed = told.missed
	ok.Key = s.key()
	sock.release(told.after(sock, [][]byte{wire.AppendOK(nil, id, mustJSON(ok))}), func(wire.Mid) bool { return true })
	s.greetedNow()
	e.metrics.hellos.WithLabelValues("new").Inc()
	endRequest(span, s, nil)
	e.log.Debug("a session begins", "session", s.peer)
	return s
}

// roomFor says whether the edge takes one more session, and one more of this user, of whose sessions so many are counted already.
func (e *Edge) roomFor(u wire.UserID, counted int) (why string, err *wire.Error) {
	e.mu.Lock()
	all, b := len(e.sessions), e.inboxes[u]
	e.mu.Unlock()
	if all >= e.limits.Sessions {
		return whyFull, wire.Errorf(wire.CodeUnavailable, "this edge is full: connect to another")
	}
	if b == nil {
		return "", nil
	}
	b.mu.Lock()
	n := len(b.sessions) - counted
	b.mu.Unlock()
	if n >= e.limits.UserSessions {
		return whyUserFull, wire.Errorf(wire.CodeForbidden, "the user has %d sessions here, which is the limit: close some first", n)
	}
	return "", nil
}

// closeFor is the close code of who finds no room.
var closeFor = map[wire.Code]wire.CloseCode{wire.CodeUnavailable: wire.CloseBusLost, wire.CodeForbidden: wire.CloseForbidden}

// greeting is what every hello's ok says.
func (e *Edge) greeting(s *session) wire.HelloOK {
	ok := wire.HelloOK{
		Session: s.id, Peer: s.peer, User: s.user, Edge: e.id, Region: e.region,
		Heartbeat: e.limits.Heartbeat.Milliseconds(), Limits: e.limits.wire(), Rooms: []wire.RoomRoster{}, Missed: []wire.Missed{},
	}
	// The ok may go out later: until then nobody is told of relays that leave.
	e.tellRelays(s, func(servers []wire.ICEServer, ttl int64) { ok.ICEServers, ok.ICETTL = servers, ttl })
	return ok
}

// tokenError tells a client what is wrong with its token, and nothing more.
func tokenError(err error) *wire.Error {
	var a *auth.Error
	switch {
	case errors.Is(err, auth.ErrUnavailable):
		return wire.Errorf(wire.CodeUnavailable, "the token can't be checked now").Because(err)
	case errors.As(err, &a):
		return wire.Errorf(wire.CodeUnauthorized, "%s", a.Reason).Because(err)
	default:
		return wire.Errorf(wire.CodeUnauthorized, "the token is not good here").Because(err)
	}
}

// refresh replaces the session's token by a later one of the same user.
func (e *Edge) refresh(ctx context.Context, s *session, a wire.RefreshArgs) (wire.RefreshOK, error) {
	claims, err := e.opts.Verifier.Verify(ctx, a.Token)
	if err != nil {
		return wire.RefreshOK{}, tokenError(err)
	}
	if wire.UserID(claims.Subject) != s.user.ID {
		return wire.RefreshOK{}, wire.Errorf(wire.CodeForbidden, "the token is another user's: say hello with it on a new connection")
	}
	s.authorize(claims)
	return wire.RefreshOK{ExpiresAt: claims.ExpiresAt.UnixMilli()}, nil
}
