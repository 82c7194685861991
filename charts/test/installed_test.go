package charts

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// oddNames are namespaces whose names YAML takes for something else, were they not quoted.
var oddNames = []string{"n", "y", "on", "off", "no", "yes", "true", "false", "null", "1e3", "0x1", "12", "0", "1", "2"}

// changed is what an operator changes from day to day: versions, sizes, limits, numbers.
func changed(values map[string]any) map[string]any {
	return merged(values, map[string]any{
		"ipFamilyPolicy": "PreferDualStack",
		"images":         map[string]any{"tag": "another"},
		"edges": map[string]any{
			"replicas": 4.0, "drainSeconds": 45.0, "hosts": []any{"calls.example.org", "other.example.org"}, "config": map[string]any{"limit-sessions": 100.0},
			"resources": map[string]any{"limits": map[string]any{"memory": "3Gi"}},
		},
		"nats":   map[string]any{"resources": map[string]any{"limits": map[string]any{"memory": "3Gi"}}, "podAnnotations": map[string]any{"example.org/a": "b"}},
		"coturn": map[string]any{"totalQuota": 50.0, "drainSeconds": 60.0, "externalIP": "203.0.113.8"},
	})
}

// merged is a with b over it.
func merged(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	for k, v := range b {
		old, _ := all[k].(map[string]any)
		if m, ok := v.(map[string]any); ok {
			v = merged(old, m)
		}
		all[k] = v
	}
	return all
}

// Each values file is installed, upgraded to itself and to others, uninstalled and installed again.
func TestInstallUpgradeUninstall(t *testing.T) {
	k, all := server(t), scenarios(t)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			k.namespaceFor(t, oddNames[i], "restricted")
			h, values, c := k.helm(t, oddNames[i]), all[name], load(t)
			r, err := h.install(c, values)
			if err != nil {
				t.Fatal(err)
			}
			first := h.objects(t, r.Manifest)
			if len(first) < 8 {
				t.Errorf("%d objects", len(first))
			}
			h.podsAreAdmitted(t, first)
			for _, hook := range r.Hooks {
				if err := h.wouldMake(t, h.parse(t, hook.Manifest)); err != nil {
					t.Errorf("%s: %v", hook.Path, err)
				}
			}

			// To itself: nothing changes, so nothing restarts.
			if r, err = h.upgrade(c, values); err != nil {
				t.Fatal(err)
			}
			unchanged(t, first, h.objects(t, r.Manifest))

			if r, err = h.upgrade(c, changed(values)); err != nil {
				t.Fatal(err)
			}
			same(t, first, h.objects(t, r.Manifest), isSecret)
			if r, err = h.upgrade(c, values); err != nil {
				t.Fatal(err)
			}
			same(t, first, h.objects(t, r.Manifest), isSecret)

			if err := h.uninstall(); err != nil {
				t.Fatal(err)
			}
			for id := range h.objects(t, r.Manifest) {
				if !isSecret(id) {
					t.Errorf("%s is left", id)
				}
			}
			if r, err = h.install(c, values); err != nil {
				t.Fatal(err)
			}
			same(t, first, h.objects(t, r.Manifest), isSecret)
		})
	}
}

