package edge

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// A request's trace has three kinds of spans: "edge.request <op>" here, from when its frame was read until it is answered; "bus.publish" below it,
// until the stream's ack; and below that, on every edge that hears the message, "edge.deliver", until it lies in the queues of the sockets it is for.
// What a stream brings back later has none: it is not the request that takes so long.
//
// Its attributes have the names that they have in the log. There are ids and codes among them, and no token, text, name or address.
//
// A nil span stands for a request that is not traced: because nobody asked for traces, or because it was not sampled. A trace always begins here:
// what a client says of traces of its own is not read, as it could have every request of its sampled.

// spanNames are made once, not for each request.
var spanNames = func() map[wire.Op]string {
	names := make(map[wire.Op]string, len(wire.Ops))
	for i := range wire.Ops {
		names[wire.Ops[i].Op] = "edge.request " + string(wire.Ops[i].Op)
	}
	return names
}()

// traceRequest begins the span of a request that was read at start.
func (e *Edge) traceRequest(op wire.Op, args any, start time.Time) trace.Span {
	if e.tracer == nil {
		return nil
	}
	_, span := e.tracer.Start(context.Background(), spanNames[op], trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(start))
	if !span.IsRecording() {
		return nil
	}
	span.SetAttributes(attribute.String("op", string(op)), attribute.String("region", string(e.region)), attribute.String("edge", string(e.id)))
	if room := roomOf(args); room != "" {
		span.SetAttributes(attribute.String("room", string(room)))
	}
	return span
}

// endRequest ends the span with what the request came to: the contract's error code, or ok. s is nil if there is no session.
func endRequest(span trace.Span, s *session, err error) {
	if span == nil {
		return
	}
	if s != nil {
		span.SetAttributes(attribute.String("session", string(s.peer)))
	}
	code := "ok"
	if err != nil {
		code = string(wire.AsError(err).Code)
		if code == string(wire.CodeUnavailable) || code == string(wire.CodeInternal) { // the others are the client's doing
			span.SetStatus(codes.Error, code)
		}
	}
	span.SetAttributes(attribute.String("code", code))
	span.End()
}

// withSpan takes a request's span along.
func withSpan(ctx context.Context, span trace.Span) context.Context {
	if span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, span)
}

// spanOf is what withSpan took along.
func (e *Edge) spanOf(ctx context.Context) trace.Span {
	if e.tracer == nil {
		return nil
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return span
	}
	return nil
}

// roomOf is the room that a request names; empty if none.
func roomOf(args any) wire.RoomID {
	switch a := args.(type) {
	case wire.SignalArgs:
		return a.Room
	case wire.PostArgs:
		return a.Room
	case wire.JoinArgs:
		return a.Room
	case wire.UpdateArgs:
		return a.Room
	case wire.LeaveArgs:
		return a.Room
	case wire.HistoryArgs:
		return a.Room
	case wire.CallArgs:
		return a.Room
	case wire.ReportArgs:
		return a.Room
	case wire.KickArgs:
		return a.Room
	case wire.LockArgs:
		return a.Room
	case wire.ModerateArgs:
		return a.Room
	case wire.KnockArgs:
		return a.Room
	case wire.AdmitArgs:
		return a.Room
	}
	return ""
}

// takeTraced is takeLocked for an event that comes with a trace.
func (h *hearing) takeTraced(env *wire.Envelope, m bus.Message) {
	e := h.edge
	_, span := e.tracer.Start(m.Trace(context.Background()), "edge.deliver", trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()
	h.mu.Lock()
	before := h.seq.applied(env.Source)
	h.takeLocked(env)
	after := h.seq.applied(env.Source)
	h.mu.Unlock()
	if !span.IsRecording() {
		return
	}
	code := "ok"
	switch {
	case before >= env.N:
		code = "repeated"
	case after < env.N:
		code = "held" // behind a hole: it goes on once that is filled
	}
	span.SetAttributes(attribute.String("region", string(e.region)), attribute.String("edge", string(e.id)),
		attribute.String("event", string(env.Event)), attribute.String("code", code))
	if room, ok := h.scope.Room(); ok {
		span.SetAttributes(attribute.String("room", string(room)))
	}
	if env.To != "" && !env.Except {
		span.SetAttributes(attribute.String("session", string(env.To)))
	}
}
