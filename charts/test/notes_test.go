package charts

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
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

// Where pod security keeps relays out, NOTES have the label with which they come, for the namespace that they are to come to.
func TestNotesLetRelaysIn(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "let-in", "baseline")
	h := k.helm(t, "let-in")
	r, err := h.install(load(t), scenarios(t)["trial"])
	if err != nil {
		t.Fatal(err)
	}
	relay := h.objects(t, r.Manifest)["DaemonSet/callmesh-relay"]
	template, _, _ := unstructured.NestedMap(relay.Object, "spec", "template")
	pod := &unstructured.Unstructured{Object: template}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetName("a-pod")
	if err := h.wouldMake(t, pod); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		t.Errorf("%v; is pod security enforced at all?", err)
	}
	m := regexp.MustCompile(`kubectl label --overwrite namespace let-in ([^ =]+)=([^ \n]+)\n`).FindStringSubmatch(r.Info.Notes)
	if m == nil || !strings.Contains(r.Info.Notes, "kubectl -n let-in get daemonset callmesh-relay ") {
		t.Fatal(r.Info.Notes)
	}
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, m[1], m[2])
	if _, err := k.client.Resource(namespaceResource).Patch(t.Context(), "let-in", types.MergePatchType, []byte(patch), meta.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := h.wouldMake(t, pod); err != nil {
		t.Error(err)
	}
	for values, says := range map[string]bool{"": false, "coturn: {nodeSelector: {callmesh/relay: 'true', a: b}}": true, "coturn: {enabled: false}": false} {
		notes := render(t, parsed(t, values)).notes
		if said := strings.Contains(notes, "kubectl label node NODE a=b callmesh/relay=true\n"); said != says {
			t.Errorf("%s: %s", values, notes)
		}
		if enabled := !strings.Contains(values, "enabled: false"); strings.Contains(notes, "pod-security") != enabled {
			t.Errorf("%s: %s", values, notes)
		}
	}
}

// NOTES lead to the page by the way that there is: by name where callers come to edges that do TLS, else through kubectl.
func TestNotesLeadToThePage(t *testing.T) {
	own := "edges: {tls: {secretName: calls-tls}, hosts: [calls.example.org], service: {port: 443, type: %s}}"
	for values, says := range map[string]string{
		"": "kubectl -n n port-forward service/callmesh-edge 8443:80     # then http://localhost:8443/\n",
		"edges: {ingress: {enabled: true, host: a.example}}":                                   "    https://a.example/\n",
		"edges: {httpRoute: {enabled: true, parentRefs: [{name: g}], hostnames: [b.example]}}": "    https://b.example/\n",
		"edges: {service: {type: LoadBalancer}}":                                               "kubectl -n n port-forward service/callmesh-edge 8443:80     # then http://localhost:8443/\n",
		fmt.Sprintf(own, "ClusterIP"):                                                          "port-forward service/callmesh-edge 8443:443     # then https://localhost:8443/\n",
		fmt.Sprintf(own, "LoadBalancer"):                                                       "kubectl -n n get service callmesh-edge     # then https://calls.example.org/, once that name leads to its EXTERNAL-IP\n",
		fmt.Sprintf(own, "NodePort"):                                                           "kubectl -n n get service callmesh-edge     # then https://calls.example.org/, once that name leads to nodes, with the port behind the colon\n",
	} {
		if notes := render(t, parsed(t, values)).notes; !strings.Contains(notes, says) {
			t.Errorf("%s: no %q in\n%s", values, says, notes)
		}
	}
}
