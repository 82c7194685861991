package edge

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"callmesh/bus/wire"
)

// requestTimeout bounds what a request may make its session wait for.
const requestTimeout = 8 * time.Second

var emptyOK = []byte("{}")

// route serves one frame of a session. It reports false when the socket must not be read any further.
func (e *Edge) route(s *session, sock *socket, frame []byte) (goOn bool) {
	start := time.Now()
	if !s.flood.AllowN(start, 1) {
		e.refused(whatFrame, whyFlooding)
		sock.close(wire.CloseFlooding, "too many frames after being told so")
		return false
	}
	req, err := wire.DecodeRequest(frame)
	e.metrics.framesIn.WithLabelValues(opLabel(req.Op)).Inc()
	if !req.HasID {
		e.metrics.errors.WithLabelValues(string(wire.CodeBadRequest)).Inc()
		sock.closeAfter(wire.CloseProtocol, clip(wire.AsError(err).Message))
		return false
	}
	if !s.rate.Allow() {
		e.refused(whatFrame, whySessionRate)
		e.refuse(sock, req.ID, wire.Errorf(wire.CodeRateLimited, "more than %g frames a second: slow down", e.limits.Rate))
		return true
	}
	if !s.bytes.AllowN(start, max(len(frame), sock.conn.frame())) { // a frame in many fragments costs what they cost
		e.refused(whatFrame, whySessionBytes)
		e.refuse(sock, req.ID, wire.Errorf(wire.CodeRateLimited, "more than %d bytes a second: slow down", e.limits.ByteRate))
		return true
	}
	if err != nil {
		e.refuse(sock, req.ID, err)
		return true
	}
	span := e.traceRequest(req.Op, req.Args, start)
	if err := e.pass(s, sock, &req, len(frame)); err != nil {
		endRequest(span, s, err)
		e.refuse(sock, req.ID, err)
		return true
	}
	answer := func(ok []byte, err error) {
		e.metrics.requests.WithLabelValues(string(req.Op)).Observe(time.Since(start).Seconds())
		endRequest(span, s, err)
		if err != nil {
			e.refusedOp(s, &req, err)
			e.refuse(sock, req.ID, err, about(s, &req)...)
			return
		}
		sock.sendOK(req.ID, ok)
	}
	// Signals and posts are the traffic: their answer comes when the stream has acked, and the next frame is read meanwhile.
	switch a := req.Args.(type) {
	case wire.ICEArgs:
		e.tellRelays(s, func(servers []wire.ICEServer, ttl int64) {
			answer(wire.AppendJSON(nil, wire.ICEOK{ICEServers: servers, ICETTL: ttl}), nil)
		})
	case wire.SignalArgs:
		err = e.signal(s, &a, span, func(err error) {
			if err != nil {
				err = unavailable(err)
			}
			answer(emptyOK, err)
		})
	case wire.PostArgs:
		err = e.post(s, &a, span, func(ok wire.PostOK, err error) {
			if err != nil {
				answer(nil, unavailable(err))
				return
			}
			answer(wire.AppendJSON(nil, ok), nil)
		})
	default:
		ctx, cancel := context.WithTimeout(withSpan(e.ctx, span), requestTimeout)
		ok, opErr := e.operate(ctx, s, req.Args)
		cancel()
		var body []byte
		if opErr == nil {
			body = wire.AppendJSON(nil, ok)
		}
		answer(body, opErr)
		s.letCalls()
	}
	if err != nil {
		answer(nil, err)
	}
	return true
}

// operate serves the requests that are answered before the next is read.
func (e *Edge) operate(ctx context.Context, s *session, args any) (ok any, err error) {
	switch a := args.(type) {
	case wire.HelloArgs:
		return nil, wire.Errorf(wire.CodeBadRequest, "the session has said hello already")
	case wire.PingArgs:
		return wire.PingOK{Key: s.keyNow(time.Now())}, nil
	case wire.JoinArgs:
		return e.join(ctx, s, a)
	case wire.UpdateArgs:
		return e.update(ctx, s, a)
	case wire.LeaveArgs:
		return e.leave(s, a)
	case wire.HistoryArgs:
		return e.history(ctx, s, a)
	case wire.CallArgs:
		return e.call(ctx, s, a)
	case wire.AnswerArgs:
		return e.answer(ctx, s, a)
	case wire.HangupArgs:
		return e.hangup(ctx, s, a)
	case wire.PresenceArgs:
		return e.presence(ctx, s, a)
	case wire.ReportArgs:
		return e.report(s, a)
	case wire.RefreshArgs:
		return e.refresh(ctx, s, a)
	case wire.KickArgs:
		return e.kick(ctx, s, a)
	case wire.LockArgs:
		return e.lock(ctx, s, a)
	case wire.ModerateArgs:
		return e.moderate(s, a)
	case wire.KnockArgs:
		return e.knock(ctx, s, a)
	case wire.AdmitArgs:
		return e.admit(ctx, s, a)
	case wire.ContactsArgs:
		return e.contacts(ctx, s)
	case wire.ContactArgs:
		return e.contact(ctx, s, a)
	case wire.InviteArgs:
		return e.invite(s), nil
	case wire.InvitedArgs:
		return e.invited(a)
	}
	return nil, wire.Errorf(wire.CodeInternal, "the edge has no such operation")
}

// refuse answers with an error. What the client is not told goes to the log, with fields that say what it is about.
func (e *Edge) refuse(sock *socket, id uint64, err error, about ...any) {
	w := wire.AsError(err)
	e.metrics.errors.WithLabelValues(string(w.Code)).Inc()
	if cause := errors.Unwrap(w); cause != nil {
		level := slog.LevelWarn
		if w.Code == wire.CodeUnauthorized {
			level = slog.LevelDebug // a stranger's doing, who could fill the log
		}
		if level == slog.LevelDebug || e.complaints.Allow() { // the metrics count them all
			e.log.Log(e.ctx, level, "a request failed", append([]any{"code", w.Code, "error", cause}, about...)...)
		}
	}
	sock.sendError(id, w)
}

// about are the fields of the log that say whose request it is.
func about(s *session, req *wire.Request) []any {
	fields := []any{"op", req.Op, "session", s.peer}
	if room := roomOf(req.Args); room != "" {
		fields = append(fields, "room", room)
	}
	return fields
}

func opLabel(op wire.Op) string {
	for i := range wire.Ops {
		if wire.Ops[i].Op == op {
			return string(op)
		}
	}
	return "other"
}

// clip fits a reason into a close frame (RFC 6455, section 5.5: 125 bytes with the code).
func clip(reason string) string {
	const limit = 120
	for len(reason) > limit {
		cut := limit
		for cut > 0 && reason[cut]&0xc0 == 0x80 {
			cut--
		}
		reason = reason[:cut]
	}
	return reason
}

func mustJSON(v any) json.RawMessage { return wire.AppendJSON(nil, v) }
