package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"callmesh/probe/lab"
	"callmesh/probe/nat"
)

// outside is what a gateway of the laboratory says its outer address is. Of the real one, which is for documentation, miniupnpd says that it is no public one, and opens nothing.
const outside = "11.0.0.1"

// openPorts has a site's NAT open ports to whoever asks it, by miniupnpd, which does all three protocols.
func (w *world) openPorts(site string) {
	w.t.Helper()
	dir := w.t.TempDir()
	conf := filepath.Join(dir, "miniupnpd.conf")
	if err := os.WriteFile(conf, []byte("ext_ifname=wan\next_ip="+outside+"\nlistening_ip=lan\nipv6_disable=yes\nenable_natpmp=yes\nenable_upnp=yes\nsecure_mode=yes\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	box := site + "-nat"
	rules := w.lab.Command(w.t.Context(), box, "nft", "table inet filter { chain miniupnpd {}; chain prerouting_miniupnpd {}; chain postrouting_miniupnpd {}; }")
	if out, err := rules.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	c := w.lab.Command(w.t.Context(), box, "miniupnpd", "-d", "-f", conf, "-P", filepath.Join(dir, "pid"))
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Wait() }()
	w.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-ended
		if w.t.Failed() {
			w.t.Logf("%s", said.String())
		}
	})
	// It is there once its port of NAT-PMP and PCP is.
	for deadline := time.Now().Add(30 * time.Second); ; {
		out, err := w.lab.Command(w.t.Context(), box, "ss", "-Hlun", "sport", "=", "5351").Output()
		if err == nil && len(out) > 0 {
			return
		}
		select {
		case <-ended:
			w.t.Fatalf("miniupnpd ended: %s", said.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			w.t.Fatal("miniupnpd does not become ready")
		}
	}
}

// A gateway that opens ports is found to by each protocol, and nothing is left open. One that does not is found not to, and a host without a gateway has nobody to ask.
func TestNATAsksTheGateway(t *testing.T) {
	if !entered(t) {
		return
	}
	w := buildWorld(t, lab.EIMEIF, lab.EIMAPDF, lab.IPv6Only)
	w.openPorts(w.sites[lab.EIMEIF])
	look := func(kind lab.Kind, server, how string) (r natResult) {
		code, out, stderr := w.probeAt(t, w.sites[kind], "nat", "--server", server, "--wait", "50ms", "--gateway", how, "--output", "json").follow().end()
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Gateway == nil {
			t.Fatalf("%s: exit %d, %v in %q: %s", kind, code, err, out, stderr)
		}
		return r
	}
	yes := func(b *bool) bool { return b != nil && *b }

	g := look(lab.EIMEIF, "stun:203.0.113.1:3478", "map")
	if g.Mapping != nat.EIM || g.Filtering != nat.EIF || g.Gateway.Address.String() != "10.0.0.1" {
		t.Errorf("%+v, gateway %+v", g.Result, g.Gateway)
	}
	for name, p := range map[string]struct {
		answers, maps *bool
		external, why string
	}{
		"UPnP":    {g.Gateway.UPnP.Answers, g.Gateway.UPnP.Maps, g.Gateway.UPnP.External.String(), g.Gateway.UPnP.Why},
		"NAT-PMP": {g.Gateway.NATPMP.Answers, g.Gateway.NATPMP.Maps, g.Gateway.NATPMP.External.String(), g.Gateway.NATPMP.Why},
		"PCP":     {g.Gateway.PCP.Answers, g.Gateway.PCP.Maps, g.Gateway.PCP.External.String(), g.Gateway.PCP.Why},
	} {
		if !yes(p.answers) || !yes(p.maps) || p.external != outside || p.why != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if left, err := w.lab.Command(t.Context(), w.sites[lab.EIMEIF]+"-nat", "nft", "list", "table", "inet", "filter").Output(); err != nil || strings.Contains(string(left), "dnat") || strings.Contains(string(left), "accept") {
		t.Errorf("left open: %v\n%s", err, left)
	}
	code, text, stderr := w.probeAt(t, w.sites[lab.EIMEIF], "nat", "--server", "stun:203.0.113.1:3478", "--wait", "50ms").follow().end()
	words := strings.Join(strings.Fields(text), " ")
	for _, row := range []string{"gateway 10.0.0.1 upnp yes its outer address is " + outside + " nat-pmp yes its outer address is " + outside + " pcp yes", "pcp: external address: told with a mapping only"} {
		if code != 0 || !strings.Contains(words, row) {
			t.Errorf("exit %d, no %q in\n%s%s", code, row, text, stderr)
		}
	}
	deaf := look(lab.EIMAPDF, "stun:203.0.113.1:3478", "map").Gateway
	if deaf.Address.String() != "10.1.0.1" || deaf.UPnP.Answers == nil || *deaf.UPnP.Answers || deaf.NATPMP.Answers == nil || *deaf.NATPMP.Answers || deaf.PCP.Answers == nil || *deaf.PCP.Answers || deaf.PCP.Maps != nil {
		t.Errorf("a gateway that opens nothing: %+v", deaf)
	}
	none := look(lab.IPv6Only, "stun:[2001:db8::1]:3478", "ask").Gateway
	if none.Address.IsValid() || none.UPnP.Answers != nil || !strings.Contains(none.Why, "no default route") {
		t.Errorf("no gateway: %+v", none)
	}
}
