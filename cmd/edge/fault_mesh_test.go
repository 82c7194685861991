package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// The fault tests run edges and NATS nodes as processes, break them or the lines between them at random moments under load, and count what the
// clients sent, what was accepted, and what arrived. They stand here because this test binary can be the program itself.
//
//	FAULT_SEED    repeats the choices of a run: it is printed at the start of each test
//	FAULT_ROUNDS  how many faults each test has, instead of the few that an ordinary run has time for
const (
	seedEnv   = "FAULT_SEED"
	roundsEnv = "FAULT_ROUNDS"
)

// faultPatience is how long the mesh may take to work again after a fault. An election of NATS alone takes up to ten seconds.
const faultPatience = 45 * time.Second

// faultMesh is some edges, their clients, and the ledger of what these said to each other.
type faultMesh struct {
	t       *testing.T
	seed    uint64
	rnd     *rand.Rand // of the test's own goroutine
	ledger  *edgetest.Ledger
	rooms   []wire.RoomID
	edges   []*edgeProcess
	clients []*steady
}

// steady is a client and what the test knows of it.
type steady struct {
	*edgetest.Steady
	name  string
	sends bool
}

func newFaultMesh(t *testing.T) *faultMesh {
	t.Helper()
	m := &faultMesh{t: t, seed: faultSeed(t), ledger: edgetest.NewLedger(), rooms: []wire.RoomID{"lobby", "attic"}}
	m.rnd = rand.New(rand.NewPCG(m.seed, 0))
	return m
}

func faultSeed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv(seedEnv); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		must(t, err)
	}
	t.Logf("%s=%d repeats this run's choices", seedEnv, seed)
	return seed
}

// rounds is how many faults a test has.
func rounds(t *testing.T, few int) int {
	s := os.Getenv(roundsEnv)
	if s == "" {
		return few
	}
	n, err := strconv.Atoi(s)
	must(t, err)
	return n
}

// addEdge starts an edge on the NATS at the URLs.
func (m *faultMesh) addEdge(natsURLs []string, args ...string) *edgeProcess {
	m.t.Helper()
	p := startEdge(m.t, fmt.Sprintf("edge-%d", len(m.edges)), natsURLs, args...)
	m.edges = append(m.edges, p)
	return p
}

// client adds one that connects to any of the edges and sends a message to each room every so often; 0 makes it a receiver only.
func (m *faultMesh) client(name string, every time.Duration, edges ...*edgeProcess) *steady {
	m.t.Helper()
	return m.clientWith(edgetest.SteadyOptions{Name: name, Every: every}, edges...)
}

func (m *faultMesh) clientWith(o edgetest.SteadyOptions, edges ...*edgeProcess) *steady {
	m.t.Helper()
	for _, p := range edges {
		o.URLs = append(o.URLs, p.url())
	}
	o.Rooms, o.Ledger, o.Bytes, o.Seed = m.rooms, m.ledger, 100, m.seed
	c := &steady{Steady: edgetest.NewSteady(m.t, o), name: o.Name, sends: o.Every > 0}
	m.clients = append(m.clients, c)
	return c
}

// guest adds one that only keeps its rosters, and may leave.
func (m *faultMesh) guest(name string, p *edgeProcess) *steady {
	m.t.Helper()
	c := &steady{Steady: edgetest.NewSteady(m.t, edgetest.SteadyOptions{Name: name, URLs: []string{p.url()}, Rooms: m.rooms, Seed: m.seed}), name: name}
	m.clients = append(m.clients, c)
	return c
}

// leaves ends a guest's session, as its user does.
func (m *faultMesh) leaves(c *steady) {
	m.say("%s closes", c.name)
	c.Close()
	m.clients = slices.DeleteFunc(m.clients, func(o *steady) bool { return o == c })
}

// last lets the fault go on for a time.
func (m *faultMesh) last(d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-m.t.Context().Done():
	}
}

// resumed waits until a client has gone on on another connection, since it had resumed so often.
func (m *faultMesh) resumed(c *steady, since int) {
	m.t.Helper()
	m.eventually(func() string {
		if c.Resumes() == since {
			return c.name + " has not resumed"
		}
		return ""
	})
}

// moveTo has a client of two edges go to the one, if it is on the other.
func (m *faultMesh) moveTo(c *steady, p *edgeProcess) {
	m.t.Helper()
	if at := m.at(c); at != p {
		m.say("%s is sent to %s", c.name, p.name)
		resumes := c.Resumes()
		at.proxy.Reset()
		m.resumed(c, resumes)
		m.recovered()
	}
}

