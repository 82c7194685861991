package charts

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/version"
)

// earlier are the versions that were released before this one, as helm packaged them. 0.1.0 is of the commit a18d1ab, the first at which every
// values file could be installed. CONTRIBUTING.md says how one is added.
func earlier(t *testing.T) []*chart.Chart {
	t.Helper()
	files, err := filepath.Glob("testdata/callmesh-*.tgz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d charts", err, len(files))
	}
	var all []*chart.Chart
	for _, f := range files {
		c, err := loader.LoadFile(f)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, c)
	}
	return all
}

// Under the tag of other programs nodes would go on with the images that they have.
func TestVersionIsNew(t *testing.T) {
	now := load(t).Metadata
	for _, old := range earlier(t) {
		for what, v := range map[string][2]string{"version": {old.Metadata.Version, now.Version}, "appVersion": {old.Metadata.AppVersion, now.AppVersion}} {
			if !version.MustParseSemantic(v[0]).LessThan(version.MustParseSemantic(v[1])) {
				t.Errorf("%s: %s was released, and this is %s", what, v[0], v[1])
			}
		}
	}
}

// Who has an earlier version comes to this one, with each values file that both have, in every way that helm has, and back again.
func TestUpgradeFromEarlierVersions(t *testing.T) {
	k := server(t)
	for i, old := range earlier(t) {
		was, is := valuesFiles(t, old), valuesFiles(t, load(t))
		for j, name := range slices.Sorted(maps.Keys(was)) {
			if is[name] == nil {
				continue
			}
			t.Run(old.Metadata.Version+"/"+name, func(t *testing.T) {
				h := k.helm(t, fmt.Sprintf("earlier-%d-%d", i, j))
				h.thereAndBack(t, old, was[name], is[name])
			})
		}
		t.Run(old.Metadata.Version+"/as helm 3 does it", func(t *testing.T) {
			h := k.helm(t, fmt.Sprintf("earlier-%d-helm3", i))
			h.clientSide = true
			h.thereAndBack(t, old, was["production"], is["production"])
		})
	}
}

func (h *helm) thereAndBack(t *testing.T, old *chart.Chart, was, is map[string]any) {
	t.Helper()
	h.namespaceFor(t, h.namespace, "restricted")
	r, err := h.install(old, was)
	if err != nil {
		t.Fatal(err)
	}
	first := h.objects(t, r.Manifest)
	for _, way := range []struct {
		name   string
		values map[string]any
		set    func(*action.Upgrade)
	}{
		{"with today's file", is, func(*action.Upgrade) {}},
		{"with nothing said", nil, func(u *action.Upgrade) { u.ResetValues = false }},
		{"--reset-then-reuse-values", nil, func(u *action.Upgrade) { u.ResetValues, u.ResetThenReuseValues = false, true }},
	} {
		if _, err := h.upgrade(load(t), way.values, way.set); err != nil {
			t.Fatalf("%s: %v", way.name, err)
		}
		for _, l := range lost(first, h.objects(t, r.Manifest)) {
			t.Errorf("%s: %s", way.name, l)
		}
		if err := h.rollback(1); err != nil {
			t.Fatalf("%s, and back: %v", way.name, err)
		}
		same(t, first, h.objects(t, r.Manifest), func(string) bool { return true })
		for _, l := range lost(first, h.objects(t, r.Manifest)) {
			t.Errorf("%s, and back: %s", way.name, l)
		}
	}

	before := h.objects(t, r.Manifest)
	_, err = h.upgrade(load(t), nil, reuseValues)
	for _, says := range append(added(old.Values, load(t).Values, ""), "--reset-then-reuse-values") {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Fatalf("--reuse-values: %v; does not say %q", err, says)
		}
	}
	unchanged(t, before, h.objects(t, r.Manifest))
}

// added are the values that now has and old has not.
func added(old, now map[string]any, path string) []string {
	var all []string
	for key, n := range now {
		o, there := old[key]
		oldMap, _ := o.(map[string]any)
		if nowMap, ok := n.(map[string]any); !there {
			all = append(all, path+key)
		} else if ok && key != "annotations" { // which may be any, so none is missing
			all = append(all, added(oldMap, nowMap, path+key+".")...)
		}
	}
	return all
}

