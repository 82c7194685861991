package coturn_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"

	"callmesh/turnctl/coturn"
)

// schema is as much of JSON Schema as the chart's has where relays are concerned.
type schema struct {
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Pattern    string             `json:"pattern"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
}

// wrong says what the schema does not have, or not so.
func (s *schema) wrong(at string, v any) (list []string) {
	is := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		is["object"] = true
		for key, value := range v {
			if s.Properties[key] == nil {
				list = append(list, at+"."+key+": the chart has no such key")
				continue
			}
			list = append(list, s.Properties[key].wrong(at+"."+key, value)...)
		}
	case []any:
		is["array"] = true
		for n, value := range v {
			list = append(list, s.Items.wrong(fmt.Sprintf("%s[%d]", at, n), value)...)
		}
	case string:
		is["string"] = true
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			list = append(list, fmt.Sprintf("%s: %q is not %s", at, v, s.Pattern))
		}
	case int:
		is["integer"], is["number"] = true, true
		if s.Minimum != nil && float64(v) < *s.Minimum || s.Maximum != nil && float64(v) > *s.Maximum {
			list = append(list, fmt.Sprintf("%s: %d is out of bounds", at, v))
		}
	case bool:
		is["boolean"] = true
	}
	if !is[s.Type] {
		list = append(list, fmt.Sprintf("%s: %v is no %s", at, v, s.Type))
	}
	return list
}

// The values of these relays, from the plainest to one with everything, are such as the chart takes.
func TestChartTakesTheValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "charts", "callmesh", "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var chart schema
	if err := json.Unmarshal(text, &chart); err != nil {
		t.Fatal(err)
	}
	more := full()
	more.DTLS, more.TCPRelay, more.TotalQuota, more.PrometheusPort, more.HasPrometheus = true, true, 5000, 9641, true
	for name, r := range map[string]coturn.Relay{"full": full(), "plain": plain(), "more": more} {
		rendered, err := r.Values(coturn.Newest, "turn.example.org")
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := yaml.Unmarshal([]byte(rendered), &values); err != nil {
			t.Fatal(err)
		}
		for _, w := range chart.wrong(name, values) {
			t.Error(w)
		}
	}
	if len(chart.wrong("", map[string]any{"coturn": map[string]any{"image": "x", "totalQuota": -1, "realm": true}})) != 3 {
		t.Error("what the chart refuses passes here")
	}
}
