package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"callmesh/cmd/internal/cli"
)

const (
	// traceQueue bounds the spans that wait for the collector; what comes past it is dropped. A span takes about a kilobyte.
	traceQueue = 4096
	// traceEvery is how long spans are gathered before they are sent.
	traceEvery = 2 * time.Second
	// tracePatience is how long a collector may take for one batch, with all tries.
	tracePatience = 5 * time.Second
	// traceFlush is how long the process's end may wait for the last spans to be sent.
	traceFlush = 3 * time.Second
	// traceComplaint is how often the log says at most that spans are lost.
	traceComplaint = time.Minute
)

// ratio is a share of all requests, 0 to 1.
type ratio float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *ratio) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f >= 0 && f <= 1) { // also not a number
		return errors.New("want a number from 0 to 1")
	}
	*r = ratio(f)
	return nil
}

func (c *Config) checkTraces(p *cli.Problems) {
	if c.TraceEndpoint != "" {
		if _, err := collectorURL(c.TraceEndpoint); err != nil {
			p.Wrong("trace-endpoint", "%s; write it like http://127.0.0.1:4318/v1/traces", err)
		}
	}
	if _, _, err := collectorHeader(c.TraceHeader.Reveal()); err != nil {
		key := "trace-header"
		if p.Given("trace-header-file") {
			key = "trace-header-file"
		}
		p.Wrong(key, "%s", err)
	}
}

// startTraces makes what the edge's spans go through; without an endpoint there is none, and no request is traced.
func (n *node) startTraces(c *Config) error {
	if c.TraceEndpoint == "" {
		return nil
	}
	to, err := newCollector(c)
	if err != nil {
		return err
	}
	out, err := newSpanSender(to, n.log.With("part", "traces"))
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(float64(c.TraceRatio)))),
		sdktrace.WithBatcher(out, sdktrace.WithMaxQueueSize(traceQueue), sdktrace.WithBatchTimeout(traceEvery), sdktrace.WithExportTimeout(tracePatience)),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "callmesh-edge"), attribute.String("service.version", cli.ReadBuild().Version),
			attribute.String("service.instance.id", string(n.id)),
		)),
	)
	n.traces = provider
	n.onClose(func() error { out.end(provider); return nil })
	n.log.Info("requests are traced", "collector", to.url, "ratio", float64(c.TraceRatio))
	return nil
}

// spanSender sends spans to a collector. That fails for the log only: the SDK would tell its errors to a handler of the whole process.
type spanSender struct {
	to     sdktrace.SpanExporter
	log    *slog.Logger
	ctx    context.Context // ends when there is no more time to send anything
	cancel context.CancelFunc
	done   chan struct{} // closed once the SDK sends nothing more

	mu   sync.Mutex // guards the following
	said time.Time  // when the log was last told
	lost int        // spans since then
}

func newSpanSender(c *collector, log *slog.Logger) (*spanSender, error) {
	to, err := otlptrace.New(context.Background(), c)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	s := &spanSender{to: to, log: log, done: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// ExportSpans implements [sdktrace.SpanExporter].
func (s *spanSender) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if err := s.to.ExportSpans(ctx, spans); err != nil {
		s.complain(len(spans), err)
	}
	return nil
}

// Shutdown implements [sdktrace.SpanExporter]: the SDK has nothing more to send.
func (s *spanSender) Shutdown(ctx context.Context) error {
	defer close(s.done)
	return s.to.Shutdown(ctx)
}

// complain tells the log now and then: a collector that is away is away for many batches.
func (s *spanSender) complain(lost int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += lost
	if now := time.Now(); now.Sub(s.said) >= traceComplaint {
		s.log.Warn("traces can't be sent and are lost; requests go on as ever", "spans", s.lost, "error", err)
		s.said, s.lost = now, 0
	}
}

// end sends what waits, for as long as there is time.
func (s *spanSender) end(provider *sdktrace.TracerProvider) {
	ctx, cancel := context.WithTimeout(context.Background(), traceFlush)
	defer cancel()
	if err := provider.Shutdown(ctx); err != nil {
		s.log.Warn("the last traces could not be sent in time", "error", err)
	}
	s.cancel()
	<-s.done // at once: nothing can be sent any more
}
