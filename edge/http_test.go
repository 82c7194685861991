package edge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// send writes a request line and headers as they are, which net/http would not, and returns the answer.
func send(t *testing.T, n *edgetest.Node, method, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	host := strings.TrimPrefix(n.HTTP, "http://")
	conn, err := net.DialTimeout("tcp", host, edgetest.Patience)
	noError(t, err)
	defer func() { _ = conn.Close() }()
	noError(t, conn.SetDeadline(time.Now().Add(edgetest.Patience)))
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", method, target, host, strings.Join(append(headers, ""), "\r\n"))
	noError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	noError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	noError(t, err)
	return res, string(body)
}

// dial opens a WebSocket with an Origin, or without one, and returns the status of the answer.
func dial(t *testing.T, n *edgetest.Node, subprotocols []string, headers ...string) (int, string) {
	t.Helper()
	h := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), edgetest.Patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, n.URL, &websocket.DialOptions{Subprotocols: subprotocols, HTTPHeader: h})
	if err == nil {
		defer func() { _ = ws.CloseNow() }()
		if got := ws.Subprotocol(); got != wire.Subprotocol {
			t.Errorf("the subprotocol is %q", got)
		}
		return res.StatusCode, ""
	}
	if res == nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, strings.TrimSpace(string(body))
}

const foreign = "this origin may not connect here: ask the operator to allow it"

func TestOrigins(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) {
		o.AllowedOrigins = []string{"https://friend.example.org", "https://other.example.org:8443"}
	})
	n := m.Edges[0]
	port := n.HTTP[strings.LastIndexByte(n.HTTP, ':'):]
	for _, tt := range []struct {
		name    string
		headers []string
		allowed bool
	}{
		{"none", nil, true},
		{"own", []string{"Origin: " + n.HTTP}, true},
		{"own in capitals", []string{"Origin: " + strings.ToUpper(n.HTTP)}, true},
		{"allowed", []string{"Origin: https://friend.example.org"}, true},
		{"allowed with a port", []string{"Origin: https://other.example.org:8443"}, true},
		{"allowed but for its scheme", []string{"Origin: http://friend.example.org"}, false},
		{"allowed but for its port", []string{"Origin: https://friend.example.org:444"}, false},
		{"allowed as the end of another", []string{"Origin: https://evil-friend.example.org"}, false},
		{"allowed as the beginning of another", []string{"Origin: https://friend.example.org.evil.example"}, false},
		{"own host, another port", []string{"Origin: http://127.0.0.1:1"}, false},
		{"own host, no port", []string{"Origin: http://127.0.0.1"}, false},
		{"own host by name", []string{"Origin: http://localhost" + port}, false},
		{"own host, another scheme", []string{"Origin: https" + strings.TrimPrefix(n.HTTP, "http")}, false},
		{"own as the user of another", []string{"Origin: " + n.HTTP + "@evil.example"}, false},
		{"foreign", []string{"Origin: https://evil.example"}, false},
		{"null", []string{"Origin: null"}, false},
		{"empty", []string{"Origin: "}, false},
		{"no origin at all", []string{"Origin: ://"}, false},
		{"a file", []string{"Origin: file://"}, false},
		{"two, own first", []string{"Origin: " + n.HTTP, "Origin: https://evil.example"}, false},
		{"two of its own", []string{"Origin: " + n.HTTP, "Origin: " + n.HTTP}, false},
		{"two in one", []string{"Origin: " + n.HTTP + " https://evil.example"}, false},
	} {
		status, body := dial(t, n, []string{wire.Subprotocol}, tt.headers...)
		switch {
		case tt.allowed && status != http.StatusSwitchingProtocols:
			t.Errorf("%s: got %d %s", tt.name, status, body)
		case !tt.allowed && (status != http.StatusForbidden || body != foreign):
			t.Errorf("%s: got %d %q, want 403 %q", tt.name, status, body, foreign)
		}
		if tt.allowed {
			continue
		}
		res, body := send(t, n, "POST", "/v1/guest", append(tt.headers, "Content-Length: 14", "", `{"name":"Ann"}`)...)
		if res.StatusCode != http.StatusForbidden || !strings.Contains(body, `"forbidden"`) {
			t.Errorf("a guest with origin %s: got %d %s", tt.name, res.StatusCode, body)
		}
	}
}

