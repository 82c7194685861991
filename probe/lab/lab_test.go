package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"callmesh/probe/discover"
	"callmesh/probe/lab"
	"callmesh/probe/nat"
)

// build starts a laboratory that lasts as long as the test program.
func build(t *testing.T, kinds ...lab.Kind) (*lab.Lab, []lab.Site) {
	t.Helper()
	var sites []lab.Site
	for _, k := range kinds {
		built++
		sites = append(sites, lab.Site{Name: fmt.Sprintf("s%d", built), Kind: k})
	}
	l, err := lab.Start(t.Context(), sites)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, sites
}

var built int

func relay(t *testing.T, l *lab.Lab, addresses int) {
	t.Helper()
	r, err := l.StartRelay(t.Context(), lab.RelayOptions{OneAddress: addresses == 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// look is what a prober at a site finds.
func look(l *lab.Lab, env ...string) lab.Look {
	return func(ctx context.Context, site, server string) (*discover.Result, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c := l.Command(ctx, site, self)
		c.Env = append(append(os.Environ(), discoverEnv+"="+server), env...)
		out, err := c.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		if err != nil {
			return nil, err
		}
		r := new(discover.Result)
		return r, json.Unmarshal(out, r)
	}
}

var server = fmt.Sprintf("%s:%d", lab.ServerAddr, lab.RelayPort)

func mustLook(t *testing.T, l *lab.Lab, site string, env ...string) *discover.Result {
	t.Helper()
	r, err := look(l, env...)(t.Context(), site, server)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEverySiteIsWhatItClaims(t *testing.T) {
	l, _ := build(t, lab.Kinds()...)
	relay(t, l, 2)
	verdicts, err := l.Verify(t.Context(), look(l, "HAIRPIN=1"))
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != len(lab.Kinds()) {
		t.Fatalf("%d verdicts of %d sites", len(verdicts), len(lab.Kinds()))
	}
	for _, v := range verdicts {
		if !v.Agree || v.Found != v.Claims || v.Coturns != v.Claims && v.Kind != lab.Lossy {
			t.Errorf("%s claims %s; found %s, by coturn's own tool %s, keeps ports %t, hairpins %t: %s", v.Kind, v.Claims, v.Found, v.Coturns, v.KeepsPorts, v.Hairpins, v.Why)
		}
	}
}

func TestPortsAndAddresses(t *testing.T) {
	l, sites := build(t, lab.Open, lab.EIMAPDF, lab.APDMAPDF)
	relay(t, l, 2)
	for _, s := range sites {
		t.Run(string(s.Kind), func(t *testing.T) {
			t.Parallel()
			r := mustLook(t, l, s.Name)
			if r.NAT == nil || *r.NAT == (s.Kind == lab.Open) {
				t.Errorf("%s: whether there is a NAT: %+v", s.Kind, r)
			}
			if preserved := s.Kind.Class().Mapping == nat.EIM; r.PortPreserved == nil || *r.PortPreserved != preserved {
				t.Errorf("%s: whether ports are preserved: %+v", s.Kind, r)
			}
			if r.Hairpin != nil {
				t.Errorf("%s: hairpinning was tried without being asked for", s.Kind)
			}
			if (r.PortDelta != nil) != (s.Kind == lab.APDMAPDF) {
				t.Errorf("%s: the distance between two ports: %+v", s.Kind, r)
			}
		})
	}
}

func TestAServerWithoutASecondAddressCanNotTell(t *testing.T) {
	l, sites := build(t, lab.EIMAPDF)
	relay(t, l, 1)
	r := mustLook(t, l, sites[0].Name)
	if r.UDP != discover.UDPOpen || r.Mapping != nat.MappingUnknown || r.Filtering != nat.FilteringUnknown || !strings.Contains(r.Why, "second address") {
		t.Errorf("%+v", r)
	}
	if r.PortPreserved == nil || !*r.PortPreserved {
		t.Errorf("what can be told without it is not: %+v", r)
	}
}

func TestSilence(t *testing.T) {
	l, sites := build(t, lab.EIMAPDF, lab.UDPBlocked)
	// Nothing listens: the kernel at the server says so.
	if r := mustLook(t, l, sites[0].Name); r.Measured || r.UDP != discover.UDPUnknown || !strings.Contains(r.Why, "closed") {
		t.Errorf("a server that is down: %+v", r)
	}
	// The same, and the answer that it is closed is lost too.
	if r := mustLook(t, l, sites[1].Name); r.Measured || r.UDP != discover.UDPBlocked || !strings.Contains(r.Why, "may be down") {
		t.Errorf("no UDP, to a server that is down: %+v", r)
	}
	relay(t, l, 2)
	if r := mustLook(t, l, sites[1].Name); !r.Measured || r.UDP != discover.UDPBlocked || !strings.Contains(r.Why, "TCP") {
		t.Errorf("no UDP, to a server that is up: %+v", r)
	}
}

// What gets out beside UDP, and how long packets may be, at sites where they differ.
func TestReach(t *testing.T) {
	l, sites := build(t, lab.EIMAPDF, lab.UDPBlocked, lab.TLSOnly, lab.IPv6Only)
	cert, key, err := lab.Certificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.StartRelay(t.Context(), lab.RelayOptions{CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	// The link between the first host and its NAT is a tunnel's.
	if out, err := l.Command(t.Context(), sites[0].Name+"-nat", "ip", "link", "set", "wan", "mtu", "1420").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	yes, no := true, false
	for i, want := range []discover.Result{
		{UDP: discover.UDPOpen, TCP: &yes, TLS443: &yes, IPv4: &yes, IPv6: &no, PathMTU: new(1420)},
		{UDP: discover.UDPBlocked, TCP: &yes, TLS443: &yes, IPv4: &yes, IPv6: &no},
		{UDP: discover.UDPBlocked, TCP: &no, TLS443: &yes, IPv4: &yes, IPv6: &no},
		{UDP: discover.UDPOpen, TCP: &yes, TLS443: &yes, IPv4: &no, IPv6: &yes, PathMTU: new(1500)},
	} {
		t.Run(string(sites[i].Kind), func(t *testing.T) {
			t.Parallel()
			at := server
			if sites[i].Kind.IPv6() {
				at = fmt.Sprintf("[%s]:%d", lab.Server6Addr, lab.RelayPort)
			}
			got, err := look(l)(t.Context(), sites[i].Name, at)
			if err != nil {
				t.Fatal(err)
			}
			for what, pair := range map[string][2]any{
				"UDP": {got.UDP, want.UDP}, "TCP": {say(got.TCP), say(want.TCP)}, "TLS 443": {say(got.TLS443), say(want.TLS443)},
				"IPv4": {say(got.IPv4), say(want.IPv4)}, "IPv6": {say(got.IPv6), say(want.IPv6)}, "path MTU": {say(got.PathMTU), say(want.PathMTU)},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: %s %v, want %v: %s", sites[i].Kind, what, pair[0], pair[1], got.Why)
				}
			}
		})
	}
}

func say[T any](v *T) string {
	if v == nil {
		return "not told"
	}
	return fmt.Sprint(*v)
}

// The NAT forgets a mapping after nine seconds: that of five is there, on a busy machine too, and that of ten is not.
func TestLifetime(t *testing.T) {
	l, sites := build(t, lab.EIMAPDF)
	relay(t, l, 2)
	forget := l.Command(t.Context(), sites[0].Name+"-nat", "sysctl", "-q", "-w", "net.netfilter.nf_conntrack_udp_timeout=9", "net.netfilter.nf_conntrack_udp_timeout_stream=9")
	if out, err := forget.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := mustLook(t, l, sites[0].Name, "LIFETIME=10s")
	if r.LifetimeSeconds == nil || *r.LifetimeSeconds != 5 || !strings.Contains(r.Why, "less than 10s") {
		t.Errorf("%+v, lifetime %v", r, r.LifetimeSeconds)
	}
}
