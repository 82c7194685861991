package charts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are those that Prometheus gives to what it reads in a cluster.
var targetLabels = []string{"namespace", "pod", "instance", "job", "container"}

// quiet are values of labels that a mesh in which all is well does not show, and the files in which they stand.
var quiet = map[string]map[string]string{
	"callmesh_edge_errors_total code":     {"internal": "bus/wire/errors.go", "unavailable": "bus/wire/errors.go"},
	"callmesh_edge_hellos_total how":      {"fresh": "edge/resume.go", "resumed": "edge/resume.go"},
	"callmesh_edge_outcomes_total path":   {"relay": "bus/wire/outcome.go"},
	"callmesh_edge_outcomes_total result": {"connected": "bus/wire/outcome.go"},
}

// Each metric of an alert or a panel, each label of it and each value that it is held against, is what running programs export.
func TestWhatIsAskedForIsExported(t *testing.T) {
	e := exportedOnes(t)
	for _, r := range alerts(t) {
		e.ask(t, r.Alert, r.Expr, nil)
	}
	variable := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	legend := regexp.MustCompile(`\{\{(\w+)\}\}`)
	for name, d := range dashboards(t) {
		for _, v := range d.Templating.List {
			if m := variable.FindStringSubmatch(v.Query); v.Type == "query" && (m == nil || e[m[1]] == nil || !slices.Contains(targetLabels, m[2])) {
				t.Errorf("%s: variable %s asks for %s", name, v.Name, v.Query)
			}
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				var named []string
				for _, m := range legend.FindAllStringSubmatch(q.LegendFormat, -1) {
					named = append(named, m[1])
				}
				e.ask(t, name+": "+p.Title, strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*").Replace(q.Expr), named)
			}
		}
	}
}

// Where an alert holds a quantile against a time, the program counts what takes longer than just that: between two bounds of its histogram a quantile is a
// guess, by which an alert fires too soon or too late.
func TestQuantilesOfAlertsAreCounted(t *testing.T) {
	e := exportedOnes(t)
	found := 0
	for _, r := range alerts(t) {
		tree, err := promQL.ParseExpr(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		b, ok := tree.(*parser.BinaryExpr)
		if !ok || !strings.HasPrefix(b.LHS.String(), "histogram_quantile(") {
			continue
		}
		found++
		bound := b.RHS.String()
		parser.Inspect(b.LHS, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok && !e[v.Name]["le"][bound] {
				t.Errorf("%s: %s has no bound %s, but %v", r.Alert, v.Name, bound, keysOf(e[v.Name]["le"]))
			}
			return nil
		})
	}
	if found < 2 {
		t.Errorf("%d alerts ask for a quantile", found)
	}
}

// [TestWhatIsAskedForIsExported] would find what is not there.
func TestWhatIsNotExportedIsFound(t *testing.T) {
	e := exportedOnes(t)
	for _, expr := range []string{
		`callmesh_edge_sesions`, `callmesh_edge_sessions{region="eu"}`, `sum by (room) (callmesh_edge_sessions)`, `callmesh_edge_limit{of="session"}`,
		`callmesh_edge_relays{state=~"healthy|broken"}`, `rate(callmesh_edge_request_seconds[5m])`, `callmesh_edge_sessions / on (edge) callmesh_edge_rooms`,
	} {
		if len(e.missing(t, expr, nil)) == 0 {
			t.Errorf("%s passes", expr)
		}
	}
	if len(e.missing(t, "callmesh_edge_sessions", []string{"edge"})) == 0 {
		t.Error("a legend that names no label passes")
	}
}

func (e exported) ask(t *testing.T, where, expr string, legend []string) {
	t.Helper()
	for _, m := range e.missing(t, expr, legend) {
		t.Errorf("%s: %s\n%s", where, m, expr)
	}
}

// missing says what an expression, and the legend beside it, name and nothing exports.
func (e exported) missing(t *testing.T, expr string, legend []string) (missing []string) {
	t.Helper()
	tree, err := promQL.ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	known, grouped := slices.Clone(targetLabels), legend
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			have, ok := e[n.Name]
			if !ok {
				missing = append(missing, "no metric "+n.Name)
			}
			known = append(known, keysOf(have)...)
			for _, m := range n.LabelMatchers {
				if m.Name != model.MetricNameLabel && !slices.Contains(targetLabels, m.Name) {
					missing = append(missing, have.lacks(t, n.Name, m)...)
				}
			}
		case *parser.AggregateExpr:
			grouped = append(grouped, n.Grouping...)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				grouped = append(grouped, n.VectorMatching.MatchingLabels...)
			}
		}
		return nil
	})
	for _, l := range grouped {
		if !slices.Contains(known, l) {
			missing = append(missing, "no label "+l)
		}
	}
	return missing
}

// lacks says which values of a label nothing shows: of a choice (a|b), each; of another pattern, all.
func (s seriesLabels) lacks(t *testing.T, metric string, m *labels.Matcher) (missing []string) {
	t.Helper()
	if s[m.Name] == nil {
		return []string{metric + " has no label " + m.Name}
	}
	for value := range strings.SplitSeq(m.Value, "|") {
		one := labels.MustNewMatcher(labels.MatchRegexp, m.Name, value)
		seen := slices.ContainsFunc(keysOf(s[m.Name]), one.Matches)
		if file := quiet[metric+" "+m.Name][value]; !seen && file != "" {
			text, err := os.ReadFile(filepath.Join("../..", file))
			if err != nil {
				t.Fatal(err)
			}
			seen = strings.Contains(string(text), `"`+value+`"`)
		}
		if !seen {
			missing = append(missing, metric+" never has "+m.Name+" "+value)
		}
	}
	return missing
}

// addDocumented adds what an edge registers and shows only once it happens: cmd/edge's own tests hold that list against an edge.
func (e exported) addDocumented() error {
	text, err := os.ReadFile("../../cmd/edge/METRICS.md")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)`(?: by ([\\w, ]+))? \\|").FindAllStringSubmatch(string(text), -1) {
		if _, ok := e[m[1]+"_bucket"]; ok {
			continue
		}
		if e[m[1]] == nil {
			e[m[1]] = seriesLabels{}
		}
		for l := range strings.SplitSeq(m[2], ", ") {
			if l != "" && e[m[1]][l] == nil {
				e[m[1]][l] = map[string]bool{}
			}
		}
	}
	return nil
}