// TestPagesOfAllowedOriginsMayRead is for what a browser asks before it lets a page of another site have a guest's token.
func TestPagesOfAllowedOriginsMayRead(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.AllowedOrigins = []string{"https://friend.example.org"} })
	n := m.Edges[0]
	preflight := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"}
	post := []string{"Content-Type: application/json", "Content-Length: 14", "", `{"name":"Ann"}`}
	for _, tt := range []struct {
		method, path string
		with         []string
		ok, refused  int
		shared       bool
	}{
		{"OPTIONS", "/v1/guest", preflight, http.StatusNoContent, http.StatusForbidden, true},
		{"POST", "/v1/guest", post, http.StatusOK, http.StatusForbidden, true},
		{"GET", "/v1/config", nil, http.StatusOK, http.StatusOK, true},
		{"OPTIONS", "/v1/move", preflight, http.StatusNotFound, http.StatusNotFound, false},
		{"GET", "/v1/none", nil, http.StatusNotFound, http.StatusNotFound, false},
	} {
		for origin, allowed := range map[string]bool{"https://friend.example.org": true, "https://evil.example": false, "null": false, n.HTTP: true} {
			res, body := send(t, n, tt.method, tt.path, append([]string{"Origin: " + origin}, tt.with...)...)
			foreign := allowed && origin != n.HTTP
			status := tt.ok
			if !allowed || tt.method == "OPTIONS" && !foreign {
				status = tt.refused
			}
			if res.StatusCode != status {
				t.Errorf("%s %s from %s: got %d %s, want %d", tt.method, tt.path, origin, res.StatusCode, body, status)
			}
			want := ""
			if tt.shared && foreign {
				want = origin
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s %s from %s may be read by %q, want %q", tt.method, tt.path, origin, got, want)
			}
			if exposed := res.Header.Get("Access-Control-Expose-Headers"); (exposed == "Retry-After") != (want != "") {
				t.Errorf("%s %s from %s: when to try again may be read: %q", tt.method, tt.path, origin, exposed)
			}
			if tt.shared && res.Header.Get("Vary") != "Origin" {
				t.Errorf("%s %s: a cache may mix up whom it is for", tt.method, tt.path)
			}
			if got := res.Header.Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("%s %s: credentials are taken: %q", tt.method, tt.path, got)
			}
		}
	}
}

func TestSubprotocol(t *testing.T) {
	m := oneNode(t, 1)
	const want = "want a WebSocket that offers the subprotocol callmesh.v1"
	for name, offered := range map[string][]string{"none": nil, "another": {"chat"}, "another version": {"callmesh.v2"}, "a longer one": {"callmesh.v1x"}} {
		if status, body := dial(t, m.Edges[0], offered); status != http.StatusBadRequest || body != want {
			t.Errorf("%s: got %d %q, want 400 %q", name, status, body, want)
		}
	}
	if status, body := dial(t, m.Edges[0], []string{"callmesh.v2", wire.Subprotocol}); status != http.StatusSwitchingProtocols {
		t.Errorf("among others: got %d %s", status, body)
	}
	if res, body := send(t, m.Edges[0], "GET", "/v1/ws"); res.StatusCode != http.StatusBadRequest || strings.TrimSpace(body) != want {
		t.Errorf("without an upgrade: got %d %s", res.StatusCode, body)
	}
	if res, _ := send(t, m.Edges[0], "GET", "/v1/ws", "Sec-WebSocket-Protocol: callmesh.v1"); res.StatusCode < 400 || res.StatusCode > 499 {
		t.Errorf("the subprotocol without an upgrade: got %d", res.StatusCode)
	}
}

