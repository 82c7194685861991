package verdict

import (
	_ "embed"
	"encoding/json"
	"strings"
	"time"
)

// Schema is the JSON Schema (draft 2020-12) of what the format JSON writes.
//
//go:embed report.schema.json
var Schema string

type jsonReport struct {
	Command string     `json:"command"`
	Target  string     `json:"target"`
	At      time.Time  `json:"at"`
	Verdict string     `json:"verdict"`
	Exit    int        `json:"exit"`
	Items   []jsonItem `json:"items"`
}

type jsonItem struct {
	Item
	Seconds float64 `json:"seconds,omitempty"`
}

func writeJSON(b *strings.Builder, r *Report) error {
	out := jsonReport{Command: r.Command, Target: r.Target, At: r.At.UTC(), Verdict: r.word(), Exit: r.Exit(), Items: []jsonItem{}}
	for _, i := range r.Items {
		out.Items = append(out.Items, jsonItem{i, i.Took.Seconds()})
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
