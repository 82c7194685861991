package charts

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"helm.sh/helm/v4/pkg/strvals"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// relayPorts are the ports of its node that a relay and its agent take: those of containers, and those that stand in configuration alone.
func relayPorts(t *testing.T, r rendered) map[string]string {
	t.Helper()
	taken := map[string]string{}
	take := func(what string, port any, protocol core.Protocol) {
		id := fmt.Sprint(port, " ", protocol)
		if other, there := taken[id]; there {
			t.Errorf("%s and %s both have %s", what, other, id)
		}
		taken[id] = what
	}
	for _, c := range r.workload(t, "callmesh-relay").spec.Containers {
		for _, p := range c.Ports {
			take(p.Name, p.HostPort, p.Protocol)
		}
	}
	var relay struct {
		CLI int `json:"cli-port"`
	}
	var watch struct {
		CLI string `json:"cli-address"`
	}
	data := named[core.ConfigMap](r, "callmesh-relay").Data
	for file, into := range map[string]any{"relay.yaml": &relay, "watch.yaml": &watch} {
		if err := yaml.Unmarshal([]byte(data[file]), into); err != nil {
			t.Fatal(err)
		}
	}
	if watch.CLI != fmt.Sprintf("127.0.0.1:%d", relay.CLI) {
		t.Errorf("coturn's interface is at %d, and its agent asks %s", relay.CLI, watch.CLI)
	}
	take("cli", relay.CLI, core.ProtocolTCP)
	return taken
}

// Relays of two releases, as README has the second, or one beside another program that has a port, can be on one node: every port that they take there is a value.
func TestTwoReleasesOnOneNode(t *testing.T) {
	one := render(t, nil)
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	values, err := strvals.Parse(regexp.MustCompile("--set (coturn\\.ports\\.[^`]*)").FindStringSubmatch(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	two := render(t, values)
	others := relayPorts(t, two)
	for port, what := range relayPorts(t, one) {
		if other, there := others[port]; there {
			t.Errorf("%s of one release and %s of the other have %s", what, other, port)
		}
	}
	two.isReadByPrograms(t)
}
