// Package verdict is what turnctl's commands find out, and how they say it: a [Report] of [Item]s, which [Write] gives as text, JSON, JUnit, Nagios or Prometheus, and whose [Report.Exit] is the command's exit code.
package verdict

import "time"

// Status is what became of one item.
type Status string

// The statuses, from best to worst as far as exit codes go.
const (
	OK      Status = "ok"
	Skipped Status = "skipped" // not applicable, or not asked for; Summary says why
	Warn    Status = "warn"    // works, and should be looked at: exits 0
	Unknown Status = "unknown" // could not be measured; Summary says what stood in the way
	Fail    Status = "fail"    // the finding
)

// Severity is how bad a failed or warned item is to whoever runs the relay.
type Severity string

// The severities of findings. Items that are ok have none.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Item is one thing that was looked at.
type Item struct {
	// Name is stable, for machines: lower-case words and dots, as "udp4.allocate" or "peer.mapped-loopback".
	Name string `json:"name"`
	// Group is what the item belongs to: a URL, a transport, a file.
	Group    string   `json:"group,omitempty"`
	Status   Status   `json:"status"`
	Severity Severity `json:"severity,omitempty"`
	// Summary is one sentence for a person: what was seen. It never holds a secret.
	Summary string `json:"summary"`
	// Evidence is what the sentence rests on: an error code and reason, a line of a file, an answer.
	Evidence string `json:"evidence,omitempty"`
	// Fix is what to do: a line of configuration where one mends it.
	Fix string `json:"fix,omitempty"`
	// Took is how long it took; 0 where that means nothing.
	Took time.Duration `json:"-"`
	// Values are what was measured.
	Values []Value `json:"values,omitempty"`
}

// Value is one measured figure.
type Value struct {
	// Name is a Prometheus name without the prefix and with the unit at its end: "round_trip_seconds", "loss_ratio", "throughput_bits_per_second".
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Report is what one run of a command found.
type Report struct {
	// Command is "check", "audit" and so on.
	Command string `json:"command"`
	// Target is what was looked at: a URL or the path of a file.
	Target string    `json:"target"`
	At     time.Time `json:"at"`
	Items  []Item    `json:"items"`
}

// Exit codes, which scripts and monitors rely on.
const (
	ExitHealthy    = 0
	ExitUnhealthy  = 1
	ExitUnmeasured = 3
)

// Exit is the exit code: a finding outweighs what could not be measured, and a report that holds nothing measured nothing.
func (r *Report) Exit() int {
	seen := false
	unknown := false
	for _, i := range r.Items {
		switch i.Status {
		case Fail:
			return ExitUnhealthy
		case Unknown:
			unknown = true
		case OK, Warn:
			seen = true
		case Skipped:
		}
	}
	if unknown || !seen {
		return ExitUnmeasured
	}
	return ExitHealthy
}
