package charts

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// lacking are the Secrets that pods and the Ingress name, and the chart does not make.
func (r rendered) lacking() []string {
	names := map[string]bool{}
	for _, w := range workloads(r) {
		for _, v := range w.spec.Volumes {
			if v.Secret != nil {
				names[v.Secret.SecretName] = true
			}
		}
		for _, c := range containers(w.spec) {
			for _, e := range c.Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					names[e.ValueFrom.SecretKeyRef.Name] = true
				}
			}
		}
		for _, s := range w.spec.ImagePullSecrets {
			names[s.Name] = true
		}
	}
	for _, i := range of[networking.Ingress](r) {
		for _, s := range i.Spec.TLS {
			names[s.SecretName] = true
		}
	}
	for _, s := range of[core.Secret](r) {
		delete(names, s.Name)
	}
	return slices.Sorted(maps.Keys(names))
}

// Who installs is told of each Secret that is theirs to make, and of no other, before anything waits for it.
func TestGivenSecretsAreNamed(t *testing.T) {
	all := scenarios(t)
	delete(all["tls"], "certificates")
	all["pulled"] = parsed(t, "images: {pullSecrets: [registry]}")
	named := regexp.MustCompile(`(?s)which are not there:\n\n +kubectl -n n get secret ([^\n]*)\n\n1\. `)
	some := 0
	for name, values := range all {
		r := render(t, values)
		var says []string
		if m := named.FindStringSubmatch(r.notes); m != nil {
			says = strings.Fields(m[1])
			some++
		}
		slices.Sort(says)
		if lacking := r.lacking(); !slices.Equal(says, lacking) {
			t.Errorf("%s: notes name %v, and there has to be %v", name, says, lacking)
		}
	}
	if some < 5 {
		t.Errorf("%d name any", some)
	}
}

// A Secret that is there and lacks what pods take from it is refused, before anything is changed; one that is not there may come later.
func TestGivenSecretsAreLookedAt(t *testing.T) {
	k := server(t)
	long := strings.Repeat("s", 32)
	regions := "region: eu\ncoturn: {enabled: false}\nnats: {gateways: {enabled: true, secretName: given, regions: {eu: ['a:7222']}}}"
	for i, c := range []struct {
		values string
		data   map[string]any
		says   string
	}{
		{"secrets: {existingSecret: given}", nil, ""},
		{"secrets: {existingSecret: given}", map[string]any{"auth-secret": long, "turn-secret": "s", "turn-cli-password": "s"}, ""},
		{"secrets: {existingSecret: given}", map[string]any{"auth-secret": long, "turn-secret": "s"}, "given has no turn-cli-password of 1 or more bytes"},
		{"secrets: {existingSecret: given}\ncoturn: {enabled: false}", map[string]any{"auth-secret": long, "turn-secret": "s"}, ""},
		{"secrets: {existingSecret: given}", map[string]any{"auth-secret": long[1:] + "\n", "turn-secret": "s", "turn-cli-password": "s"}, "given has no auth-secret of 32 or more bytes"},
		{"secrets: {existingSecret: given}\nprobe: {enabled: true}", map[string]any{"auth-secret": long, "turn-secret": "s", "turn-cli-password": "s"}, "given has no operator-token of 16"},
		{regions, map[string]any{"password": "p1", "tls.crt": "c", "tls.key": "k", "ca.crt": "c"}, ""},
		{regions, map[string]any{"password": "p1", "tls.crt": "c", "tls.key": "k"}, "nats.gateways.secretName: given has no ca.crt"},
		{regions, map[string]any{"password": "1p", "tls.crt": "c", "tls.key": "k", "ca.crt": "c"}, "nats.gateways.secretName: given has no password of 1 or more letters and digits"},
		{regions, map[string]any{"password": "p#}\npid_file: x", "tls.crt": "c", "tls.key": "k", "ca.crt": "c"}, "nats.gateways.secretName: given has no password"},
		{"nats: {enabled: false, external: {secretName: given, secretKeys: [url, ca.crt]}}", map[string]any{"url": "nats://a"}, "nats.external.secretName: given has no ca.crt"},
		{"coturn: {tls: {secretName: given, host: a.example, authorityKey: root.crt}}", map[string]any{"tls.crt": "c", "tls.key": "k"}, "coturn.tls.secretName: given has no root.crt"},
	} {
		h := k.helm(t, fmt.Sprintf("given-%d", i))
		k.namespaceFor(t, h.namespace, "restricted")
		if c.data != nil {
			s := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "given"}, "stringData": c.data}}
			if _, err := h.resource(t, s).Create(t.Context(), s, meta.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.install(load(t), parsed(t, c.values)); c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s, %v: %v; want %q", c.values, c.data, err, c.says)
		}
	}
}

