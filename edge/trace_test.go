package edge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// traces are the spans that one edge has made.
type traces struct{ *tracetest.InMemoryExporter }

// tracing starts an edge with traces.
func tracing(sampler sdktrace.Sampler) (*traces, edgetest.Config) {
	t := &traces{tracetest.NewInMemoryExporter()}
	return t, func(_ *bus.Options, o *edge.Options) {
		o.Traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(t), sdktrace.WithSampler(sampler))
	}
}

// named returns the spans of that name, and of that event unless it is empty.
func (t *traces) named(name, about string) (spans []tracetest.SpanStub) {
	for _, s := range t.GetSpans() {
		if s.Name == name && (about == "" || attr(s, "event") == about) {
			spans = append(spans, s)
		}
	}
	return spans
}

func (t *traces) await(tb testing.TB, name, about string) tracetest.SpanStub {
	tb.Helper()
	edgetest.Eventually(tb, "a span "+name, func() bool { return len(t.named(name, about)) > 0 })
	return t.named(name, about)[0]
}

func attr(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.AsString()
		}
	}
	return ""
}

// tapped is all that went over NATS.
type tapped struct {
	mu       sync.Mutex // guards the following
	messages []*nats.Msg
}

func tap(t *testing.T, url string) *tapped {
	t.Helper()
	nc, err := nats.Connect(url)
	noError(t, err)
	t.Cleanup(nc.Close)
	w := &tapped{}
	_, err = nc.Subscribe("cm.>", func(m *nats.Msg) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.messages = append(w.messages, m)
	})
	noError(t, err)
	noError(t, nc.Flush())
	return w
}

// with returns the header of the message that has the text in it.
func (w *tapped) with(t *testing.T, text string) (h nats.Header) {
	t.Helper()
	edgetest.Eventually(t, "a message with "+text, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		i := slices.IndexFunc(w.messages, func(m *nats.Msg) bool { return strings.Contains(string(m.Data), text) })
		if i >= 0 {
			h = w.messages[i].Header
		}
		return i >= 0
	})
	return h
}

func (w *tapped) traced() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if m.Header.Get("traceparent") != "" {
			n++
		}
	}
	return n
}

// couple has ann on the first edge and bob on the second, in one room.
func couple(t *testing.T, m *edgetest.Mesh) (ann, bob *edgetest.Client) {
	t.Helper()
	ann, bob = edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "bob")
	join(ann, "lobby")
	join(bob, "lobby")
	meet(ann, bob)
	return ann, bob
}

