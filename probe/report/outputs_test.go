package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/nat"
	"callmesh/probe/report"
)

func all(t *testing.T, r *report.Report) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, write := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return r.Text(w, 80) }, "json": r.JSON, "csv": r.CSV, "prometheus": r.Prometheus,
		"html": func(w io.Writer) error { return r.HTML(w, report.Page{}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b.String()
	}
	return out
}

func TestNothingAndOnePair(t *testing.T) {
	out := all(t, report.Make(nil, report.Options{}))
	if !strings.Contains(out["text"], "No attempts") || !strings.Contains(out["html"], "No attempts") || strings.Count(out["csv"], "\n") != 1 || out["prometheus"] != "" {
		t.Errorf("of nothing: %v", out)
	}
	var back report.Report
	if err := json.Unmarshal([]byte(out["json"]), &back); err != nil || back.Sources == nil || back.RelayShare != nil {
		t.Errorf("%v: %s", err, out["json"])
	}
	for _, result := range []wire.Result{wire.ResultConnected, wire.ResultFailed, wire.ResultNoSignalling} {
		for form, text := range all(t, report.Make([]wire.Traversal{probed("a", "b", "", "", 1, wire.ModeAll, result)}, report.Options{})) {
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
				t.Errorf("one attempt that is %s, as %s: %s", result, form, text)
			}
		}
	}
}

func TestHostileLabels(t *testing.T) {
	one := probed("a", "b", "EIM/EIF", "EIM/EIF", 1, wire.ModeDirect, wire.ResultFailed)
	one.Ends[0].Network = `<script>alert(1)</script>`
	one.Ends[1].Network = "=HYPERLINK(\"http://x\")"
	one.Why = "\u202egnp.exe \"><img src=x onerror=alert(2)>"
	two := probed("a", "c", "EIM/EIF", "EIM/EIF", 1, wire.ModeDirect, wire.ResultFailed)
	two.Ends[0].Network, two.Ends[1].Network = "\u200b\u202e", strings.Repeat("长", 21)
	three := probed("b", "c", "EIM/EIF", "EIM/EIF", 1, wire.ModeDirect, wire.ResultFailed)
	three.Ends[0].Network, three.Ends[1].Network = "a;=1+1; @x", "\uff1d1+1"
	out := all(t, report.Make([]wire.Traversal{one, two, three}, report.Options{}))
	for form, text := range out {
		if strings.ContainsAny(text, "\u202e\u200b") {
			t.Errorf("%s has marks that turn the text", form)
		}
	}
	for _, bad := range []string{"<script", "<img", "onerror=alert(2)>"} {
		if strings.Contains(out["html"], bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	lines, err := csv.NewReader(strings.NewReader(out["csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		for _, cell := range line {
			if strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "\uff1d") || strings.Contains(cell, ";=") || strings.Contains(cell, "; @") {
				t.Errorf("a spreadsheet would take %s for a formula", cell)
			}
		}
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	r := report.Make(stored(t), report.Options{})
	for _, width := range []int{60, 80, 120} {
		var b strings.Builder
		if err := r.Text(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			// The wide letters in it take two columns, so runes are a lower bound and that is what a test can hold without the table's own measure.
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
				t.Errorf("of %d columns: %d in %q", width, n, line)
			}
		}
	}
}

// Ten thousand records between forty networks: a report of them takes moments, and a page that a browser can show.
func TestManyRecords(t *testing.T) {
	var records []wire.Traversal
	for len(records) < 10_000 {
		i := len(records)
		a, b := i%40, (i/40)%40
		if a == b {
			b = 40
		}
		result := wire.ResultConnected
		if (a*b)%3 == 0 {
			result = wire.ResultFailed
		}
		x, y := fmt.Sprintf("p%02d", min(a, b)), fmt.Sprintf("p%02d", max(a, b))
		one := probed(x, y, nat.Classes()[a%9].String(), nat.Classes()[b%9].String(), i/1600+1, wire.Modes()[i/1600%5], result)
		one.At = began + int64(i)*600_000
		records = append(records, one)
	}
	start := time.Now()
	out := all(t, report.Make(records, report.Options{}))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if n := len(out["html"]); n > 3<<20 {
		t.Errorf("the page has %d bytes", n)
	}
	if !strings.Contains(out["html"], "more labels") || !strings.Contains(out["text"], "more lines") {
		t.Error("what there is no room for is left out without a word")
	}
	if n := len(report.Make(records, report.Options{Bucket: time.Second}).Sources[0].Trend.Points); n > 5*401 {
		t.Errorf("%d points", n)
	}
}

func TestTheSameRecordsGiveTheSameReport(t *testing.T) {
	records := stored(t)
	first := all(t, report.Make(slices.Clone(records), report.Options{}))
	slices.Reverse(records)
	for form, text := range all(t, report.Make(records, report.Options{})) {
		if text != first[form] {
			t.Errorf("%s differs", form)
		}
	}
	m := report.Make(records, report.Options{}).Sources[0].Modes[0]
	if m.Clusters == nil || m.Clusters.By != "network" || m.Clusters.N != 6 || m.Clusters.High-m.Clusters.Low <= m.Rate.High-m.Rate.Low || math.IsNaN(m.Clusters.Low) {
		t.Errorf("six networks: %+v beside %+v", m.Clusters, m.Rate)
	}
}
