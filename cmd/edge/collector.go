package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/protobuf/proto"
)

// collector posts spans as OTLP/HTTP has it (OTLP 1.x, section "OTLP/HTTP"): protobuf, gzipped. It is an otlptrace.Client. The one that comes with
// OpenTelemetry brings gRPC along, which would be a quarter of the program and eight megabytes of every edge's memory, for what is off as a rule.
type collector struct {
	url                     string
	headerName, headerValue string // empty if the collector wants none
	http                    *http.Client
}

const (
	// collectorPatience is how long one try may take.
	collectorPatience = 5 * time.Second
	// collectorPause is how long the second try waits, each further one twice as long, unless the collector says for how long.
	collectorPause = 500 * time.Millisecond
	// collectorAnswer bounds what is read of an answer, in bytes.
	collectorAnswer = 4 << 10
)

// collectorURL is where spans are posted to. A URL without a path means the usual one.
func collectorURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("it is not a collector's URL") // which is not repeated: it may hold a password
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it takes neither a user, a query nor a fragment (what the collector knows you by goes into trace-header)")
	case u.Path == "" || u.Path == "/":
		u.Path = "/v1/traces"
	}
	return u, nil
}

// collectorHeader reads "Name: value". An empty text is no header.
func collectorHeader(s string) (name, value string, err error) {
	if s == "" {
		return "", "", nil
	}
	name, value, ok := strings.Cut(s, ":")
	if value = strings.TrimSpace(value); !ok || !httpguts.ValidHeaderFieldName(name) || value == "" || !httpguts.ValidHeaderFieldValue(value) {
		return "", "", errors.New("it is not a header; write it like Authorization: Bearer KEY") // nor is this repeated
	}
	return name, value, nil
}

func newCollector(c *Config) (*collector, error) {
	u, err := collectorURL(c.TraceEndpoint)
	if err != nil {
		return nil, fmt.Errorf("trace-endpoint: %w", err)
	}
	name, value, err := collectorHeader(c.TraceHeader.Reveal())
	if err != nil {
		return nil, fmt.Errorf("trace-header: %w", err)
	}
	return &collector{u.String(), name, value, &http.Client{
		// Of its own, so that its connections end with it.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // nobody else is told the header
		Timeout:       collectorPatience,
	}}, nil
}

// Start implements otlptrace.Client.
func (c *collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *collector) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. It tries until ctx ends, unless the collector says that there is no use.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// The same bytes as those of the collector's ExportTraceServiceRequest, whose Go package is gRPC's.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(body) // a buffer takes all
	_ = zip.Close()
	for pause := collectorPause; ; pause *= 2 {
		after, err := c.post(ctx, packed.Bytes())
		if err == nil || after < 0 {
			return err
		}
		again := time.NewTimer(max(after, pause))
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return err
		}
	}
}

// post tries once. On an error, after is how long the collector wants to be left alone; negative if another try is of no use.
func (c *collector) post(ctx context.Context, packed []byte) (after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(packed))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "gzip")
	if c.headerName != "" {
		req.Header.Set(c.headerName, c.headerValue)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, collectorAnswer)) // so that the connection can be used again
	switch res.StatusCode {
	case http.StatusOK:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
			after = time.Duration(min(s, 3600)) * time.Second
		}
		return after, fmt.Errorf("%s: %s", c.url, res.Status)
	default:
		return -1, fmt.Errorf("%s: %s", c.url, res.Status)
	}
}