// start begins the load once everybody sees everybody.
func (m *faultMesh) start() {
	m.t.Helper()
	m.rostersAgree()
	for _, c := range m.clients {
		if c.sends {
			c.Start()
		}
	}
}

// moment lets some messages pass, a different number each time, so that a fault comes at another point of the traffic.
func (m *faultMesh) moment() {
	m.t.Helper()
	m.accepted(1 + m.rnd.IntN(150))
}

// accepted waits until so many more messages are accepted.
func (m *faultMesh) accepted(more int) {
	m.t.Helper()
	want := m.ledger.Tally().Accepted + more
	m.eventually(func() string {
		if got := m.ledger.Tally().Accepted; got < want {
			return fmt.Sprintf("%d messages are accepted, not %d", got, want)
		}
		return ""
	})
}

// recovered waits until every client has a connection and every sender's messages are accepted again.
func (m *faultMesh) recovered() {
	m.t.Helper()
	const some = 5
	want := make(map[string]int)
	for _, c := range m.clients {
		if c.sends {
			want[c.name] = m.ledger.AcceptedOf(c.name) + some
		}
	}
	m.eventually(func() string {
		var missing []string
		for _, c := range m.clients {
			if !c.Live() || c.sends && m.ledger.AcceptedOf(c.name) < want[c.name] {
				missing = append(missing, fmt.Sprintf("%s (connected: %v)", c.name, c.Live()))
			}
		}
		if len(missing) > 0 {
			return "not served again: " + strings.Join(missing, ", ")
		}
		return ""
	})
}

// caughtUp waits until what was accepted until now has reached everyone.
func (m *faultMesh) caughtUp() {
	m.t.Helper()
	now := m.ledger.Since()
	m.eventually(func() string {
		if n := m.ledger.LostBefore(now); n > 0 {
			return fmt.Sprintf("%d deliveries are owed of what was accepted before %s", n, now.Round(time.Millisecond))
		}
		return ""
	})
}

// rostersAgree waits until every client has all the others in each room's roster, and nobody else.
func (m *faultMesh) rostersAgree() {
	m.t.Helper()
	m.eventually(func() string {
		var wrong []string
		for _, c := range m.clients {
			var others []string
			for _, o := range m.clients {
				if o != c {
					others = append(others, o.name)
				}
			}
			slices.Sort(others)
			for _, room := range m.rooms {
				if has := c.Roster(room); !slices.Equal(has, others) {
					wrong = append(wrong, fmt.Sprintf("%s has %q in %s, not %q", c.name, has, room, others))
				}
			}
		}
		return strings.Join(wrong, "; ")
	})
}

// finish ends the load, waits for what is on its way, and judges.
func (m *faultMesh) finish() edgetest.Tally {
	m.t.Helper()
	paused := make(chan struct{})
	go func() {
		defer close(paused)
		for _, c := range m.clients {
			c.Pause()
		}
	}()
	select {
	case <-paused:
	case <-time.After(faultPatience):
		for _, c := range m.clients { // which ends the goroutine above
			c.Stop()
		}
		<-paused
		report, _ := m.ledger.Report()
		m.t.Fatalf("messages are still not accepted %s after the last fault: %s", faultPatience, report)
	}
	m.ledger.Settle()
	m.rostersAgree()
	resumes := 0
	for _, c := range m.clients {
		resumes += c.Resumes()
	}
	m.say("%d resumes", resumes)
	return m.ledger.Check(m.t)
}

// eventually waits until wrong is empty.
func (m *faultMesh) eventually(wrong func() string) {
	m.t.Helper()
	deadline := time.Now().Add(faultPatience)
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		why := wrong()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			report, _ := m.ledger.Report()
			m.t.Fatalf("after %s: %s\n%s", faultPatience, why, report)
		}
		<-time.After(wait)
	}
}

// say logs what the test does, in the ledger's time.
func (m *faultMesh) say(format string, args ...any) {
	m.t.Logf("%s: "+format, append([]any{m.ledger.Since().Round(time.Millisecond)}, args...)...)
}

// pick chooses one of some.
func pick[T any](m *faultMesh, of ...T) T { return of[m.rnd.IntN(len(of))] }

// at is the edge that a client is connected to.
func (m *faultMesh) at(c *steady) *edgeProcess {
	m.t.Helper()
	i := slices.IndexFunc(m.edges, func(p *edgeProcess) bool { return p.url() == c.URL() })
	if i < 0 {
		m.t.Fatalf("%s is on no edge of the test", c.name)
	}
	return m.edges[i]
}
