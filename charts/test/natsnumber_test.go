package charts

import (
	"strings"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A NATS node loses what it has kept alone when it becomes one of several, so no upgrade does that in passing; whoever has taken it away by hand may.
func TestNoNATSNodesAreAdded(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "number", "restricted")
	h, c := k.helm(t, "number"), load(t)
	nodes := func(n float64) map[string]any { return map[string]any{"nats": map[string]any{"replicas": n}} }
	r, err := h.install(c, nodes(1))
	if err != nil {
		t.Fatal(err)
	}
	first := h.objects(t, r.Manifest)
	if _, err := h.upgrade(c, nodes(3)); err == nil || !strings.Contains(err.Error(), "nats.replicas: there is one node") || !strings.Contains(err.Error(), "RUNBOOK.md") {
		t.Errorf("from 1 to 3: %v", err)
	}
	same(t, first, h.objects(t, r.Manifest), func(string) bool { return true })
	set := first["StatefulSet/callmesh-nats"]
	if err := h.resource(t, set).Delete(t.Context(), set.GetName(), meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.upgrade(c, nodes(3)); err != nil {
		t.Errorf("after they were deleted: %v", err)
	}
}