// With these helm takes the defaults of the old chart, too, and passes the new one's over.
func reuseValues(u *action.Upgrade) { u.ResetValues, u.ReuseValues = false, true }

// lost is what an upgrade has cost: objects that are gone or were made anew, and secrets that are others.
func lost(before, after map[string]*unstructured.Unstructured) []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(before)) {
		b, a := before[id], after[id]
		if a == nil {
			all = append(all, id+" is gone")
			continue
		}
		if a.GetUID() != b.GetUID() {
			all = append(all, id+" was made anew")
		}
		if !isSecret(id) {
			continue
		}
		had, _, _ := unstructured.NestedStringMap(b.Object, "data")
		has, _, _ := unstructured.NestedStringMap(a.Object, "data")
		for _, key := range slices.Sorted(maps.Keys(had)) {
			if has[key] != had[key] {
				all = append(all, id+": "+key+" is another")
			}
		}
	}
	return all
}

// The way back over a rotation, as RUNBOOK.md has it: the earlier chart finds the Secret as it is, of which helm's rollback has what it was.
func TestEarlierChartKeepsWhatWasRotated(t *testing.T) {
	k := server(t)
	for i, old := range earlier(t) {
		ns := fmt.Sprintf("rotated-%d", i)
		k.namespaceFor(t, ns, "restricted")
		h := k.helm(t, ns)
		r, err := h.install(old, nil)
		if err != nil {
			t.Fatal(err)
		}
		secret := func() (*unstructured.Unstructured, map[string]string) {
			o := h.objects(t, r.Manifest)["Secret/callmesh-secrets"]
			data, _, _ := unstructured.NestedStringMap(o.Object, "data")
			return o, data
		}
		o, want := secret()
		if _, err := h.upgrade(load(t), nil); err != nil {
			t.Fatal(err)
		}
		want["turn-secret"] = "YW5vdGhlcg=="
		patch := []byte(`{"data":{"turn-secret":"YW5vdGhlcg=="}}`)
		if _, err := h.resource(t, o).Patch(t.Context(), o.GetName(), types.MergePatchType, patch, meta.PatchOptions{FieldManager: "kubectl-patch"}); err != nil {
			t.Fatal(err)
		}
		if err := h.rollback(1); err == nil || !strings.Contains(err.Error(), ".data.turn-secret") {
			t.Errorf("rollback: %v", err)
		}
		if _, err := h.upgrade(old, nil); err != nil {
			t.Error(err)
		}
		if _, has := secret(); !maps.Equal(has, want) {
			t.Errorf("%q; want %q", has, want)
		}
	}
}

// An upgrade that costs something is seen, so the one of today costs nothing.
func TestWhatAnUpgradeCostsIsSeen(t *testing.T) {
	k := server(t)
	for i, p := range []struct{ template, old, text, says string }{
		{"_names.tpl", "{{- if hasKey .old .key }}", "{{- if false }}", "Secret/callmesh-secrets: auth-secret is another"},
		{"nats-secrets.yaml", `{{- if not (hasKey $data "tls.crt") }}`, "{{- if true }}", "Secret/callmesh-nats-tls: tls.key is another"},
		{"secrets.yaml", "helm.sh/resource-policy: keep", "helm.sh/resource-policy: keep\n    helm.sh/hook: pre-upgrade", "Secret/callmesh-secrets was made anew"},
		{"edge-service.yaml", `}}-edge`, `}}-edges`, "Service/callmesh-edge is gone"},
	} {
		ns := fmt.Sprintf("costs-%d", i)
		k.namespaceFor(t, ns, "restricted")
		h := k.helm(t, ns)
		r, err := h.install(earlier(t)[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		first := h.objects(t, r.Manifest)
		if _, err := h.upgrade(with(t, p.template, p.old, p.text), nil); err != nil {
			t.Errorf("%s: %s: %v", p.template, p.text, err)
		}
		if all := lost(first, h.objects(t, r.Manifest)); !slices.Contains(all, p.says) {
			t.Errorf("%s: %s: %q", p.template, p.text, all)
		}
	}
}
