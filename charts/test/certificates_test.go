package charts

import (
	"crypto/x509"
	"regexp"
	"slices"
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// mounted are the Secrets from which the pods and the Ingress of a release take certificates, and the names under which callers come to each.
func mounted(t *testing.T, r rendered) map[string][]string {
	t.Helper()
	uses := map[string][]string{}
	for _, i := range of[networking.Ingress](r) {
		for _, x := range i.Spec.TLS {
			uses[x.SecretName] = append(uses[x.SecretName], x.Hosts...)
		}
	}
	tlsSecret := func(w workload) string {
		for _, v := range w.spec.Volumes {
			if v.Name == "tls" {
				return v.Secret.SecretName
			}
		}
		return ""
	}
	if name := tlsSecret(r.workload(t, "callmesh-edge")); name != "" {
		var edge struct {
			Hosts []string `json:"allowed-host"`
		}
		if err := yaml.Unmarshal([]byte(named[core.ConfigMap](r, "callmesh-edge").Data["edge.yaml"]), &edge); err != nil {
			t.Fatal(err)
		}
		uses[name] = append(uses[name], edge.Hosts...)
	}
	relay := r.workload(t, "callmesh-relay")
	if name := tlsSecret(relay); name != "" {
		text := strings.Join(relay.container(t, "agent").Args, "\n")
		for _, f := range named[core.ConfigMap](r, "callmesh-relay").Data {
			text += f
		}
		for _, u := range regexp.MustCompile(`turns:([^:"]+):`).FindAllStringSubmatch(strings.ReplaceAll(text, "$(NODE_NAME)", "node-1"), -1) {
			uses[name] = append(uses[name], u[1])
		}
	}
	return uses
}

// Each Secret that holds a certificate is one that cert-manager fills, with a certificate for every name under which callers come, of the issuer that was named.
func TestCertificatesAreForWhatIsReached(t *testing.T) {
	issuer := map[string]any{"enabled": true, "issuer": map[string]any{"name": "own", "kind": "Issuer"}}
	for name, c := range map[string]struct {
		values map[string]any
		names  string
	}{
		"a page behind an Ingress, a relay on each node":  {scenarios(t)["production"], "*.turn.example.org calls.example.org"},
		"edges that do TLS themselves, a relay of a name": {scenarios(t)["tls"], "calls.example.org turn.example.org"},
		"nodes that are known by name":                    {behindNAT(map[string]any{"node-1": "203.0.113.7", "node-2": "203.0.113.8"}), "node-1.turn.example.org node-2.turn.example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			r := render(t, merged(c.values, map[string]any{"certificates": issuer}))
			certificates := map[string]*certmanager.Certificate{}
			var names []string
			for _, c := range of[certmanager.Certificate](r) {
				if certificates[c.Spec.SecretName] != nil {
					t.Errorf("two certificates for the Secret %s", c.Spec.SecretName)
				}
				certificates[c.Spec.SecretName] = c
				names = append(names, c.Spec.DNSNames...)
				if i := c.Spec.IssuerRef; i.Name != "own" || i.Kind != "Issuer" || i.Group != "cert-manager.io" {
					t.Errorf("%s is of %+v", c.Name, i)
				}
			}
			slices.Sort(names)
			if strings.Join(names, " ") != c.names {
				t.Errorf("certificates are for %v, want %s", names, c.names)
			}
			uses := mounted(t, r)
			if len(uses) != len(certificates) || len(uses) == 0 {
				t.Errorf("%d certificates, and %v", len(certificates), uses)
			}
			for secret, hosts := range uses {
				if certificates[secret] == nil {
					t.Errorf("nobody fills the Secret %s", secret)
					continue
				}
				for _, host := range hosts {
					if err := (&x509.Certificate{DNSNames: certificates[secret].Spec.DNSNames}).VerifyHostname(host); err != nil {
						t.Errorf("%s: %v", secret, err)
					}
				}
			}
		})
	}
	if of[certmanager.Certificate](render(t, scenarios(t)["production"])) != nil {
		t.Error("a cluster without cert-manager could not be installed on")
	}
}