var builtPage = fstest.MapFS{
	"index.html":          {Data: []byte("<!doctype html><title>the page</title>")},
	"assets/app-1a2b.js":  {Data: []byte("export {}")},
	"assets/app-1a2b.css": {Data: []byte("body{}")},
	"icon.svg":            {Data: []byte("<svg/>")},
}

func TestPage(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.Page = builtPage })
	n := m.Edges[0]
	const page = "<!doctype html><title>the page</title>"
	for _, tt := range []struct {
		path, body, cache, kind string
		status                  int
	}{
		{"/", page, "no-cache", "text/html; charset=utf-8", 200},
		{"/room/a.b", page, "no-cache", "text/html; charset=utf-8", 200},
		{"/r/%E7%8E%8B?x=1", page, "no-cache", "text/html; charset=utf-8", 200},
		{"/assets", page, "no-cache", "text/html; charset=utf-8", 200},
		{"/assets/", page, "no-cache", "text/html; charset=utf-8", 200},
		{"/icon.svg", "<svg/>", "", "image/svg+xml", 200},
		{"/assets/app-1a2b.js", "export {}", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8", 200},
		{"/assets/app-1a2b.css", "body{}", "public, max-age=31536000, immutable", "text/css; charset=utf-8", 200},
		{"/assets/app-old.js", "404 page not found\n", "", "text/plain; charset=utf-8", 404},
	} {
		res, body := send(t, n, "GET", tt.path)
		if res.StatusCode != tt.status || body != tt.body || res.Header.Get("Cache-Control") != tt.cache || res.Header.Get("Content-Type") != tt.kind {
			t.Errorf("%s: got %d %q %v, want %d %q %s %s", tt.path, res.StatusCode, body, res.Header, tt.status, tt.body, tt.cache, tt.kind)
		}
	}
	if res, body := send(t, n, "HEAD", "/"); res.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD: got %d %q", res.StatusCode, body)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if res, body := send(t, n, method, "/", "Content-Length: 0"); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" || strings.Contains(body, "title") {
			t.Errorf("%s: got %d %v %s", method, res.StatusCode, res.Header, body)
		}
	}
	for _, path := range []string{
		"/..%2fsecret", "/%2e%2e/secret", "/../secret", "/assets/..%2f..%2fsecret", "/assets/../../secret", "/..%5csecret", "//etc/passwd", "/%2fetc%2fpasswd", "/assets//", "/%00", "/.",
	} {
		res, body := send(t, n, "GET", path)
		if strings.Contains(body, "app-1a2b") || strings.Contains(body, "root:") || res.StatusCode >= 500 {
			t.Errorf("%s: got %d %q", path, res.StatusCode, body)
		}
		if res.StatusCode == http.StatusOK && body != page {
			t.Errorf("%s: got %q", path, body)
		}
	}
	// The protocol stands beside the page, and what it has not is no page.
	for _, path := range []string{"/v1/", "/v1/nothing", "/v1/ws/x", "/v1/index.html", "/v1/guest"} {
		if res, body := send(t, n, "GET", path); res.StatusCode != http.StatusNotFound || strings.Contains(body, "<") {
			t.Errorf("%s: got %d %q", path, res.StatusCode, body)
		}
	}
	edgetest.Connect(t, n, "ann")
}

func TestNoPage(t *testing.T) {
	m := oneNode(t, 1)
	for _, path := range []string{"/", "/index.html", "/assets/", "/v1/nothing", "/metrics", "/debug/pprof/"} {
		if res, body := send(t, m.Edges[0], "GET", path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d %q", path, res.StatusCode, body)
		}
	}
}

