package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"callmesh/bus/bustest"
)

// soakEnv is how long the soak goes on; without it, it is a short one.
const (
	soakEnv   = "SOAK"
	shortSoak = 20 * time.Second
)

// What an edge may have grown by between the end of the warm-up and the end: a share, and what a heap of that size swings by anyway.
const (
	soakGrowth     = 1.25
	soakHeapSlack  = 16 << 20 // bytes
	soakRSSSlack   = 48 << 20 // bytes; the runtime gives memory back late
	soakGoroutines = 30
)

// usage is what a process needs at one moment, by its own account.
type usage struct {
	at         time.Duration
	rss, heap  float64 // bytes
	goroutines float64
	sessions   float64
}

// A steady load, and a fault every few seconds: at the end nothing is lost, and the edge that was never restarted has not grown. It is cut off,
// loses its node and stands still like the others.
func TestSoak(t *testing.T) { // not beside others: what it measures is its own
	d := shortSoak
	if s := os.Getenv(soakEnv); s != "" {
		var err error
		d, err = time.ParseDuration(s)
		must(t, err)
	}
	m := newFaultMesh(t)
	nats := bustest.NewProcesses(t, 3)
	for range 3 {
		m.addEdge(nats.URLs(), "--nats-replicas", "3", "--drain-timeout", "3s")
	}
	for i := range 6 {
		m.client(fmt.Sprintf("client-%d", i), 50*time.Millisecond, m.edges...)
	}
	m.start()
	m.accepted(50)
	const kept = 0 // the edge that no fault restarts
	m.warmUp(nats, m.edges[kept])
	first := m.settledUsages()
	all := [][]usage{first}
	for ends := time.Now().Add(d); time.Now().Before(ends); {
		m.soakFault(nats)
		m.recovered()
		m.last(time.Duration(m.rnd.Int64N(int64(3 * time.Second))))
		all = append(all, m.usages())
	}
	m.say("the faults are over")
	m.recovered()
	m.rostersAgree()
	last := m.settledUsages()
	m.soakTable(append(thin(all, 10), last))
	flat(t, "heap", first[kept].heap, last[kept].heap, soakHeapSlack)
	flat(t, "resident memory", first[kept].rss, last[kept].rss, soakRSSSlack)
	for i := range m.edges { // a restart does not hide goroutines that each session leaves
		flat(t, "goroutines", first[i].goroutines, last[i].goroutines, soakGoroutines)
	}
	m.finish()
}

// warmUp lets the edge take all the memory that any fault makes it take, for a process gives that back late, and under the race detector never: everybody is on it when the streams
// can't be written, so that it holds everybody's requests for as long as a fault lasts; and then it has used its heap up to where it is collected, twice over.
// What comes after has no more to take.
func (m *faultMesh) warmUp(nats *bustest.Processes, edge *edgeProcess) {
	m.t.Helper()
	m.say("everybody goes to %s, whose NATS nodes then lose one another for %s", edge.name, longest)
	var others []*edgeProcess
	for _, other := range m.edges {
		if other != edge {
			others = append(others, other)
			other.kill()
		}
	}
	m.recovered()
	nats.Partition(bustest.Blackhole, []int{0}, []int{1}, []int{2})
	m.last(longest)
	nats.Heal()
	m.recovered()
	m.freezeFor(edge, longest)
	m.recovered()
	m.collected(edge, 2)
	for _, other := range others {
		other.launch()
	}
}

// collected waits until the edge has collected its garbage so many times more.
func (m *faultMesh) collected(edge *edgeProcess, times float64) {
	m.t.Helper()
	collections := func() float64 {
		text, err := edge.get("/metrics")
		must(m.t, err)
		return metricValues(text)["go_gc_duration_seconds_count"]
	}
	for want := collections() + times; collections() < want; {
		m.accepted(15)
	}
}

func (m *faultMesh) freezeFor(edge *edgeProcess, d time.Duration) {
	m.say("%s stands still for %s", edge.name, d)
	edge.freeze()
	m.last(d)
	edge.thaw()
}

