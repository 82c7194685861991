package charts

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// A natsNode is one of three real ones on this machine, with a store and ports of its own.
type natsNode struct {
	name, store, client, monitor, route string
	cmd                                 *exec.Cmd
}

func threeNATSNodes(t *testing.T) []*natsNode {
	t.Helper()
	var nodes []*natsNode
	for i := range 3 {
		n := &natsNode{name: fmt.Sprint("n", i), store: filepath.Join(t.TempDir(), "data")}
		for _, at := range []*string{&n.client, &n.monitor, &n.route} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			*at = l.Addr().String()
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func (n *natsNode) start(t *testing.T, all []*natsNode) {
	t.Helper()
	var routes []string
	for _, o := range all {
		routes = append(routes, fmt.Sprintf("%q", "nats-route://"+o.route))
	}
	n.run(t, fmt.Sprintf("server_name: %s\nlisten: %q\nhttp: %q\njetstream {store_dir: %q}\ncluster {name: c, listen: %q, no_advertise: true, routes: [%s]}\n",
		n.name, n.client, n.monitor, n.store, n.route, strings.Join(routes, ", ")), nil)
}

// run starts a nats-server with a configuration and variables, until the test is over; of one that failed, its last words are logged.
func (n *natsNode) run(t *testing.T, conf string, env []string) {
	t.Helper()
	path := filepath.Join(filepath.Dir(n.store), "nats.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(path+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program(t, "nats-server"), "--config", path)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.cmd = cmd
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s: %s", n.name, said[max(0, len(said)-2000):])
		}
	})
}

// passes waits until a probe of the chart's does, asked as often as a kubelet asks.
func (n *natsNode) passes(t *testing.T, p *core.Probe) {
	t.Helper()
	var times int32
	err := wait.PollUntilContextTimeout(t.Context(), time.Duration(p.PeriodSeconds)*time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := get(ctx, "http://"+n.monitor+p.HTTPGet.Path)
		if times++; err != nil {
			times = 0
		}
		return times >= max(1, p.SuccessThreshold), nil
	})
	if err != nil {
		t.Fatalf("%s: %s: %v", n.name, p.HTTPGet.Path, err)
	}
}

// A node that comes back is ready once it has all that the others have kept meanwhile, and not before: with the next one gone there would be no quorum.
func TestANATSNodeIsReadyOnceItHasAll(t *testing.T) {
	probes := render(t, scenarios(t)["production"]).workload(t, "callmesh-nats").container(t, "nats")
	nodes := threeNATSNodes(t)
	for _, n := range nodes {
		n.start(t, nodes)
	}
	for _, n := range nodes {
		n.passes(t, probes.StartupProbe)
		n.passes(t, probes.ReadinessProbe)
	}
	c, err := nats.Connect("nats://" + nodes[0].client)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	const messages = 2000
	for range messages {
		if _, err := js.PublishAsync("s", make([]byte, 50_000)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != messages {
		t.Fatalf("%v, %+v", err, info.State)
	}
	back := nodes[1]
	_ = back.cmd.Process.Kill()
	_ = back.cmd.Wait()
	if err := os.RemoveAll(back.store); err != nil {
		t.Fatal(err)
	}
	back.start(t, nodes)
	back.passes(t, probes.StartupProbe)
	back.passes(t, probes.ReadinessProbe)
	has, err := get(t.Context(), "http://"+back.monitor+"/jsz?streams=true")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(has, fmt.Sprintf(`"messages": %d,`, messages)) {
		t.Errorf("it is ready and has\n%s", has)
	}
}

// Where no quorum can be had, as in a region that is cut off, a node that starts is left to run, and is reached by its own and by other regions though it is not ready.
func TestANATSNodeWithoutAQuorumIsLeftAlone(t *testing.T) {
	r := render(t, scenarios(t)["three-regions"])
	probes := r.workload(t, "callmesh-nats").container(t, "nats")
	nodes := threeNATSNodes(t)
	alone := nodes[0]
	alone.start(t, nodes)
	alone.passes(t, probes.StartupProbe)
	alone.passes(t, probes.LivenessProbe)
	if said, err := get(t.Context(), "http://"+alone.monitor+probes.ReadinessProbe.HTTPGet.Path); err == nil {
		t.Errorf("ready: %s", said)
	}
	set := named[apps.StatefulSet](r, "callmesh-nats")
	for _, s := range of[core.Service](r) {
		if s.Spec.Selector["app.kubernetes.io/component"] == set.Spec.Selector.MatchLabels["app.kubernetes.io/component"] && !s.Spec.PublishNotReadyAddresses {
			t.Errorf("Service %s does not lead to nodes that are not ready", s.Name)
		}
	}
}
