package bus

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"callmesh/bus/wire"
)

// A request that is traced takes its trace along with its message, in the header traceparent (W3C Trace Context, section 3.2). Messages of all
// other requests have none. Streams keep the header with the message; whoever reads it back
// from there passes it over, as a replay is no part of the request.

// PublishTraced is [Bus.Publish], or [Bus.PublishKept] to [ToKeep], as a part of the span parent, which must be recording. It adds a span of its
// own, "bus.publish", which lasts until the stream's ack. payload is env as encoded.
func (b *Bus) PublishTraced(parent trace.Span, s Scope, to Audience, env *wire.Envelope, payload []byte, done func(error)) {
	ctx, span := parent.TracerProvider().Tracer("callmesh/bus").Start(
		trace.ContextWithSpan(context.Background(), parent), "bus.publish", trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attribute.String("region", string(b.opts.Region)), attribute.String("edge", string(b.opts.Edge))))
	msg := nats.NewMsg(kept(b.opts.Region, s, to))
	if to == ToKeep {
		nameKept(msg.Header, env)
	}
	propagation.TraceContext{}.Inject(ctx, carrier(msg.Header))
	msg.Data = payload
	b.publish(msg, func(_ uint64, err error) {
		code := "ok"
		if err != nil {
			code = failure(err)
			span.SetStatus(codes.Error, code)
		}
		span.SetAttributes(attribute.String("code", code))
		span.End()
		done(err)
	})
}

// Traced reports whether the message came with a trace.
func (m Message) Traced() bool { return m.header != nil && m.header.Get(traceHeader) != "" }

// Trace returns ctx with the span in which the message was published as its remote parent, and ctx itself if there is none that can be read.
func (m Message) Trace(ctx context.Context) context.Context {
	return propagation.TraceContext{}.Extract(ctx, carrier(m.header))
}

const traceHeader = "traceparent"

// carrier lets the propagator read and write a message's header.
type carrier nats.Header

// Get implements [propagation.TextMapCarrier].
func (c carrier) Get(key string) string { return nats.Header(c).Get(key) }

// Set implements [propagation.TextMapCarrier].
func (c carrier) Set(key, value string) { nats.Header(c).Set(key, value) }

// Keys implements [propagation.TextMapCarrier].
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for key := range c {
		keys = append(keys, key)
	}
	return keys
}
