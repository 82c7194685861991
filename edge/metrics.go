package edge

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	framesIn     *prometheus.CounterVec // op
	framesOut    prometheus.Counter
	errors       *prometheus.CounterVec // code
	closes       *prometheus.CounterVec // why
	requests     *prometheus.HistogramVec
	hellos       *prometheus.CounterVec // how: new, resumed, fresh, refused
	slow         prometheus.Counter
	holes        prometheus.Counter
	filled       prometheus.Counter
	givenUp      prometheus.Counter
	repeated     prometheus.Counter
	badEnvelopes prometheus.Counter
	outcomes     *prometheus.CounterVec // result, path, protocol
	reports      *prometheus.CounterVec // what
	calls        *prometheus.CounterVec // state
	refused      *prometheus.CounterVec // what, why
	kicks        *prometheus.CounterVec // from: room, mesh
	kicked       *prometheus.CounterVec // from: room, mesh
	locks        *prometheus.CounterVec // to: locked, unlocked
}

func newMetrics(reg prometheus.Registerer, e *Edge) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_edge_" + name, Help: help})
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callmesh_edge_" + name, Help: help}, labels)
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "callmesh_edge_" + name, Help: help}, func() float64 {
			e.mu.Lock()
			defer e.mu.Unlock()
			return float64(value())
		})
	}
	m := &metrics{
		framesIn:  vec("frames_received_total", "Requests received, by op; other: not a known one.", "op"),
		framesOut: counter("frames_sent_total", "Frames written to sockets."),
		errors:    vec("errors_total", "Requests refused or failed, by code.", "code"),
		closes:    vec("closes_total", "Sockets closed by the edge, by close code.", "why"),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "callmesh_edge_request_seconds", Help: "Time from a request to its answer, by op.",
			// 1 is what the alert asks for: between two bounds a quantile is a guess.
			Buckets: []float64{0.0002, 0.0006, 0.002, 0.006, 0.02, 0.05, 0.15, 0.4, 1, 2, 4, 10},
		}, []string{"op"}),
		hellos:       vec("hellos_total", "Sessions greeted: new, resumed whole, resumed fresh (not whole), refused.", "how"),
		slow:         counter("slow_readers_total", "Sockets cut off because their reader was too slow."),
		holes:        counter("holes_total", "Holes seen in a source's numbers."),
		filled:       counter("filled_total", "Events filled in from the replay streams."),
		givenUp:      counter("holes_given_up_total", "Holes that no stream could fill."),
		repeated:     counter("repeated_total", "Messages dropped because their key was seen before."),
		badEnvelopes: counter("bad_envelopes_total", "Messages of the bus that could not be read."),
		outcomes:     vec("outcomes_total", "What peers reported of their attempts to connect.", "result", "path", "protocol"),
		reports:      vec("reports_total", "Reports of attempts to connect, by what became of them: stored; refused by the stream; unavailable: no stream took it in time; no_room, too_many: forgotten at once.", "what"),
		calls:        vec("calls_total", "Calls decided here, by what they came to.", "state"),
		refused:      vec("refused_total", "What was refused for a bound or a rule, and why.", "what", "why"),
		kicks:        vec("kicks_total", "Kicks that moderators here decided, by from where: room, mesh.", "from"),
		kicked:       vec("kicked_total", "Sessions here that were kicked, by from where: room, mesh.", "from"),
		locks:        vec("locks_total", "Locks that moderators here decided, by what the room is then: locked, unlocked.", "to"),
	}
	for _, what := range []string{"stored", "refused", "unavailable", "no_room", "too_many"} {
		m.reports.WithLabelValues(what)
	}
	for what, whys := range refusals {
		for _, why := range whys {
			m.refused.WithLabelValues(what, why) // so that each can be watched from the start
		}
	}
	if reg != nil {
		reg.MustRegister(m.framesIn, m.framesOut, m.errors, m.closes, m.requests, m.hellos, m.slow, m.holes, m.filled, m.givenUp, m.repeated,
			m.badEnvelopes, m.outcomes, m.reports, m.calls, m.refused, m.kicks, m.kicked, m.locks,
			gauge("sockets", "Open WebSockets.", func() int { return len(e.sockets) }),
			gauge("sessions", "Sessions, with and without a socket.", func() int { return len(e.sessions) }),
			gauge("rooms", "Rooms with peers here.", func() int { return len(e.rooms) }),
			gauge("users", "Users with sessions here.", func() int { return len(e.inboxes) }),
			gauge("sockets_waiting", "Open WebSockets that have not said hello.", func() int { return e.waiting }),
		)
		m.registerFullness(reg, e)
	}
	return m
}

// registerFullness adds what tells how full the edge is: each of these beside its limit.
func (m *metrics) registerFullness(reg prometheus.Registerer, e *Edge) {
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "callmesh_edge_" + name, Help: help}, func() float64 { return float64(value()) })
	}
	queues := func(part func(queued, held int) int) func() int {
		return func() (sum int) {
			for _, s := range e.socketList() {
				sum += part(s.queue.waiting())
			}
			return sum
		}
	}
	limits := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "callmesh_edge_limit", Help: "Limits of this edge, by the gauge that they bound.",
	}, []string{"of"})
	l := &e.limits
	for of, n := range map[string]int{
		"sockets": l.Sockets, "sockets_waiting": l.Waiting, "sessions": l.Sessions, "replay_bytes": l.ReplayBudget, "replays": l.Replays,
		"addresses_known": l.Accounts, "users_known": l.Accounts,
	} {
		limits.WithLabelValues(of).Set(float64(n))
	}
	reg.MustRegister(limits,
		gauge("queue_bytes", "Bytes that wait to be written to all sockets.", queues(func(queued, _ int) int { return queued })),
		gauge("held_bytes", "Bytes of live events held back while resumes read the streams.", queues(func(_, held int) int { return held })),
		gauge("replay_bytes", "Bytes of the replay budget in use: read by resumes, and not yet written to their sockets.", func() int { return int(e.replayBudget.used.Load()) }),
		gauge("replays", "Resumes that read the streams now.", func() int { return len(e.replays) }),
		gauge("addresses_known", "Addresses that the edge keeps accounts of.", e.addresses.size),
		gauge("users_known", "Users that the edge keeps accounts of.", e.users.size),
	)
}