// One request is one trace, over both edges.
func TestTraceCrossesEdges(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	onA, configA := tracing(sdktrace.AlwaysSample())
	onB, configB := tracing(sdktrace.ParentBased(sdktrace.NeverSample())) // what comes traced is traced on
	m := &edgetest.Mesh{}
	m.Edges = append(m.Edges, edgetest.NewNode(t, "eu", url, configA), edgetest.NewNode(t, "eu", url, configB))
	raw := tap(t, url)
	ann, bob := couple(t, m)
	const text = "what ann says to bob"
	signal := wire.SignalArgs{Room: "lobby", To: bob.Peer(), Data: json.RawMessage(fmt.Sprintf("%q", text))}
	ann.MustRaw(wire.OpSignal, signal)
	edgetest.Await[wire.SignalEvent](bob, wire.EvSignal, nil)

	request := onA.await(t, "edge.request signal", "")
	deliver := onB.await(t, "edge.deliver", "signal")
	var publish tracetest.SpanStub
	for _, s := range onA.named("bus.publish", "") {
		if s.Parent.SpanID() == request.SpanContext.SpanID() {
			publish = s
		}
	}
	if request.Parent.IsValid() || request.SpanKind != trace.SpanKindServer {
		t.Errorf("the request is not where the trace begins: %+v", request.Parent)
	}
	for name, id := range map[string]trace.TraceID{"publish": publish.SpanContext.TraceID(), "deliver": deliver.SpanContext.TraceID()} {
		if id != request.SpanContext.TraceID() {
			t.Errorf("%s is of trace %s, want %s", name, id, request.SpanContext.TraceID())
		}
	}
	if deliver.Parent.SpanID() != publish.SpanContext.SpanID() || !deliver.Parent.IsRemote() {
		t.Errorf("deliver is below %v, want the publish", deliver.Parent)
	}
	edgeA, edgeB := string(m.Edges[0].Bus.Edge()), string(m.Edges[1].Bus.Edge())
	for _, c := range []struct {
		span tracetest.SpanStub
		want map[string]string
	}{
		{request, map[string]string{"op": "signal", "region": "eu", "edge": edgeA, "room": "lobby", "session": string(ann.Peer()), "code": "ok"}},
		{publish, map[string]string{"region": "eu", "edge": edgeA, "code": "ok"}},
		{deliver, map[string]string{"event": "signal", "region": "eu", "edge": edgeB, "room": "lobby", "session": string(bob.Peer()), "code": "ok"}},
	} {
		for key, want := range c.want {
			if got := attr(c.span, key); got != want {
				t.Errorf("%s: %s is %q, want %q", c.span.Name, key, got, want)
			}
		}
		if len(c.span.Attributes) != len(c.want) {
			t.Errorf("%s has %v, want %v", c.span.Name, c.span.Attributes, c.want)
		}
	}
	if got, want := raw.with(t, text).Get("traceparent"), publish.SpanContext.TraceID().String()+"-"+publish.SpanContext.SpanID().String(); !strings.Contains(got, want) {
		t.Errorf("traceparent is %q, want it to have %s", got, want)
	}

	// What else goes out as a message, and what comes to nothing.
	edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"to be kept"`), Keep: true})
	if h := raw.with(t, `"to be kept"`); h.Get("traceparent") == "" || h.Get("Callmesh-Mid") == "" {
		t.Errorf("a kept post has the header %v", h)
	}
	if page := edgetest.Must[wire.HistoryOK](bob, wire.OpHistory, wire.HistoryArgs{Room: "lobby"}); len(page.Posts) != 1 {
		t.Errorf("the history has %d posts, want 1", len(page.Posts))
	}
	wantError(t, "elsewhere", ann.Do(wire.OpPost, wire.PostArgs{Room: "elsewhere", Data: json.RawMessage("1")}), wire.CodeNotInRoom, "")
	edgetest.Eventually(t, "the code of a refusal", func() bool {
		return slices.ContainsFunc(onA.named("edge.request post", ""), func(s tracetest.SpanStub) bool { return attr(s, "code") == "not_in_room" })
	})
	callTo(ann, "bob")
	edgetest.Await[wire.RingEvent](bob, wire.EvRing, nil)
	ring := onB.await(t, "edge.deliver", "ring")
	if call := onA.await(t, "edge.request call", ""); ring.SpanContext.TraceID() != call.SpanContext.TraceID() {
		t.Error("the ring is not of the call's trace")
	}
	joined := onB.await(t, "edge.deliver", "post")
	if joined.SpanContext.TraceID() == request.SpanContext.TraceID() {
		t.Error("another request is of the same trace")
	}
	hello := onA.await(t, "edge.request hello", "")
	if attr(hello, "session") != string(ann.Peer()) || attr(hello, "code") != "ok" {
		t.Errorf("hello's span has %v", hello.Attributes)
	}
	for _, span := range slices.Concat(onA.GetSpans(), onB.GetSpans()) {
		all := fmt.Sprintf("%+v", span)
		for _, secret := range []string{text, "to be kept", string(ann.Hello.Session), ann.Key(), "127.0.0.1"} {
			if strings.Contains(all, secret) {
				t.Errorf("a span has %q: %s", secret, all)
			}
		}
	}
}

// A replay is no part of the request that it brings back.
func TestReplayHasNoSpans(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	on, config := tracing(sdktrace.AlwaysSample())
	m := edgetest.Start(t, "eu", []string{url, url}, config)
	third := edgetest.NewNode(t, "eu", url, config)
	ann, bob := couple(t, m)
	bob.Cut()
	edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"missed"`)})
	on.await(t, "edge.deliver", "post") // on bob's old edge, which still holds him
	bob = bob.Resume(third)
	edgetest.Await[wire.PostEvent](bob, wire.EvPost, nil)
	for _, span := range on.named("edge.deliver", "post") {
		if attr(span, "edge") == string(third.Bus.Edge()) {
			t.Error("the edge that replayed it has a span of its delivery")
		}
	}
}

