package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Go's own metrics, and those of the process, are documented by Prometheus.
var ownMetric = regexp.MustCompile(`^Desc\{fqName: "(callmesh_[a-z_]+)", help: "(.*?)", (?:unit: "[^"]*", )?constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}`)

// TestMetricsAreListed compares the tables of METRICS.md with what an edge with all its parts registers.
func TestMetricsAreListed(t *testing.T) {
	args := []string{
		"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--guests", "--turn-embedded", "--turn-listen", "127.0.0.1:0", "--tls-self-signed",
		"--auth-jwks-url", "http://127.0.0.1:1/jwks.json",
	}
	cfg, n := mustCheck(t, args...), prepared(t, args...)
	if err := n.joinMesh(cfg); err != nil {
		t.Fatal(err)
	}
	if err := n.bus.WaitReady(t.Context()); err != nil { // NATS leaves something behind when it is stopped while it starts
		t.Fatal(err)
	}
	newConns(cfg.Sockets, cfg.AddressSockets, nil, n.metrics)

	descs := make(chan *prometheus.Desc)
	go func() {
		n.metrics.Describe(descs)
		close(descs)
	}()
	var rows []string
	for d := range descs {
		m := ownMetric.FindStringSubmatch(d.String())
		if m == nil {
			if strings.Contains(d.String(), "callmesh") {
				t.Errorf("a name that is none of ours: %s", d)
			}
			continue
		}
		labels := strings.ReplaceAll(m[3], ",", ", ")
		if labels != "" {
			labels = " by " + labels
		}
		rows = append(rows, fmt.Sprintf("| `%s`%s | %s |\n", m[1], labels, strings.ReplaceAll(m[2], `\"`, `"`)))
	}
	slices.Sort(rows)
	const file, begin, end = "METRICS.md", "<!-- the list -->\n", "<!-- its end -->\n"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks its marks", file)
	}
	for _, name := range regexp.MustCompile(`callmesh_[a-z_]+[a-z]`).FindAllString(head+tail, -1) {
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if !slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, "`"+base+"`") }) {
			t.Errorf("the text names %s, which is no metric", name)
		}
	}
	want := head + begin + "| metric | |\n| --- | --- |\n" + strings.Join(rows, "") + end + tail
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b, []byte(want)) {
		t.Errorf("%s differs (go test ./cmd/edge -run Metrics -update writes it anew), want\n%s", file, want)
	}
}
