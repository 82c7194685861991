package charts

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What NATS nodes keep is lost when one becomes several, when several become one, and when they are left for others, so no upgrade does that in passing; whoever has taken them away by hand may.
func TestTheNumberOfNATSNodesStays(t *testing.T) {
	one, three := map[string]any{"nats": map[string]any{"replicas": 1.0}}, map[string]any{"nats": map[string]any{"replicas": 3.0}}
	others := map[string]any{"nats": map[string]any{"enabled": false, "external": map[string]any{"urls": []any{"nats://nats.example.org:4222"}}}}
	const left = "nats.enabled: what the NATS of this release keeps"
	for _, c := range []struct {
		name    string
		from    map[string]any
		refused map[string]map[string]any
	}{
		{"one-node", one, map[string]map[string]any{"nats.replicas: there is one node": three, left: others}},
		{"three-nodes", three, map[string]map[string]any{"nats.replicas: there are 3 nodes": one, left: others}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := server(t)
			k.namespaceFor(t, c.name, "restricted")
			h, chart := k.helm(t, c.name), load(t)
			r, err := h.install(chart, c.from)
			if err != nil {
				t.Fatal(err)
			}
			first := h.objects(t, r.Manifest)
			for why, values := range c.refused {
				if _, err := h.upgrade(chart, values); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), `RUNBOOK.md says under "Another number of NATS nodes"`) {
					t.Errorf("%v, want %s", err, why)
				}
			}
			same(t, first, h.objects(t, r.Manifest), func(string) bool { return true })
			if _, err := h.upgrade(chart, c.from); err != nil {
				t.Errorf("as it was: %v", err)
			}
			set := first["StatefulSet/callmesh-nats"]
			for _, values := range c.refused {
				err := h.resource(t, set).Delete(t.Context(), set.GetName(), meta.DeleteOptions{})
				if err != nil && !apierrors.IsNotFound(err) {
					t.Fatal(err)
				}
				if _, err := h.upgrade(chart, values); err != nil {
					t.Errorf("after they were deleted: %v", err)
				}
			}
		})
	}
}
