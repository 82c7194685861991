package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// receiver is a collector: it decodes what edges post to it.
type receiver struct {
	*httptest.Server

	mu      sync.Mutex // guards the following
	refuse  int        // so many posts are answered with 503 first
	spans   []received
	headers []http.Header
	wrong   []string
}

type received struct {
	*tracepb.Span
	service, instance string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse > 0 {
		r.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	batch := new(coltracepb.ExportTraceServiceRequest)
	zip, err := gzip.NewReader(req.Body)
	if err == nil {
		var b []byte
		if b, err = io.ReadAll(zip); err == nil {
			err = proto.Unmarshal(b, batch)
		}
	}
	if err != nil || req.Method != http.MethodPost || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.wrong = append(r.wrong, req.Method+" "+req.URL.Path)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.headers = append(r.headers, req.Header)
	for _, res := range batch.ResourceSpans {
		var s received
		for _, a := range res.Resource.Attributes {
			switch attribute.Key(a.Key) {
			case "service.name":
				s.service = a.Value.GetStringValue()
			case "service.instance.id":
				s.instance = a.Value.GetStringValue()
			}
		}
		for _, scope := range res.ScopeSpans {
			for _, span := range scope.Spans {
				s.Span = span
				r.spans = append(r.spans, s)
			}
		}
	}
}

// find returns the span of that name, about that event if one is given.
func (r *receiver) find(name, event string) received { return r.findOn("", name, event) }

// findOn is find among the spans of one edge.
func (r *receiver) findOn(edge wire.EdgeID, name, event string) (found received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.Name == name && (event == "" || s.attr("event") == event) && (edge == "" || s.instance == string(edge)) {
			found = s
		}
	}
	return found
}

func (s received) attr(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// journal is a log that a test reads while it is written.
type journal struct {
	mu  sync.Mutex // guards the following
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// traced is the edge of a whole node that sends its traces to the endpoint, and what ends it.
func traced(t *testing.T, log io.Writer, endpoint, nats string, args ...string) (n *edgetest.Node, end func()) {
	t.Helper()
	cfg, err := check(t, append([]string{
		"--data-dir", t.TempDir(), "--auth-secret", edgetest.Secret, "--nats-url", nats, "--trace-endpoint", endpoint, "--trace-ratio", "1",
	}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	node, err := prepare(cfg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		if err := node.close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	if err := node.joinMesh(cfg); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(node.edge.Handler())
	t.Cleanup(server.Close)
	edgetest.Eventually(t, "the edge is ready", node.edge.Ready)
	return &edgetest.Node{Edge: node.edge, Bus: node.bus, URL: "ws" + strings.TrimPrefix(server.URL, "http") + "/v1/ws"}, end
}

func post(c *edgetest.Client) wire.PostOK {
	return edgetest.Must[wire.PostOK](c, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"hi"`)})
}

// One signal over two edges and NATS is one trace at the collector, which has all of it once the edges have ended.
func TestTracesReachTheCollector(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t, bustest.IgnoredLeaks()...) }) // after all that ends with the test
	nats := bustest.Cluster(t, 1).URL(0)
	collector := newReceiver(t)
	collector.refuse = 1 // as one that is about to be ready
	const key = "the collector knows us by this"
	var log journal
	a, endA := traced(t, &log, collector.URL, nats, "--trace-header", "X-Team: "+key)
	b, endB := traced(t, &log, collector.URL+"/v1/traces", nats, "--trace-ratio", "0")
	ann, bob := edgetest.Connect(t, a, "ann"), edgetest.Connect(t, b, "bob")
	for _, c := range []*edgetest.Client{ann, bob} {
		edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: "lobby"})
	}
	edgetest.Await(ann, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Peer == bob.Peer() })
	ann.MustRaw(wire.OpSignal, wire.SignalArgs{Room: "lobby", To: bob.Peer(), Data: json.RawMessage(`"what ann says"`)})
	edgetest.Await[wire.SignalEvent](bob, wire.EvSignal, nil)
	endB()
	endA()

	request, deliver := collector.find("edge.request signal", ""), collector.findOn(b.Bus.Edge(), "edge.deliver", "signal")
	if request.Span == nil || deliver.Span == nil {
		t.Fatalf("the collector has %d spans, and lacks the signal's; log:\n%s", len(collector.spans), log.String())
	}
	i := slices.IndexFunc(collector.spans, func(s received) bool {
		return s.Name == "bus.publish" && bytes.Equal(s.ParentSpanId, request.SpanId)
	})
	if i < 0 || len(request.ParentSpanId) > 0 || !bytes.Equal(deliver.ParentSpanId, collector.spans[i].SpanId) || !bytes.Equal(deliver.TraceId, request.TraceId) {
		t.Errorf("request %v, deliver %v: not one trace", request, deliver)
	}
	if request.service != "callmesh-edge" || request.instance != string(a.Bus.Edge()) || request.attr("edge") != request.instance {
		t.Errorf("request is of %s %s", request.service, request.instance)
	}
	if collector.find("edge.request hello", "").instance != request.instance {
		t.Error("an edge with the ratio 0 has begun a trace")
	}
	if len(collector.wrong) > 0 || !slices.ContainsFunc(collector.headers, func(h http.Header) bool { return h.Get("X-Team") == key }) {
		t.Errorf("wrong posts: %v; headers %v", collector.wrong, collector.headers)
	}
	if strings.Contains(log.String(), key) || strings.Contains(log.String(), "can't be sent") {
		t.Errorf("log:\n%s", log.String())
	}
}

// A collector that refuses, or takes everything and never answers, harms nobody.
func TestCollectorAway(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t, bustest.IgnoredLeaks()...) }) // after all that ends with the test
	nats := bustest.Cluster(t, 1).URL(0)
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server watch whether the client is gone
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(release) })
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }))
	t.Cleanup(broken.Close)
	for name, endpoint := range map[string]string{"nobody there": "http://127.0.0.1:1", "silent": silent.URL, "broken": broken.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it is waiting, mostly
			var log journal
			n, end := traced(t, &log, endpoint, nats)
			ann := edgetest.Connect(t, n, "ann")
			edgetest.Must[wire.JoinOK](ann, wire.OpJoin, wire.JoinArgs{Room: "lobby"})
			post(ann)
			const warning = "traces can't be sent"
			edgetest.Eventually(t, "a warning", func() bool { return strings.Contains(log.String(), warning) })
			for range 600 { // more than a batch
				ann.MustRaw(wire.OpPing, wire.PingArgs{})
			}
			post(ann)
			ann.Close()
			begun := time.Now()
			end()
			if took := time.Since(begun); took > traceFlush+5*time.Second {
				t.Errorf("the end took %s", took)
			}
			if n := strings.Count(log.String(), warning); n != 1 {
				t.Errorf("%d warnings, want 1:\n%s", n, log.String())
			}
		})
	}
}

func TestRatio(t *testing.T) {
	for text, want := range map[string]ratio{"0": 0, "1": 1, "0.25": 0.25, "1e-3": 0.001} {
		var r ratio
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "NaN", "-0.1", "1.01", "Inf", "1%"} {
		if new(ratio).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is a ratio", text)
		}
	}
}