func (m *faultMesh) isolateFor(nats *bustest.Processes, node int, d time.Duration) {
	m.say("NATS node %d is alone for %s", node, d)
	nats.Partition(bustest.Blackhole, []int{node})
	m.last(d)
	nats.Heal()
}

// longest is how long a fault lasts at most.
const longest = 4 * time.Second

// soakFault does one of what the fault tests do.
func (m *faultMesh) soakFault(nats *bustest.Processes) {
	m.t.Helper()
	m.moment()
	restarted := m.edges[1+m.rnd.IntN(len(m.edges)-1)]
	edge := pick(m, m.edges...)
	node := m.rnd.IntN(nats.Len())
	short := time.Second + time.Duration(m.rnd.IntN(int(longest/time.Second)))*time.Second
	switch m.rnd.IntN(7) {
	case 0:
		m.say("kill %s", restarted.name)
		restarted.kill()
		m.recovered()
		restarted.launch()
	case 1:
		m.say("restart %s", restarted.name)
		restarted.stop()
		restarted.launch()
	case 2:
		m.freezeFor(edge, short)
	case 3:
		m.say("%s hears no client for %s", edge.name, short)
		edge.proxy.Blackhole()
		m.last(short)
		edge.proxy.Heal()
	case 4:
		m.say("all clients of %s are cut", edge.name)
		edge.proxy.Reset()
	case 5:
		m.say("kill NATS node %d", node)
		nats.Node(node).Kill()
		m.last(short)
		nats.Node(node).Start()
	case 6:
		m.isolateFor(nats, node, short)
	}
}

// usages asks every edge.
func (m *faultMesh) usages() []usage {
	m.t.Helper()
	list := make([]usage, len(m.edges))
	for i, p := range m.edges {
		text, err := p.get("/metrics")
		must(m.t, err)
		values := metricValues(text)
		list[i] = usage{
			at: m.ledger.Since(), rss: values["process_resident_memory_bytes"], heap: values["go_memstats_heap_alloc_bytes"],
			goroutines: values["go_goroutines"], sessions: values["callmesh_edge_sessions"],
		}
	}
	return list
}

// settledUsages takes the least of some moments: what is left after a collection, and with no request under way.
func (m *faultMesh) settledUsages() []usage {
	m.t.Helper()
	least := m.usages()
	for range 20 {
		m.accepted(15)
		for i, u := range m.usages() {
			least[i].rss, least[i].heap = min(least[i].rss, u.rss), min(least[i].heap, u.heap)
			least[i].goroutines = min(least[i].goroutines, u.goroutines)
		}
	}
	return least
}

func (m *faultMesh) soakTable(rows [][]usage) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "time\tedge\tsessions\tgoroutines\theap MB\tresident MB\t")
	for _, row := range rows {
		for i, u := range row {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f\t%.1f\t%.1f\t\n",
				u.at.Round(time.Second), m.edges[i].name, u.sessions, u.goroutines, u.heap/(1<<20), u.rss/(1<<20))
		}
	}
	_ = w.Flush()
	m.t.Logf("%s=%d\n%s", seedEnv, m.seed, b.String())
}

// thin keeps about so many, evenly.
func thin[T any](all []T, about int) []T {
	step := len(all)/about + 1
	var some []T
	for i := 0; i < len(all); i += step {
		some = append(some, all[i])
	}
	return some
}

func flat(t *testing.T, what string, before, after, slack float64) {
	t.Helper()
	if most := before*soakGrowth + slack; after > most {
		t.Errorf("%s has grown from %.0f to %.0f, more than %.0f", what, before, after, most)
	}
}

// metricValues reads the values without labels of Prometheus's text form.
func metricValues(text string) map[string]float64 {
	values := make(map[string]float64)
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if f, err := strconv.ParseFloat(value, 64); ok && err == nil {
			values[name] = f
		}
	}
	return values
}
