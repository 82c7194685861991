package coordinator

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// A run that ends while NATS is away waits for it once, however much there is to store.
func TestLeavingWhileNATSIsAway(t *testing.T) {
	b, err := bus.Open(bus.Options{URLs: []string{"nats://127.0.0.1:1"}, Guest: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const many = 30
	r := &runner{
		o:       Options{Bus: b, Run: "away", Patience: time.Second, Logger: slog.New(slog.DiscardHandler)},
		agents:  b.WatchAgents(nil),
		spoiled: map[Attempt]wire.Traversal{},
	}
	defer r.agents.Close()
	for n := 1; n <= many; n++ {
		a := Attempt{"a", "b", wire.ModeDirect, n}
		r.pending = append(r.pending, a)
		r.spoiled[a] = merge(a, "away", 1, [2]half{{agent: wire.Agent{ID: "a"}, gone: "went away"}, {agent: wire.Agent{ID: "b"}}})
	}
	var res Result
	began := time.Now()
	r.leave(t.Context(), &res)
	if took := time.Since(began); took > many*time.Second/2 {
		t.Errorf("it takes %s", took)
	}
	if len(res.Left) != many || !strings.Contains(res.Left[0].Why, "not stored: ") {
		t.Errorf("%d left: %+v", len(res.Left), res.Left)
	}
}
