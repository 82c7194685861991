package main

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callmesh/probe/gather"
	"callmesh/probe/lab"
)

func (w *world) gathered(t *testing.T, kind lab.Kind, urls ...string) (code int, results []gather.Result, stderr string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(labSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"stun", "--turn-secret-file", secret, "--output", "json", "--wait", "3s"}
	for _, u := range urls {
		args = append(args, "--url", u)
	}
	code, out, stderr := w.probeAt(t, w.sites[kind], args...).follow().end()
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != len(urls) {
		t.Fatalf("exit %d, %v in %q: %s", code, err, out, stderr)
	}
	return code, results, stderr
}

// Each server by each way gives what it should, from behind a NAT; where UDP does not pass, what goes over TCP and TLS; and who is not there is said to be silent.
func TestStun(t *testing.T) {
	if !entered(t) {
		return
	}
	w := buildWorld(t, lab.EIMADF, lab.UDPBlocked)
	urls := append([]string{"stun:203.0.113.1:3478"}, labRelay...)
	at := func(c *gather.Candidate) string {
		if c == nil {
			return ""
		}
		a, err := netip.ParseAddrPort(c.Address)
		if err != nil || c.Ms <= 0 {
			t.Errorf("candidate %+v", c)
		}
		if a.Addr() == lab.ServerAddr2 { // coturn relays on both of its addresses, in turn
			return lab.ServerAddr.String()
		}
		return a.Addr().String()
	}
	code, results, errs := w.gathered(t, lab.EIMADF, urls...)
	if code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	outer := w.lab.Outer(w.sites[lab.EIMADF]).String()
	for i, want := range []struct {
		srflx, relay string
		connects     bool
	}{{outer, "", false}, {outer, "203.0.113.1", false}, {"", "203.0.113.1", true}, {"", "203.0.113.1", true}} {
		r := results[i]
		if !r.OK || r.Host == "" || r.Host == outer || at(r.Srflx) != want.srflx || at(r.Relay) != want.relay || (r.ConnectMs != nil) != want.connects || r.Why != "" {
			t.Errorf("%s: %+v", r.URL, r)
		}
	}
	code, results, errs = w.gathered(t, lab.UDPBlocked, urls...)
	if code != 1 || !strings.Contains(errs, "2 of 4 servers") {
		t.Errorf("without UDP: exit %d: %s", code, errs)
	}
	for i, ok := range []bool{false, false, true, true} {
		if r := results[i]; r.OK != ok || ok && at(r.Relay) != "203.0.113.1" || !ok && r.Why != "binding: no answer within 3s" {
			t.Errorf("without UDP: %+v", r)
		}
	}
	code, results, _ = w.gathered(t, lab.EIMADF, "turn:203.0.113.77:3478?transport=udp", "turn:203.0.113.1:9?transport=tcp")
	if code != 3 || results[0].OK || !strings.Contains(results[1].Why, "connection: ") {
		t.Errorf("nobody there: exit %d, %+v", code, results)
	}
	w.ca = "/dev/null" // whose certificate nobody vouches for is no relay of a browser's
	code, results, _ = w.gathered(t, lab.EIMADF, "stun:203.0.113.1:3478", labRelay[2])
	if code != 1 || !results[0].OK || !strings.Contains(results[1].Why, "TLS: ") {
		t.Errorf("a certificate of nobody: exit %d, %+v", code, results)
	}
}
