package charts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Three NATS nodes with the chart's own configuration and variables come together: a stream of three replicas can be had.
func TestNATSNodesComeTogether(t *testing.T) {
	nodes := threeNATSNodes(t)
	password := runAsRendered(t, 3, nodes)
	js := jetStream(t, nodes[0], password)
	inTime(t, "the nodes never came together", func(ctx context.Context) error {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "all", Subjects: []string{"all"}, Replicas: 3})
		return err
	})
}

// Why an upgrade to fewer nodes is refused: one that is alone with what it has kept as one of three has none of it, and says so in no other way than by not being ready.
func TestANATSNodeAloneLosesWhatThreeHaveKept(t *testing.T) {
	nodes := threeNATSNodes(t)
	password := runAsRendered(t, 3, nodes)
	js := jetStream(t, nodes[0], password)
	inTime(t, "nothing was kept", func(ctx context.Context) error {
		if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "all", Subjects: []string{"all"}, Replicas: 3}); err != nil {
			return err
		}
		_, err := js.Publish(ctx, "all", nil)
		return err
	})
	for _, n := range nodes {
		if err := n.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		_ = n.cmd.Wait()
	}
	js = jetStream(t, nodes[0], runAsRendered(t, 1, nodes[:1]))
	inTime(t, "one node did not begin by itself", func(ctx context.Context) error {
		_, err := js.Stream(ctx, "all")
		if err == nil {
			return errors.New("what was kept is there, so the refusal is too much")
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "other", Subjects: []string{"other"}})
		return err
	})
}

// runAsRendered starts nodes with the configuration and variables that the chart gives to so many, and returns the password. All that differs is where they are.
func runAsRendered(t *testing.T, replicas float64, nodes []*natsNode) string {
	t.Helper()
	r := render(t, merged(scenarios(t)["production"], map[string]any{"nats": map[string]any{"replicas": replicas, "tls": map[string]any{"enabled": false}}}))
	w := r.workload(t, "callmesh-nats")
	env := r.variables(t, w, w.container(t, "nats"))
	for i, n := range nodes {
		conf := strings.NewReplacer(`"0.0.0.0:4222"`, fmt.Sprintf("%q", n.client), `"0.0.0.0:8222"`, fmt.Sprintf("%q", n.monitor), `"0.0.0.0:6222"`, fmt.Sprintf("%q", n.route),
			`"/data"`, fmt.Sprintf("%q", n.store), "/run/nats/nats.pid", n.store+".pid").Replace(natsConf(r))
		var variables []string
		for k, v := range env {
			for at, other := range nodes {
				v = strings.ReplaceAll(v, fmt.Sprintf("callmesh-nats-%d.callmesh-nats-nodes.%s.svc:6222", at, namespace), other.route)
			}
			if k == "POD_NAME" {
				v = fmt.Sprint("callmesh-nats-", i)
			}
			variables = append(variables, k+"="+v)
		}
		n.run(t, conf, variables)
	}
	return env["NATS_PASSWORD"]
}

func jetStream(t *testing.T, n *natsNode, password string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect("nats://"+n.client, nats.UserInfo("callmesh", password), nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// inTime tries until it works, each time for two seconds, as without a leader nobody answers.
func inTime(t *testing.T, otherwise string, try func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		last = try(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v", otherwise, last)
	}
}
