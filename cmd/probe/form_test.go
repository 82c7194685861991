package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"callmesh/bus/wire"
	"callmesh/probe/coordinator"
	"callmesh/probe/discover"
	"callmesh/probe/gateway"
	"callmesh/probe/gather"
	"callmesh/probe/lab"
	"callmesh/probe/lab/matrix"
	"callmesh/probe/nat"
	"callmesh/probe/pair"
)

// hostile is what a stranger might say.
const hostile = `=1+1 <script>alert("x")</script>`

// Each command that measures gives its result in each form, and each form is what it claims to be, whatever strangers said.
func TestEveryResultInEveryForm(t *testing.T) {
	yes, no, ms := true, false, 12.5
	found := natResult{
		&discover.Result{Server: "203.0.113.1:3478", UDP: discover.UDPOpen, Mapping: nat.EIM, Filtering: nat.APDF, NAT: &yes, IPv4: &yes, IPv6: &no, TCP: &yes, RoundTripMs: &ms, Measured: true, Why: hostile},
		&gateway.Result{UPnP: gateway.Protocol{Answers: &yes, Why: hostile}, PCP: gateway.Protocol{Answers: &no}},
	}
	servers := []gather.Result{
		{URL: "stun:a", Family: gather.IPv4, OK: true, Srflx: &gather.Candidate{Address: "203.0.113.9:1", Ms: 2.5}},
		{URL: "stun:a", Family: gather.IPv4, OK: true}, // named twice
		{URL: "stun:a", Family: gather.IPv6, NoRoute: true},
		{URL: "turn:b", Family: gather.IPv4, ConnectMs: &ms, Why: hostile},
	}
	run := &coordinator.Result{Planned: 3, Before: 1, Made: []wire.Traversal{{Mode: wire.ModeAll, Outcome: wire.Outcome{Result: wire.ResultConnected}}}}
	attempts := []pair.Attempt{
		{N: 1, Mode: wire.ModeDirect, Outcome: wire.Outcome{Result: wire.ResultConnected, Ms: 250}, PairMs: 40, ConnectMs: 200},
		{N: 2, Mode: wire.ModeDirect, Outcome: wire.Outcome{Result: wire.ResultFailed, Step: wire.StepCheck}, Why: hostile},
	}
	verdicts := []lab.Verdict{{Kind: lab.Open, Agree: true}, {Kind: lab.Lossy, CoturnsWhy: hostile}}
	cells := []matrix.Cell{
		{A: lab.Open, B: lab.CGN, Mode: wire.ModeDirect, Connects: true, Connected: true, Agrees: true, Sides: [2]*matrix.SideEnds{{}, {}}, Tries: 1},
		{A: lab.Open, B: lab.Open, Mode: wire.ModeDirect, Connects: true, Why: hostile},
	}
	for name, c := range map[string]struct {
		write  func(w io.Writer, form string) error
		rows   int
		gauge  string
		labels map[string]string
		value  float64
	}{
		"nat": {
			func(w io.Writer, form string) error { return writeNAT(w, form, found) }, 12,
			"callmesh_probe_gateway_answers",
			map[string]string{"protocol": "upnp"},
			1,
		},
		"stun": {
			func(w io.Writer, form string) error { return writeGathered(w, form, servers) }, 4,
			"callmesh_probe_server_ok",
			map[string]string{"url": "turn:b", "family": "ipv4"},
			0,
		},
		"run": {
			func(w io.Writer, form string) error { return writeRun(w, form, "r-1", run) }, 1,
			"callmesh_probe_run_attempts",
			map[string]string{"mode": "all", "result": "connected"},
			1,
		},
		"pair": {
			func(w io.Writer, form string) error { return writeAttempts(w, form, attempts) }, 2,
			"callmesh_probe_pair_attempts",
			map[string]string{"mode": "direct", "result": "failed"},
			1,
		},
		"lab verify": {
			func(w io.Writer, form string) error { return writeVerdicts(w, form, verdicts) }, 2,
			"callmesh_probe_lab_site_agrees",
			map[string]string{"kind": "lossy"},
			0,
		},
		"lab matrix": {
			func(w io.Writer, form string) error {
				return writeMatrix(w, form, []lab.Kind{lab.Open, lab.CGN}, []wire.TraversalMode{wire.ModeDirect}, cells, time.Second)
			}, 2,
			"callmesh_probe_lab_pairs",
			map[string]string{"mode": "direct", "outcome": "unmeasured"},
			1,
		},
	} {
		form := func(form string) []byte {
			var b bytes.Buffer
			if err := c.write(&b, form); err != nil || b.Len() == 0 {
				t.Fatalf("%s as %s: %v, %d bytes", name, form, err, b.Len())
			}
			return b.Bytes()
		}
		if text := form("text"); bytes.Contains(text, []byte("<!doctype")) {
			t.Errorf("%s as text: %s", name, text)
		}
		if b := form("json"); !json.Valid(b) {
			t.Errorf("%s as json: %s", name, b)
		}
		table, err := csv.NewReader(bytes.NewReader(form("csv"))).ReadAll()
		if err != nil || len(table) != c.rows+1 {
			t.Errorf("%s as csv: %v, %d lines: %q", name, err, len(table), table)
		}
		for _, row := range table {
			for _, cell := range row {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("%s as csv: a formula: %q", name, cell)
				}
			}
		}
		page := form("html")
		if !bytes.HasPrefix(page, []byte("<!doctype html>")) || bytes.Contains(page, []byte("<script")) || bytes.Contains(page, []byte("http:")) || bytes.Count(page, []byte("<tr>")) != c.rows+1 {
			t.Errorf("%s as html: %s", name, page)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(form("prometheus")))
		if err != nil || families[c.gauge] == nil {
			t.Errorf("%s as prometheus: %v, %v", name, err, families)
			continue
		}
		met := false
		for _, m := range families[c.gauge].GetMetric() {
			same := len(m.GetLabel()) == len(c.labels)
			for _, l := range m.GetLabel() {
				same = same && c.labels[l.GetName()] == l.GetValue()
			}
			if same {
				met = m.GetGauge().GetValue() == c.value
			}
		}
		if !met {
			t.Errorf("%s as prometheus: %v of %v, want %v", name, families[c.gauge], c.labels, c.value)
		}
	}
}
