package charts

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Three NATS nodes with the chart's own configuration and variables come together: a stream of three replicas can be had. All that differs is where they are.
func TestNATSNodesComeTogether(t *testing.T) {
	r := render(t, merged(scenarios(t)["production"], map[string]any{"nats": map[string]any{"tls": map[string]any{"enabled": false}}}))
	w := r.workload(t, "callmesh-nats")
	env := r.variables(t, w, w.container(t, "nats"))
	nodes := threeNATSNodes(t)
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
	nc, err := nats.Connect("nats://"+nodes[0].client, nats.UserInfo("callmesh", env["NATS_PASSWORD"]), nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		try, done := context.WithTimeout(ctx, 2*time.Second) // without a leader nobody answers
		_, err := js.CreateStream(try, jetstream.StreamConfig{Name: "all", Subjects: []string{"all"}, Replicas: 3})
		done()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the nodes never came together: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