// TestEveryAnswerIsGuarded is for the headers that keep the page to its own origin.
func TestEveryAnswerIsGuarded(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.Page = builtPage })
	for _, path := range []string{"/", "/assets/app-1a2b.js", "/assets/none.js", "/v1/config", "/v1/ws", "/v1/none", "/livez", "/readyz"} {
		res, _ := send(t, m.Edges[0], "GET", path)
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "connect-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe-inline") || strings.Contains(csp, "'unsafe-eval'") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy %q lets too much in", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: other origins may read it: %q", path, got)
		}
	}
}

// A script that stands in the page may run, as its hash says, and no other that somebody gets into it.
func TestThePagesOwnScriptMayRun(t *testing.T) {
	page := fstest.MapFS{"index.html": {Data: []byte("<!doctype html><script>again()</script><script src=/assets/a.js></script>")}}
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.Page = page })
	for _, path := range []string{"/", "/r/tea"} {
		res, _ := send(t, m.Edges[0], "GET", path)
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self' 'wasm-unsafe-eval' 'sha256-FoQ4fTzxhLROaEbL06zHlQCMrec8jXNnQmc6/J3nC14=';") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

func TestConfigSaysWhatAnswers(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.Version = "1.2.3" })
	res, body := send(t, m.Edges[0], "GET", "/v1/config")
	var config struct {
		Guests  bool
		Region  wire.Region
		Version string
	}
	strict := json.NewDecoder(strings.NewReader(body))
	strict.DisallowUnknownFields() // whoever has not signed in is told no more than the contract says
	noError(t, strict.Decode(&config))
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" || !config.Guests || config.Region != "eu" || config.Version != "1.2.3" {
		t.Errorf("got %d %v %s", res.StatusCode, res.Header, body)
	}
}

// TestHealth follows /livez and /readyz through the loss of the bus and a drain: the process lives all the while.
func TestHealth(t *testing.T) {
	c := bustest.Cluster(t, 1)
	m := edgetest.Start(t, "eu", []string{c.URL(0)})
	n := m.Edges[0]
	get := func(path string) (int, string) {
		res, body := send(t, n, "GET", path)
		return res.StatusCode, body
	}
	want := func(path string, status int, text string) {
		t.Helper()
		if got, body := get(path); got != status || body != text+"\n" {
			t.Errorf("%s: got %d %q, want %d %q", path, got, body, status, text)
		}
	}
	want("/livez", 200, "ok")
	edgetest.Eventually(t, "ready", func() bool { status, _ := get("/readyz"); return status == 200 }) // once the rulings are read
	want("/readyz", 200, "ok")
	c.Stop(0)
	edgetest.Eventually(t, "unready without the bus", func() bool { status, _ := get("/readyz"); return status == 503 })
	want("/readyz", 503, "the bus is not ready")
	want("/livez", 200, "ok")
	refused, a := hello(t, n, wire.HelloArgs{Token: token(t, "ann")})
	wantError(t, "hello without the bus", a, wire.CodeUnavailable, "")
	wantClose(t, "hello without the bus", refused, wire.CloseBusLost, "")
	c.Restart(0)
	edgetest.Eventually(t, "ready with the bus back", func() bool { status, _ := get("/readyz"); return status == 200 })
	ann := edgetest.Connect(t, n, "ann")
	late := edgetest.Dial(t, n.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	n.Edge.Drain(ctx)
	want("/readyz", 503, "draining")
	want("/livez", 200, "ok")
	wantClose(t, "draining", ann, wire.CloseDraining, "")
	wantClose(t, "draining before hello", late, wire.CloseDraining, "")
	if got := ann.Events(wire.EvGoaway); len(got) != 1 || decode[wire.GoawayEvent](t, got[0]).Reason != wire.GoawayDraining || !got[0].Mid.IsZero() {
		t.Errorf("goaway came as %v", got)
	}
	if status, body := dial(t, n, []string{wire.Subprotocol}); status != 503 || body != "this edge is about to shut down: connect to another" {
		t.Errorf("a WebSocket while draining: got %d %q", status, body)
	}
}
