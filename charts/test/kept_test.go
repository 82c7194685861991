package charts

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/engine"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
)

// A cluster is what templates can look up.
type cluster struct{ client dynamic.Interface }

// GetClientFor implements engine.ClientProvider.
func (c cluster) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	resource, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(apiVersion, kind))
	return c.client.Resource(resource), true, nil
}

// secrets renders the chart in a cluster that has some objects, and gives its Secrets.
func secrets(t *testing.T, upgrade bool, have []*core.Secret) []*core.Secret {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := core.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for _, s := range have {
		s = s.DeepCopy()
		s.Namespace = namespace
		objects = append(objects, s)
	}
	c := load(t)
	v, err := util.ToRenderValues(c, nil, common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: !upgrade, IsUpgrade: upgrade}, nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := engine.RenderWithClientProvider(c, v, cluster{fake.NewSimpleDynamicClient(scheme, objects...)})
	if err != nil {
		t.Fatal(err)
	}
	var all []*core.Secret
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		for _, doc := range strings.Split(texts[name], "\n---\n") {
			if !strings.Contains(doc, "kind: Secret") {
				continue
			}
			if o, err := decode([]byte(doc)); err != nil {
				t.Fatal(err)
			} else if s, ok := o.(*core.Secret); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// What was made once stays over upgrades, and over an uninstall: with other secrets every guest would be somebody else.
func TestSecretsAreMadeOnce(t *testing.T) {
	first, other := secrets(t, false, nil), secrets(t, false, nil)
	if len(first) != 3 {
		t.Fatalf("%d Secrets; want those of the mesh, of NATS and of its certificate", len(first))
	}
	again := secrets(t, true, first)
	for i, s := range first {
		if s.Annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("%s goes with the release", s.Name)
		}
		for key, value := range s.Data {
			if len(value) < 32 {
				t.Errorf("%s: %s has %d bytes", s.Name, key, len(value))
			}
			if !bytes.Equal(again[i].Data[key], value) {
				t.Errorf("%s: %s is another after an upgrade", s.Name, key)
			}
			if bytes.Equal(other[i].Data[key], value) {
				t.Errorf("%s: two installs have the same %s", s.Name, key)
			}
		}
	}
	// A key that a newer chart has added is made, and the others stay.
	delete(first[2].Data, "turn-cli-password")
	delete(first[0].Data, "route-password")
	for i, s := range secrets(t, true, first) {
		for key, value := range s.Data {
			if was, had := first[i].Data[key]; had && !bytes.Equal(was, value) || len(value) == 0 {
				t.Errorf("%s: %s is %d bytes, and was there before: %v", s.Name, key, len(value), had)
			}
		}
	}
}
