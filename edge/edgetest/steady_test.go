package edgetest_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, bustest.IgnoredLeaks()...) }

// Three steady clients on three edges, one of which is lost under them.
func TestSteady(t *testing.T) {
	nats := bustest.Cluster(t, 1)
	m := edgetest.Start(t, "eu", []string{nats.URL(0), nats.URL(0), nats.URL(0)})
	ledger := edgetest.NewLedger()
	rooms := []wire.RoomID{"lobby", "attic"}
	clients := make(map[string]*edgetest.Steady)
	for i, name := range []string{"ann", "bob", "eve"} {
		clients[name] = edgetest.NewSteady(t, edgetest.SteadyOptions{
			Name: name, URLs: []string{m.Edges[i].URL, m.Edges[(i+1)%3].URL}, Rooms: rooms, Ledger: ledger,
			Every: 2 * time.Millisecond, Bytes: 200, Seed: 1,
		})
	}
	for _, c := range clients {
		for _, room := range rooms {
			edgetest.Eventually(t, "the roster is whole", func() bool { return len(c.Roster(room)) == 2 })
		}
		c.Start()
	}
	accepted := func(n int) {
		edgetest.Eventually(t, "messages are accepted", func() bool { return ledger.Tally().Accepted >= n })
	}
	accepted(100)
	m.Edges[1].Stop()
	accepted(ledger.Tally().Accepted + 500)
	for _, c := range clients {
		c.Pause()
	}
	ledger.Settle()
	ledger.Check(t)
	if clients["bob"].Resumes() == 0 && clients["ann"].Resumes() == 0 {
		t.Error("nobody was on the lost edge")
	}

	clients["bob"].Close()
	for _, name := range []string{"ann", "eve"} {
		edgetest.Eventually(t, "who closes leaves the rosters", func() bool { return len(clients[name].Roster("attic")) == 1 })
	}
}
