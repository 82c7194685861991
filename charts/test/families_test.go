package charts

import (
	"reflect"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// A real server, which has both families, gives each Service an address of both when it is asked to, and takes the second back; the first stays.
func TestServicesOfBothFamilies(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "families", "restricted")
	h, c := k.helm(t, "families"), load(t)
	// All Services that there are.
	all := map[string]any{"monitoring": map[string]any{"serviceMonitor": map[string]any{"enabled": true}}, "probe": map[string]any{"enabled": true}}
	services := func(manifest string) map[string]core.Service {
		services := map[string]core.Service{}
		for id, o := range h.objects(t, manifest) {
			if o.GetKind() == "Service" {
				var s core.Service
				if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &s); err != nil {
					t.Fatal(err)
				}
				services[id] = s
			}
		}
		return services
	}
	r, err := h.install(c, all)
	if err != nil {
		t.Fatal(err)
	}
	first := services(r.Manifest)
	if len(first) != 5 {
		t.Errorf("%d Services", len(first))
	}
	for _, policy := range []string{"PreferDualStack", "RequireDualStack", "", "SingleStack"} {
		want := []core.IPFamily{core.IPv4Protocol}
		if policy != "" && policy != "SingleStack" {
			want = append(want, core.IPv6Protocol)
		}
		if policy == "" { // as it was: whoever says nothing leaves a Service as it is
			want = append(want, core.IPv6Protocol)
		}
		if r, err = h.upgrade(c, merged(all, map[string]any{"ipFamilyPolicy": policy})); err != nil {
			t.Fatalf("%q: %v", policy, err)
		}
		for id, s := range services(r.Manifest) {
			if !reflect.DeepEqual(s.Spec.IPFamilies, want) || s.Spec.ClusterIP != first[id].Spec.ClusterIP || s.Spec.ClusterIP != core.ClusterIPNone && len(s.Spec.ClusterIPs) != len(want) {
				t.Errorf("%q: %s has %v, addresses %v, and had %s", policy, id, s.Spec.IPFamilies, s.Spec.ClusterIPs, first[id].Spec.ClusterIP)
			}
		}
	}
}
