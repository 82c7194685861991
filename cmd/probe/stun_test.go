package main

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) < len(urls) {
		t.Fatalf("exit %d, %v in %q: %s", code, err, out, stderr)
	}
	return code, results, stderr
}

// names has a name lead to addresses, for every program in the laboratory.
func names(t *testing.T, hosts string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(file, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
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

// A server of both families is asked over both, and what each gives stands apart. Where this host has no way out over one, that is no fault of the server's.
func TestStunOverBothFamilies(t *testing.T) {
	if !entered(t) {
		return
	}
	w := buildWorld(t, lab.Open, lab.EIMAPDF, lab.IPv6Only)
	const own6 = "2001:db8::77"
	if out, err := w.lab.Command(t.Context(), w.sites[lab.Open], "ip", "addr", "add", own6+"/64", "dev", "eth0", "nodad").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names(t, "203.0.113.1 both.lab\n2001:db8::1 both.lab\n203.0.113.1 four.lab\n")
	both := []string{"stun:both.lab:3478", "turn:both.lab:3478?transport=udp", "turn:both.lab:3478?transport=tcp"}

	own4 := w.lab.Outer(w.sites[lab.Open]).String()
	code, results, errs := w.gathered(t, lab.Open, append(both, "stun:four.lab:3478")...)
	if code != 0 || len(results) != 7 {
		t.Fatalf("exit %d, %+v: %s", code, results, errs)
	}
	for i, r := range results {
		family, server, own := gather.IPv4, "203.0.113.1:3478", own4
		if i%2 == 1 {
			family, server, own = gather.IPv6, "[2001:db8::1]:3478", own6
		}
		udp, relay := !strings.Contains(r.URL, "tcp"), strings.HasPrefix(r.URL, "turn:")
		if r.Family != family || r.Server != server || r.Host != own || !r.OK || (r.Srflx != nil) != udp || (r.Relay != nil) != relay || (r.ConnectMs == nil) != udp {
			t.Errorf("%d: %+v", i, r)
		}
		if r.Srflx != nil && netip.MustParseAddrPort(r.Srflx.Address).Addr().String() != own {
			t.Errorf("%d: the server sees %s, where the host is %s", i, r.Srflx.Address, own)
		}
		if r.Relay != nil && !netip.MustParseAddrPort(r.Relay.Address).Addr().Is4() {
			t.Errorf("%d: relayed at %s", i, r.Relay.Address)
		}
	}

	code, text, _ := w.probeAt(t, w.sites[lab.Open], "stun", "--url", both[0]).follow().end()
	words := strings.Join(strings.Fields(text), " ")
	if code != 0 || !strings.Contains(words, both[0]+" ipv4 "+own4+" - "+own4+":") || !strings.Contains(words, both[0]+" ipv6 "+own6+" - ["+own6+"]:") {
		t.Errorf("exit %d:\n%s", code, text)
	}
	for kind, without := range map[lab.Kind]gather.Family{lab.EIMAPDF: gather.IPv6, lab.IPv6Only: gather.IPv4} {
		code, results, errs := w.gathered(t, kind, both[0])
		if code != 0 || len(results) != 2 {
			t.Fatalf("%s: exit %d, %+v: %s", kind, code, results, errs)
		}
		for _, r := range results {
			if r.NoRoute != (r.Family == without) || r.OK == r.NoRoute || r.NoRoute != strings.HasPrefix(r.Why, "host: ") {
				t.Errorf("%s: %+v", kind, r)
			}
		}
	}
	if code, results, _ := w.gathered(t, lab.IPv6Only, "stun:four.lab:3478"); code != 3 || !results[0].NoRoute {
		t.Errorf("no family in common: exit %d, %+v", code, results)
	}
	if code, results, _ := w.gathered(t, lab.Open, "stun:nobody.lab:3478"); code != 3 || results[0].Family != "" || !strings.HasPrefix(results[0].Why, "name: ") || strings.Contains(results[0].Why, "\n") {
		t.Errorf("no such name: exit %d, %+v", code, results)
	}
}