// From the chart's own values to those of each file, and back.
func TestUpgradeToOtherValues(t *testing.T) {
	k, all := server(t), scenarios(t)
	k.namespaceFor(t, "others", "restricted")
	h, c := k.helm(t, "others"), load(t)
	r, err := h.install(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := h.objects(t, r.Manifest)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		// Volumes and NATS nodes stay as they were made, and are not left for others, which other tests are about.
		volumes := map[string]any{"nats": map[string]any{"enabled": true, "replicas": 1.0, "storage": map[string]any{"enabled": true, "size": "8Gi", "maxStore": "6Gi"}}}
		for _, values := range []map[string]any{merged(all[name], volumes), nil} {
			if r, err = h.upgrade(c, values); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if t.Failed() {
			return
		}
		same(t, first, h.objects(t, r.Manifest), isSecret)
	}
}

// Kubernetes lets nobody change the volumes of a StatefulSet; who tries is told what to do, and nothing has changed.
func TestVolumesStay(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "volumes", "restricted")
	h, c := k.helm(t, "volumes"), load(t)
	storage := func(s map[string]any) map[string]any { return map[string]any{"nats": map[string]any{"storage": s}} }
	r, err := h.install(c, storage(map[string]any{"size": "8Gi"}))
	if err != nil {
		t.Fatal(err)
	}
	first := h.objects(t, r.Manifest)
	for _, s := range []map[string]any{{"size": "9Gi"}, {"enabled": false}, {"className": "fast"}} {
		if _, err := h.upgrade(c, storage(s)); err == nil || !strings.Contains(err.Error(), "nats.storage: ") || !strings.Contains(err.Error(), "RUNBOOK.md") {
			t.Errorf("%v: %v", s, err)
		}
	}
	unchanged(t, first, h.objects(t, r.Manifest))
	if _, err := h.upgrade(c, storage(map[string]any{"size": "8192Mi"})); err != nil {
		t.Errorf("the same size, written in another way: %v", err)
	}
}

func isSecret(id string) bool { return strings.HasPrefix(id, "Secret/") }

// same compares what operators would see of objects, of those that which chooses.
func same(t *testing.T, before, after map[string]*unstructured.Unstructured, which func(id string) bool) {
	t.Helper()
	for id, b := range before {
		if !which(id) {
			continue
		}
		a, there := after[id]
		if !there {
			t.Errorf("%s is gone", id)
			continue
		}
		for _, part := range []string{"spec", "data"} {
			if !equality.Semantic.DeepEqual(b.Object[part], a.Object[part]) {
				t.Errorf("%s: %s is\n%v\nand was\n%v", id, part, a.Object[part], b.Object[part])
			}
		}
	}
}

// unchanged is same for all of them, and that nothing has touched them meanwhile.
func unchanged(t *testing.T, before, after map[string]*unstructured.Unstructured) {
	t.Helper()
	same(t, before, after, func(string) bool { return true })
	for id, b := range before {
		if a := after[id]; a != nil && a.GetGeneration() != b.GetGeneration() {
			t.Errorf("%s was changed: generation %d, and was %d", id, a.GetGeneration(), b.GetGeneration())
		}
	}
}

// podsAreAdmitted asks for a pod of each workload, under the standard that the namespace enforces, or, for relays, without one.
func (h *helm) podsAreAdmitted(t *testing.T, objects map[string]*unstructured.Unstructured) {
	t.Helper()
	for id, o := range objects {
		template, ok, err := unstructured.NestedMap(o.Object, "spec", "template")
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		pod := &unstructured.Unstructured{Object: template}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetName("a-pod")
		addClaims(o, pod)
		err = h.wouldMake(t, pod)
		if o.GetKind() == "DaemonSet" {
			if err == nil || !strings.Contains(err.Error(), "host namespaces") {
				t.Errorf("%s: %v; is pod security enforced at all?", id, err)
			}
			err = h.elsewhere(t, "privileged").wouldMake(t, pod)
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// addClaims gives a pod the volumes that its StatefulSet would.
func addClaims(o, pod *unstructured.Unstructured) {
	claims, _, _ := unstructured.NestedSlice(o.Object, "spec", "volumeClaimTemplates")
	volumes, _, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes")
	for _, c := range claims {
		name, _, _ := unstructured.NestedString(c.(map[string]any), "metadata", "name")
		volumes = append(volumes, map[string]any{"name": name, "persistentVolumeClaim": map[string]any{"claimName": name}})
	}
	_ = unstructured.SetNestedSlice(pod.Object, volumes, "spec", "volumes")
}

// elsewhere is a namespace with another standard of pod security, and with the account that pods have here.
func (h *helm) elsewhere(t *testing.T, standard string) *helm {
	t.Helper()
	other := *h
	other.namespace = h.namespace + "-" + standard
	h.namespaceFor(t, other.namespace, standard)
	account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "callmesh"}}}
	if _, err := other.resource(t, account).Create(t.Context(), account, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return &other
}
