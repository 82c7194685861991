package nodeaddr_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callmesh/turnctl/nodeaddr"
)

// kubernetes answers like an API server about one node, node-1, to who shows the token "good".
func kubernetes(t *testing.T, addresses string) nodeaddr.Options {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer good":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/api/v1/nodes/away":
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		case r.Method != http.MethodGet || r.URL.Path != "/api/v1/nodes/node-1":
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = fmt.Fprintf(w, `{"kind": "Node", "status": {"capacity": {"cpu": "2"}, "addresses": [%s]}}`, addresses)
		}
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for name, text := range map[string][]byte{"token": []byte("good\n"), "ca.crt": ca} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return nodeaddr.Options{Server: s.URL, Credentials: dir, Node: "node-1"}
}

const (
	inner  = `{"type": "InternalIP", "address": "10.0.0.4"}, {"type": "Hostname", "address": "node-1"}`
	outer  = `{"type": "ExternalIP", "address": "203.0.113.7"}`
	outer6 = `{"type": "ExternalIP", "address": "2001:db8::7"}`
)

func TestExternal(t *testing.T) {
	for name, c := range map[string]struct{ addresses, own, want string }{
		"behind a NAT":                     {inner + "," + outer, "10.0.0.4", "203.0.113.7"},
		"the one of the relay's family":    {outer6 + "," + outer, "10.0.0.4", "203.0.113.7"},
		"IPv6":                             {outer + "," + outer6, "fd00::4", "2001:db8::7"},
		"the first":                        {outer + `,{"type": "ExternalIP", "address": "203.0.113.8"}`, "10.0.0.4", "203.0.113.7"},
		"none":                             {inner, "10.0.0.4", "invalid IP"},
		"none of the family":               {inner + "," + outer6, "10.0.0.4", "invalid IP"},
		"a name in place of it, and a one": {`{"type": "ExternalIP", "address": "node-1.example"},` + outer, "10.0.0.4", "203.0.113.7"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := nodeaddr.External(t.Context(), kubernetes(t, c.addresses), netip.MustParseAddr(c.own))
			if err != nil || got.String() != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestExternalErrors(t *testing.T) {
	for says, change := range map[string]func(t *testing.T, o *nodeaddr.Options){
		"does not let this account read nodes": func(t *testing.T, o *nodeaddr.Options) { write(t, o, "token", "another") },
		`has no node "node-2"`:                 func(_ *testing.T, o *nodeaddr.Options) { o.Node = "node-2" },
		`has no node "../secrets"`:             func(_ *testing.T, o *nodeaddr.Options) { o.Node = "../secrets" },
		"answers 302":                          func(_ *testing.T, o *nodeaddr.Options) { o.Node = "away" },
		"holds no certificate":                 func(t *testing.T, o *nodeaddr.Options) { write(t, o, "ca.crt", "none") },
		"token: no such file":                  func(_ *testing.T, o *nodeaddr.Options) { o.Credentials = "/none" },
		"unexpected character":                 nil,
	} {
		o := kubernetes(t, `{"type": "ExternalIP", "address": "node-1.example"}`)
		if change != nil {
			change(t, &o)
		}
		if got, err := nodeaddr.External(t.Context(), o, netip.MustParseAddr("10.0.0.4")); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s, %v; want %q", got, err, says)
		}
	}
	o := kubernetes(t, outer)
	other := kubernetes(t, outer)
	o.Server = strings.Replace(other.Server, "127.0.0.1", "localhost", 1) // a name that its certificate is not for
	if _, err := nodeaddr.External(t.Context(), o, netip.MustParseAddr("10.0.0.4")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the token went to somebody else: %v", err)
	}
}

func write(t *testing.T, o *nodeaddr.Options, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.Credentials, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