// On a cluster that lacks what others bring, it is said which value wants it; where there is no cluster to ask, nobody can know.
func TestKindsOfOthers(t *testing.T) {
	c := load(t)
	values := merged(scenarios(t)["three-regions"], scenarios(t)["tls"])
	wants := []string{
		"edges.httpRoute.enabled needs gateway.networking.k8s.io/v1/HTTPRoute", "certificates.enabled needs cert-manager.io/v1/Certificate",
		"monitoring.serviceMonitor.enabled needs monitoring.coreos.com/v1/ServiceMonitor", "monitoring.serviceMonitor.enabled needs monitoring.coreos.com/v1/PodMonitor",
		"monitoring.prometheusRule.enabled needs monitoring.coreos.com/v1/PrometheusRule",
	}
	kinds := regexp.MustCompile(`[^ ]+/v1/[A-Za-z]+$`)
	for lacks := range 1 << len(wants) {
		capabilities := *common.DefaultCapabilities
		capabilities.APIVersions = append(slices.Clone(capabilities.APIVersions), "apps/v1/Deployment")
		for i, want := range wants {
			if lacks&(1<<i) == 0 {
				capabilities.APIVersions = append(capabilities.APIVersions, kinds.FindString(want))
			}
		}
		v, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}, &capabilities)
		if err != nil {
			t.Fatal(err)
		}
		_, err = engine.Engine{Strict: true}.RenderWithContext(t.Context(), c, v)
		for i, want := range wants {
			if said := err != nil && strings.Contains(err.Error(), want); said != (lacks&(1<<i) != 0) {
				t.Errorf("%b: %v; says %q: %v", lacks, err, want, said)
			}
		}
		if lacks == 0 && err != nil {
			t.Error(err)
		}
	}
}

// README says of each values file which Secrets and which kinds of others have to be there first.
func TestREADMESaysWhatIsNeeded(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)\\.yaml` \\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2]
	}
	files := valuesFiles(t, load(t))
	delete(files, "defaults")
	for name, values := range files {
		r := render(t, values)
		claims := false
		for _, s := range of[apps.StatefulSet](r) {
			claims = claims || len(s.Spec.VolumeClaimTemplates) > 0
		}
		needs := map[string]bool{
			"an Ingress controller": len(of[networking.Ingress](r)) > 0, "the Gateway API": len(of[gateway.HTTPRoute](r)) > 0, "the Prometheus operator": len(of[monitoring.PodMonitor](r)) > 0,
			"label": strings.Contains(fmt.Sprint(values["coturn"]), "nodeSelector"), "a default StorageClass": claims,
		}
		for _, all := range files {
			for _, secret := range render(t, all).lacking() {
				needs["`"+secret+"`"] = needs["`"+secret+"`"] || slices.Contains(r.lacking(), secret)
			}
		}
		for what, needed := range needs {
			if said := strings.Contains(rows[name], what); said != needed {
				t.Errorf("%s: needs %s: %v, and README says so: %v", name, what, needed, said)
			}
		}
		delete(rows, name)
	}
	if len(rows) > 0 {
		t.Errorf("no such files: %v", rows)
	}
}
