package bus_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"callmesh/bus/bustest"
)

// Whoever may make a consumer, as who runs pair tests, can have what it has stored delivered to any subject, also where it may not publish. Nobody hears that.
func TestWhatAConsumerDeliversElsewhereIsNotHeard(t *testing.T) {
	t.Parallel()
	url := bustest.Cluster(t, 1).URL(0)
	b := ready(t, node(t, url))
	s := room("r")
	heard := hear(t, b, s)
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	to := "cmtold.eu." + string(s) + "._"
	seen, err := nc.SubscribeSync(to)
	if err != nil {
		t.Fatal(err)
	}
	must(t, nc.Publish("cm.eu.traversal.probe.x", []byte("forged")))
	request := []byte(`{"stream_name":"CMTRAVERSALS_probe_eu","config":{"name":"c","deliver_subject":"` + to + `","deliver_policy":"all","ack_policy":"none","replay_policy":"instant"}}`)
	if answer, err := nc.Request("$JS.API.CONSUMER.CREATE.CMTRAVERSALS_probe_eu.c", request, patience); err != nil || strings.Contains(string(answer.Data), `"error"`) {
		t.Fatalf("%v: %s", err, answer.Data)
	}
	if m, err := seen.NextMsg(patience); err != nil || string(m.Data) != "forged" {
		t.Fatalf("%v: %v", err, m)
	}
	accept(t, b, s, "genuine") // which comes after it
	heard.await(t, "genuine")
}
