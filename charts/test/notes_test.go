package charts

import (
	"strings"
	"testing"
)

// NOTES tell who waits for NATS' volumes what to do, and nobody else.
func TestNotesOnVolumes(t *testing.T) {
	storage := func(s map[string]any) map[string]any { return map[string]any{"nats": map[string]any{"storage": s}} }
	for _, c := range []struct {
		values map[string]any
		says   bool
	}{
		{nil, true},
		{storage(map[string]any{"className": "fast"}), false},
		{storage(map[string]any{"enabled": false}), false},
		{scenarios(t)["external-nats"], false},
	} {
		notes := render(t, c.values).notes
		if said := strings.Contains(notes, "callmesh-nats-0 stays Pending") && strings.Contains(notes, "nats.storage.className=CLASS"); said != c.says {
			t.Errorf("%v: says so: %v\n%s", c.values, said, notes)
		}
	}
}
