package charts

import (
	"fmt"
	"strings"
	"testing"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// with is the chart with one text of a template replaced.
func with(t *testing.T, template, old, text string) *chart.Chart {
	t.Helper()
	c := load(t)
	for _, f := range c.Templates {
		if f.Name == "templates/"+template {
			if n := strings.Count(string(f.Data), old); n == 0 {
				t.Fatalf("%s does not have %q", template, old)
			}
			f.Data = []byte(strings.Replace(string(f.Data), old, text, 1))
			return c
		}
	}
	t.Fatalf("no template %s", template)
	return nil
}

// What is wrong does not get past the server: so what does is right.
func TestWrongObjectsAreRefused(t *testing.T) {
	k := server(t)
	everything := scenarios(t)["production"]
	routes := scenarios(t)["three-regions"]
	for i, p := range []struct {
		template, old, text string
		values              map[string]any
		says                string
	}{
		{"edge-deployment.yaml", "minReadySeconds: 5", "minReadySecond: 5", everything, "minReadySecond"},
		{"edge-deployment.yaml", "periodSeconds: 2", "periodSeconds: 2s", everything, "periodSeconds"},
		{"edge-deployment.yaml", "terminationGracePeriodSeconds: ", "terminationGracePeriodSeconds: -", everything, "terminationGracePeriodSeconds"},
		{"edge-deployment.yaml", "maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 0, maxSurge: 0", everything, "maxUnavailable"},
		{"edge-deployment.yaml", `matchLabels: {{- include "callmesh.selector" $part | nindent 6 }}`, "matchLabels: {a: b}", everything, "selector"},
		{"edge-deployment.yaml", "name: secrets, mountPath", "name: secret, mountPath", everything, "volumeMounts"},
		{"edge-scaling.yaml", "maxUnavailable: {{", "minAvailable: 1\n  maxUnavailable: {{", everything, "cannot be both set"},
		{"relay-daemonset.yaml", "hostPort: {{ $c.ports.agent }}", "hostPort: 9092", everything, "hostNetwork"},
		{"nats-service.yaml", "port: 4222,", "port: 0,", everything, "ports[0].port"},
		{"monitors.yaml", "port: admin, path", "porte: admin, path", everything, "porte"},
		{"edge-httproute.yaml", "request: 0s", "request: never", routes, "timeouts"},
	} {
		ns := fmt.Sprintf("wrong-%d", i)
		k.namespaceFor(t, ns, "restricted")
		if _, err := k.helm(t, ns).install(with(t, p.template, p.old, p.text), p.values); err == nil || !strings.Contains(err.Error(), p.says) {
			t.Errorf("%s: %s: %v", p.template, p.text, err)
		}
	}
}

// What may not change once it is there does not get past it either.
func TestImmutableFieldsAreRefused(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "immutable", "restricted")
	h := k.helm(t, "immutable")
	if _, err := h.install(load(t), nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct{ template, old, text, says string }{
		{"_names.tpl", `app.kubernetes.io/component: {{ .component | quote }}`, `app.kubernetes.io/component: {{ printf "%s-2" .component }}`, "field is immutable"},
		{"nats-statefulset.yaml", "podManagementPolicy: Parallel", "podManagementPolicy: OrderedReady", "updates to statefulset spec"},
		{"nats-statefulset.yaml", "requests: {storage: {{ .size }}}", "requests: {storage: 99Gi}", "updates to statefulset spec"},
		{"nats-service.yaml", "clusterIP: None", "clusterIP: 10.96.0.99", "clusterIP"},
		{"nats-secrets.yaml", "type: kubernetes.io/tls", "type: Opaque", "field is immutable"},
	} {
		if _, err := h.upgrade(with(t, p.template, p.old, p.text), nil); err == nil || !strings.Contains(err.Error(), p.says) {
			t.Errorf("%s: %s: %v", p.template, p.text, err)
		}
	}
}
