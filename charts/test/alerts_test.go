package charts

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// promQL is the language as Prometheus has it with no feature switched on.
var promQL = parser.NewParser(parser.Options{})

const alertsFile = chartDir + "/monitoring/alerts.yaml"

// alerts reads the rules as Prometheus does, for which a field that it does not know is an error.
func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	text, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false, model.LegacyValidation, promQL, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var all []rulefmt.Rule
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// Each alert says how bad it is, what is the matter, and where it stands what to do, which is there.
func TestAlertsLeadToARunbook(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range alerts(t) {
		if seen[r.Alert] {
			t.Errorf("%s twice", r.Alert)
		}
		seen[r.Alert] = true
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", r.Alert)
		}
		file, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		if !anchors(t, file)[anchor] {
			t.Errorf("%s: %s has no heading %q", r.Alert, file, anchor)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d alerts", len(seen))
	}
}

// What the runbooks of the chart link to among themselves is there too.
func TestRunbookLinks(t *testing.T) {
	text, err := os.ReadFile("../RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]+))?\)`).FindAllStringSubmatch(string(text), -1) {
		file := "charts/RUNBOOK.md"
		if m[1] != "" {
			file = filepath.Join("charts", m[1])
		}
		if have := anchors(t, file); m[2] != "" && !have[m[2]] {
			t.Errorf("%s has no heading %q", file, m[2])
		}
	}
}

// anchors are the headings of a document of the repository, as links name them.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		all[strings.ReplaceAll(regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return all
}

// The chart hands the file on as it is, with an address before what it links to.
func TestPrometheusRuleIsTheFile(t *testing.T) {
	text, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	var want monitoring.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(string(text), "runbook_url: ", "runbook_url: https://git.example.org/x/")), &want); err != nil {
		t.Fatal(err)
	}
	r := render(t, map[string]any{"monitoring": map[string]any{"prometheusRule": map[string]any{"enabled": true, "runbooks": "https://git.example.org/x/"}}})
	rules := of[monitoring.PrometheusRule](r)
	if len(rules) != 1 {
		t.Fatalf("%d PrometheusRules", len(rules))
	}
	got, err := yaml.Marshal(rules[0].Spec)
	if err != nil {
		t.Fatal(err)
	}
	if w, err := yaml.Marshal(want); err != nil || string(w) != string(got) {
		t.Errorf("%v\n%s\nwant\n%s", err, got, w)
	}
}
