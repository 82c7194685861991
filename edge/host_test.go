package edge_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"callmesh/bus"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// as asks for a path under a name, as a browser does that was told that the name is this machine's.
func as(t *testing.T, n *edgetest.Node, host, method, path string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, n.HTTP+path, strings.NewReader(`{"name":"Ann"}`))
	noError(t, err)
	req.Host = host
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	noError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 500))
	noError(t, err)
	return res.StatusCode, strings.TrimSpace(string(body))
}

// TestRebinding: a page loaded from evil.example, whose name then points here, is of the origin evil.example, and so is what it asks for.
func TestRebinding(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) {
		o.AllowedHosts, o.Page = []string{"calls.example.org"}, builtPage
	})
	n := m.Edges[0]
	port := n.HTTP[strings.LastIndexByte(n.HTTP, ':'):]
	evil := "evil.example" + port
	const text = `"evil.example" is not a name of this edge; if it should be, its operator adds the name to allowed-host`
	upgrade := []string{"Origin: http://" + evil, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: callmesh.v1"}
	for _, tt := range []struct{ method, path string }{{"GET", "/v1/ws"}, {"POST", "/v1/guest"}, {"GET", "/v1/config"}, {"GET", "/"}} {
		status, body := as(t, n, evil, tt.method, tt.path, upgrade...)
		if status != http.StatusMisdirectedRequest || !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), text) {
			t.Errorf("%s: %d %s", tt.path, status, body)
		}
	}
	for _, good := range []string{"localhost" + port, "127.0.0.1" + port, "[::1]" + port, "192.0.2.7" + port, "calls.example.org", "CALLS.example.org:443"} {
		if status, body := as(t, n, good, "POST", "/v1/guest", "Origin: http://"+good); status != http.StatusOK {
			t.Errorf("%s: %d %s", good, status, body)
		}
	}
	if status, _ := as(t, n, evil, "GET", "/livez"); status != http.StatusOK {
		t.Errorf("health under another name: %d", status)
	}
	wantRefused(t, n, "connect", "host", 3)
	wantRefused(t, n, "guest", "host", 1)

	anyName := oneNode(t, 1).Edges[0] // an ingress gives whatever name its users know
	if status, body := as(t, anyName, "meet.example.com", "POST", "/v1/guest", "Origin: http://meet.example.com"); status != http.StatusOK {
		t.Errorf("without a list: %d %s", status, body)
	}
}
