package charts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// A dashboard is what is looked at of Grafana's own form.
type dashboard struct {
	UID, Title, Description string
	Tags                    []string
	SchemaVersion           int
	Templating              struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ UID string }
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
	Targets []struct{ RefID, Expr, LegendFormat string }
}

// dashboards are those that the chart brings, by their files' names.
func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	r := render(t, map[string]any{"monitoring": map[string]any{"dashboards": map[string]any{"enabled": true}}})
	c := named[core.ConfigMap](r, "callmesh-dashboards")
	if c == nil || c.Labels["grafana_dashboard"] != "1" {
		t.Fatalf("no ConfigMap that Grafana's sidecar finds: %v", c)
	}
	all := map[string]dashboard{}
	for name, text := range c.Data {
		file, err := os.ReadFile(filepath.Join(chartDir, "monitoring/dashboards", strings.TrimPrefix(name, "callmesh-")))
		if err != nil || string(file) != text {
			t.Errorf("%s differs from its file: %v", name, err)
		}
		var d dashboard
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d
	}
	for _, name := range []string{"edges", "bus", "relays", "traversal"} {
		if _, ok := all["callmesh-"+name+".json"]; !ok {
			t.Errorf("no dashboard %s", name)
		}
	}
	return all
}

func TestDashboardsAreWhole(t *testing.T) {
	uids := map[string]bool{}
	for name, d := range dashboards(t) {
		if d.UID == "" || uids[d.UID] || d.Title == "" || d.Description == "" || !slices.Contains(d.Tags, "callmesh") || d.SchemaVersion < 36 {
			t.Errorf("%s: uid %q, title %q, tags %v, schema %d", name, d.UID, d.Title, d.Tags, d.SchemaVersion)
		}
		uids[d.UID] = true
		if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" {
			t.Errorf("%s: which Prometheus to ask can't be chosen", name)
		}
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID == 0 || p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
				t.Errorf("%s: panel %d %q lacks something, or is there twice", name, p.ID, p.Title)
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %q does not fit: %+v", name, p.Title, p.GridPos)
			}
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if other := taken[at]; other != "" && other != p.Title {
						t.Fatalf("%s: panels %q and %q are at the same place", name, p.Title, other)
					}
					taken[at] = p.Title
				}
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if refs[q.RefID] {
					t.Errorf("%s: panel %q has %s twice", name, p.Title, q.RefID)
				}
				refs[q.RefID] = true
			}
		}
	}
}
