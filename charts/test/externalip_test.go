package charts

import (
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// behindNAT are the nodes of a cloud that gives each a public address which none of them has on an interface. node-1 is the node of these tests.
func behindNAT(nodes map[string]any) map[string]any {
	return map[string]any{"coturn": map[string]any{
		"externalIPs": nodes, "tls": map[string]any{"secretName": "turn-tls", "host": "$(NODE_NAME).turn.example.org"},
	}}
}

// Each relay is configured with the public address of its own node, and announced under it.
func TestExternalAddressOfEachNode(t *testing.T) {
	r := render(t, behindNAT(map[string]any{"node-1": "203.0.113.7", "node-2": "2001:db8::7"}))
	files := named[core.ConfigMap](r, "callmesh-relay").Data
	for node, want := range map[string]struct {
		external string
		urls     []string
	}{
		"node-1": {"203.0.113.7", []string{"turn:203.0.113.7:3478?transport=udp", "turn:203.0.113.7:3478?transport=tcp", "turns:node-1.turn.example.org:5349?transport=tcp"}},
		"node-2": {"2001:db8::7", []string{"turn:[2001:db8::7]:3478?transport=udp", "turn:[2001:db8::7]:3478?transport=tcp", "turns:node-2.turn.example.org:5349?transport=tcp"}},
	} {
		var relay struct {
			External string `json:"external-ip"`
			Realm    string
		}
		var watch struct{ URL []string }
		for file, into := range map[string]any{"relay-" + node + ".yaml": &relay, "watch-" + node + ".yaml": &watch} {
			if err := yaml.Unmarshal([]byte(files[file]), into); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		if relay.External != want.external || relay.Realm != "callmesh" || strings.Join(watch.URL, " ") != strings.Join(want.urls, " ") {
			t.Errorf("%s: %+v, %v", node, relay, watch.URL)
		}
	}
	if _, there := files["relay.yaml"]; there {
		t.Error("a node that has no address would get a relay at its inner one, which no caller reaches")
	}
	w := r.workload(t, "callmesh-relay")
	for name, flag := range map[string]string{"coturn": "--config=/etc/callmesh/relay/relay-$(NODE_NAME).yaml", "agent": "--config=/etc/callmesh/relay/watch-$(NODE_NAME).yaml"} {
		args := strings.Join(w.container(t, name).Args, " ")
		if !strings.Contains(args, flag) || strings.Contains(args, "--url=") {
			t.Errorf("%s: %s", name, args)
		}
	}
	r.isReadByPrograms(t)
}

// coturn itself gets the public address, and not the private one beside it, which it would open to every user's peers.
func TestCoturnIsToldTheExternalAddress(t *testing.T) {
	r := render(t, behindNAT(map[string]any{"node-1": "203.0.113.7"}))
	const file = "relay-node-1.yaml"
	files := named[core.ConfigMap](r, "callmesh-relay").Data
	// `turnctl provision` writes what `turnctl render` shows, and knows this key besides.
	files[file] = strings.Replace(files[file], "conf: /var/lib/turn/turnserver.conf\n", "", 1)
	w := r.workload(t, "callmesh-relay")
	out, _ := r.run(t, w, w.container(t, "coturn"), "turnctl", []string{
		"render", "--config=/etc/callmesh/relay/" + file, "--listen-ip=$(HOST_IP)", "--coturn-version=4.6.1", "--diff", "-o=/turnserver.conf",
	})
	// The last, since coturn takes what callers send to the external address for that.
	for _, line := range []string{"+listening-ip=" + nodeAddress, "+relay-ip=" + nodeAddress, "+external-ip=203.0.113.7", "+allowed-peer-ip=" + nodeAddress} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
}

// A node more leaves the relays of all others as they are: their pods do not change.
func TestANodeMoreRestartsNoRelay(t *testing.T) {
	template := func(nodes map[string]any) core.PodTemplateSpec {
		return named[apps.DaemonSet](render(t, behindNAT(nodes)), "callmesh-relay").Spec.Template
	}
	one, two := template(map[string]any{"node-1": "203.0.113.7"}), template(map[string]any{"node-1": "203.0.113.7", "node-2": "203.0.113.8"})
	if one.String() != two.String() {
		t.Errorf("%s\nand with another node\n%s", one.String(), two.String())
	}
}

// A node that nobody gave an address says so, and has no relay.
func TestNodeWithoutAnExternalAddress(t *testing.T) {
	r := render(t, behindNAT(map[string]any{"node-2": "203.0.113.8"}))
	w := r.workload(t, "callmesh-relay")
	c := w.container(t, "coturn")
	out, err := r.run(t, w, c, "turnctl", append(c.Args, "--dry-run"))
	if err == nil || !strings.Contains(out, "relay-node-1.yaml") {
		t.Errorf("%v: %s", err, out)
	}
}
