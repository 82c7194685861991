package charts

import (
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// given are the Secrets that values name and that whoever installs has made.
var given = map[string][]string{
	"calls-tls": {"tls.crt", "tls.key"}, "turn-tls": {"tls.crt", "tls.key"}, "nats-own": {"tls.crt", "tls.key", "ca.crt"},
	"callmesh-mesh":        {"auth-secret", "turn-secret", "turn-cli-password", "operator-token"},
	"callmesh-gateway":     {"password", "tls.crt", "tls.key", "ca.crt"},
	"callmesh-nats-access": {"user.creds", "ca.crt"},
	"nats-passwords":       {"password", "route-password", "probe-agent-password", "probe-run-password", "probe-report-password"},
}

func TestNamesAndLabels(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		seen := map[string]bool{}
		for _, o := range r.objects {
			m, _ := o.(meta.Object)
			kind := o.GetObjectKind().GroupVersionKind().Kind
			if errs := validation.IsDNS1123Subdomain(m.GetName()); len(errs) > 0 {
				t.Errorf("%s %q: %v", kind, m.GetName(), errs)
			}
			if id := kind + "/" + m.GetName(); seen[id] {
				t.Errorf("%s twice", id)
			} else {
				seen[id] = true
			}
			for key, value := range m.GetLabels() {
				if errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(errs) > 0 {
					t.Errorf("%s %s: label %s=%s: %v", kind, m.GetName(), key, value, errs)
				}
			}
			if m.GetLabels()["app.kubernetes.io/instance"] != release {
				t.Errorf("%s %s does not say to what release it belongs", kind, m.GetName())
			}
		}
	})
}

func TestSelectorsMatch(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		pods := workloads(r)
		matches := func(what string, selector map[string]string) {
			n := 0
			for _, w := range pods {
				if labels.SelectorFromSet(selector).Matches(labels.Set(w.labels)) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s selects the pods of %d workloads with %v", what, n, selector)
			}
		}
		for _, w := range pods {
			if !w.ends() {
				matches(w.kind+" "+w.name, w.selector)
			}
			for _, c := range w.spec.TopologySpreadConstraints {
				matches("spread of "+w.name, c.LabelSelector.MatchLabels)
				// Of a node without the label of one constraint, the scheduler passes over all of them.
				if c.TopologyKey != core.LabelHostname {
					t.Errorf("%s is spread over %s, which nodes may lack", w.name, c.TopologyKey)
				}
			}
		}
		for _, s := range of[core.Service](r) {
			matches("Service "+s.Name, s.Spec.Selector)
		}
		for _, p := range of[policy.PodDisruptionBudget](r) {
			matches("PodDisruptionBudget "+p.Name, p.Spec.Selector.MatchLabels)
		}
		for _, p := range of[networking.NetworkPolicy](r) {
			matches("NetworkPolicy "+p.Name, p.Spec.PodSelector.MatchLabels)
			for _, rule := range p.Spec.Ingress {
				for _, from := range rule.From {
					if from.PodSelector != nil {
						matches("NetworkPolicy "+p.Name+" from", from.PodSelector.MatchLabels)
					}
				}
			}
			for _, rule := range p.Spec.Egress {
				for _, to := range rule.To {
					if to.PodSelector != nil {
						matches("NetworkPolicy "+p.Name+" to", to.PodSelector.MatchLabels)
					}
				}
			}
		}
	})
}

func TestSecretsAndFilesAreThere(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		have := func(kind, name string) []string {
			if s := named[core.Secret](r, name); kind == "secret" && s != nil {
				return keysOf(s.Data)
			}
			if c := named[core.ConfigMap](r, name); kind == "config" && c != nil {
				return keysOf(c.Data)
			}
			if kind == "secret" {
				return given[name]
			}
			return nil
		}
		need := func(where, kind, name string, keys ...string) {
			there := have(kind, name)
			if there == nil {
				t.Errorf("%s: no %s %q", where, kind, name)
				return
			}
			for _, key := range keys {
				if !slices.Contains(there, key) {
					t.Errorf("%s: the %s %s has %v and no %s", where, kind, name, there, key)
				}
			}
		}
		for _, w := range workloads(r) {
			volumes := map[string]bool{}
			for _, v := range w.spec.Volumes {
				volumes[v.Name] = false
				switch {
				case v.Secret != nil:
					need(w.name, "secret", v.Secret.SecretName, itemKeys(v.Secret.Items)...)
					if v.Secret.DefaultMode == nil || *v.Secret.DefaultMode&0o007 != 0 {
						t.Errorf("%s: the files of Secret %s can be read by everybody", w.name, v.Secret.SecretName)
					}
				case v.ConfigMap != nil:
					need(w.name, "config", v.ConfigMap.Name, itemKeys(v.ConfigMap.Items)...)
				}
			}
			for _, v := range w.claims(r) {
				volumes[v] = false
			}
			for _, c := range containers(w.spec) {
				for _, m := range c.VolumeMounts {
					if _, there := volumes[m.Name]; !there {
						t.Errorf("%s/%s mounts %s, which is no volume", w.name, c.Name, m.Name)
					}
					volumes[m.Name] = true
				}
				for _, e := range c.Env {
					if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
						need(w.name+"/"+c.Name, "secret", e.ValueFrom.SecretKeyRef.Name, e.ValueFrom.SecretKeyRef.Key)
					}
				}
			}
			for name, used := range volumes {
				if !used {
					t.Errorf("%s: nobody mounts the volume %s", w.name, name)
				}
			}
		}
	})
}

func TestImagesAreFixed(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		for _, w := range workloads(r) {
			for _, c := range containers(w.spec) {
				_, tag, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
				if tag == "" || tag == "latest" {
					t.Errorf("%s/%s: %s has no tag that stays what it is", w.name, c.Name, c.Image)
				}
				if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
					t.Errorf("%s/%s has no bounds: %v", w.name, c.Name, c.Resources)
				}
			}
		}
	})
}

func keysOf[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func itemKeys(items []core.KeyToPath) []string {
	var keys []string
	for _, i := range items {
		keys = append(keys, i.Key)
	}
	return keys
}
