// Package charts proves the chart: each of its values files is rendered by helm's engine, decoded strictly into the types of the Kubernetes
// API, looked at as a reviewer would, and read by the programs that it is for.
package charts

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/runtime"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	chartDir = "../callmesh"
	// A namespace that YAML would read as false, were it not quoted.
	namespace = "n"
	release   = "callmesh"
)

// scenarios are what the chart is tested with: its values files, and more.
func scenarios(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := valuesFiles(t, load(t))
	// What no file has: the edge and coturn do TLS themselves, in a port for which coturn must be root, behind a NAT.
	all["tls"] = map[string]any{
		"certificates": map[string]any{"enabled": true, "issuer": map[string]any{"name": "letsencrypt"}},
		"edges":        map[string]any{"hosts": []any{"calls.example.org"}, "tls": map[string]any{"secretName": "calls-tls"}, "service": map[string]any{"port": 443.0}},
		"nats":         map[string]any{"existingSecret": "nats-passwords", "tls": map[string]any{"secretName": "nats-own"}},
		"coturn":       map[string]any{"externalIP": "203.0.113.7", "tls": map[string]any{"secretName": "turn-tls", "host": "turn.example.org"}},
	}
	all["bare"] = map[string]any{"nats": map[string]any{"tls": map[string]any{"enabled": false}}, "networkPolicies": map[string]any{"enabled": false}}
	return all
}

// valuesFiles are a chart's own values, and those of each file that it comes with.
func valuesFiles(t *testing.T, c *chart.Chart) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{"defaults": {}}
	for _, f := range c.Files {
		name, is := strings.CutPrefix(f.Name, "values/")
		if !is {
			continue
		}
		values := map[string]any{}
		if err := yaml.UnmarshalStrict(f.Data, &values); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		all[strings.TrimSuffix(name, ".yaml")] = values
	}
	if len(all) < 7 {
		t.Fatalf("%d files of values", len(all)-1)
	}
	return all
}

// each runs a test for every scenario.
func each(t *testing.T, test func(t *testing.T, r rendered)) {
	t.Helper()
	all := scenarios(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { test(t, render(t, all[name])) })
	}
}

// A rendered is what the chart makes of values.
type rendered struct {
	values  common.Values
	objects []runtime.Object
	notes   string
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tryRender gives the texts of the templates by their names.
func tryRender(t *testing.T, values map[string]any) (map[string]string, common.Values, error) {
	t.Helper()
	c := load(t)
	v, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, nil, err
	}
	texts, err := engine.Engine{Strict: true}.RenderWithContext(t.Context(), c, v)
	return texts, v, err
}

func render(t *testing.T, values map[string]any) rendered {
	t.Helper()
	texts, v, err := tryRender(t, values)
	if err != nil {
		t.Fatal(err)
	}
	r := rendered{values: v}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if strings.HasSuffix(name, "NOTES.txt") {
			r.notes = texts[name]
			continue
		}
		docs := yamlutil.NewYAMLReader(newLines(texts[name]))
		for {
			doc, err := docs.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if empty(doc) {
				continue
			}
			o, err := decode(doc)
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, doc)
			}
			r.objects = append(r.objects, o)
		}
	}
	return r
}

// empty says whether nothing but comments is in a document.
func empty(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}
