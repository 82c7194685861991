package charts

import (
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Whoever turns autoscaling on keeps the edges that there are, until the autoscaler says otherwise; and what it has said stays over upgrades.
func TestEdgesStayWhenAutoscalingComes(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "autoscaling", "restricted")
	h, c := k.helm(t, "autoscaling"), load(t)
	r, err := h.install(c, edges(map[string]any{"replicas": 6.0}))
	if err != nil {
		t.Fatal(err)
	}
	edge := h.objects(t, r.Manifest)["Deployment/callmesh-edge"]
	are := func(want int64) {
		t.Helper()
		now, err := h.resource(t, edge).Get(t.Context(), edge.GetName(), meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if n, _, _ := unstructured.NestedInt64(now.Object, "spec", "replicas"); n != want {
			t.Errorf("%d edges, want %d", n, want)
		}
	}
	auto := edges(map[string]any{"autoscaling": map[string]any{"enabled": true, "minReplicas": 3.0}})
	if _, err := h.upgrade(c, auto); err != nil {
		t.Fatal(err)
	}
	are(6)
	scaled := []byte(`{"spec":{"replicas":9}}`)
	if _, err := h.resource(t, edge).Patch(t.Context(), edge.GetName(), types.MergePatchType, scaled, meta.PatchOptions{FieldManager: "kube-controller-manager"}, "scale"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := h.upgrade(c, auto); err != nil {
			t.Fatal(err)
		}
		are(9)
	}
}