// Who does not ask for traces, and whose requests are not sampled, sends no header.
func TestNoTraceNoHeader(t *testing.T) {
	none, config := tracing(sdktrace.NeverSample())
	for name, change := range map[string]edgetest.Config{"off": func(*bus.Options, *edge.Options) {}, "not sampled": config} {
		t.Run(name, func(t *testing.T) {
			url := bustest.Cluster(t, 1).URL(0)
			m := edgetest.Start(t, "eu", []string{url, url}, change)
			raw := tap(t, url)
			ann, bob := couple(t, m)
			ann.MustRaw(wire.OpSignal, wire.SignalArgs{Room: "lobby", To: bob.Peer(), Data: json.RawMessage(`"signalled"`)})
			edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"to be kept"`), Keep: true})
			callTo(ann, "bob")
			edgetest.Await[wire.RingEvent](bob, wire.EvRing, nil)
			raw.with(t, `"ring"`)
			if h := raw.with(t, `"signalled"`); h != nil {
				t.Errorf("a signal has the header %v", h)
			}
			if h := raw.with(t, `"to be kept"`); len(h) != 1 {
				t.Errorf("a kept post has the header %v", h)
			}
			if n := raw.traced(); n > 0 {
				t.Errorf("%d messages have a trace", n)
			}
		})
	}
	if spans := none.GetSpans(); len(spans) > 0 {
		t.Errorf("%d spans", len(spans))
	}
}

// No client can have its requests traced, nor put them into another's trace.
func TestClientsBringNoTraces(t *testing.T) {
	const foreign = "0af7651916cd43dd8448eb211c80319c"
	url := bustest.Cluster(t, 1).URL(0)
	header := http.Header{"Traceparent": {"00-" + foreign + "-b7ad6b7169203331-01"}, "Tracestate": {"a=b"}}
	attempt := func(t *testing.T, n *edgetest.Node) {
		c := edgetest.ConnectFrom(t, n, "eve", header)
		join(c, "lobby")
		edgetest.Must[wire.PostOK](c, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`{"traceparent":"00-` + foreign + `-b7ad6b7169203331-01"}`)})
		wantError(t, "a member of that name", c.Ask(99, `{"id":99,"op":"post","room":"lobby","data":1,"traceparent":"00-`+foreign+`-b7ad6b7169203331-01"}`), wire.CodeBadRequest, "")
	}
	raw := tap(t, url)
	none, config := tracing(sdktrace.ParentBased(sdktrace.NeverSample()))
	attempt(t, edgetest.NewNode(t, "eu", url, config))
	if n := len(none.GetSpans()); n > 0 || raw.traced() > 0 {
		t.Errorf("a client has had %d spans made, and sent %d messages with a trace", n, raw.traced())
	}
	all, config := tracing(sdktrace.ParentBased(sdktrace.AlwaysSample()))
	attempt(t, edgetest.NewNode(t, "eu", url, config))
	all.await(t, "edge.request post", "")
	for _, span := range all.GetSpans() {
		if span.SpanContext.TraceID().String() == foreign {
			t.Errorf("%s is of the client's trace", span.Name)
		}
	}
}
