package charts

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Values that make no sense are refused before anything is installed, in words that say which and why.
func TestWrongValuesAreRefused(t *testing.T) {
	for values, says := range map[string]string{
		"edge: {replicas: 3}":                                                        "additional properties 'edge' not allowed",
		"edges: {replica: 3}":                                                        "at '/edges': additional properties 'replica' not allowed",
		"edges: {replicas: 0}":                                                       "at '/edges/replicas': minimum: got 0, want 1",
		"edges: {replicas: two}":                                                     "at '/edges/replicas': got string, want integer",
		"edges: {config: {limit-sesions: 3}}":                                        "additional properties 'limit-sesions' not allowed",
		"edges: {config: {limit-sessions: many}}":                                    "got string, want integer",
		"edges: {config: {auth-secret: 0123456789}}":                                 "additional properties 'auth-secret' not allowed",
		"edges: {config: {listen: 0.0.0.0:80}}":                                      "additional properties 'listen' not allowed",
		"edges: {drainSeconds: 3600}":                                                "at '/edges/drainSeconds': maximum: got 3,600, want 600",
		"edges: {trustedProxies: [0.0.0.0/0]}":                                       "at '/edges/trustedProxies/0'",
		"edges: {hosts: ['https://calls.example.org']}":                              "at '/edges/hosts/0'",
		"edges: {tls: {secretName: calls-tls}}":                                      "edges.hosts: empty",
		"edges: {ingress: {enabled: true}}":                                          "edges.ingress.host: missing",
		"edges: {hosts: [a.example], ingress: {enabled: true, host: b.example}}":     "b.example of edges.ingress.host is not among them",
		"edges: {hosts: ['*.a.example'], ingress: {enabled: true, host: a.example}}": "a.example of edges.ingress.host is not among them",
		"edges: {hosts: [a.example], httpRoute: {enabled: true, parentRefs: [{name: g}], hostnames: [a.example, b.example]}}": "b.example of edges.httpRoute.hostnames is not among them",
		"edges: {httpRoute: {enabled: true}}":                                   "edges.httpRoute.parentRefs: missing",
		"edges: {autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 2}}": "minReplicas is more than maxReplicas",
		"edges: {service: {type: Headless}}":                                    "at '/edges/service/type': value must be one of",
		"edges: {resources: {limit: {memory: 1Gi}}}":                            "additional properties 'limit' not allowed",
		"region: EU West":                                  "at '/region'",
		"images: {tag: latest}":                            "has the tag latest",
		"images: {nats: 'nats:latest'}":                    "images: nats has the tag latest",
		"images: {edge: registry.example.org/edge}":        "at '/images/edge'",
		"nats: {replicas: 2}":                              "at '/nats/replicas': value must be one of 1, 3",
		"nats: {enabled: false}":                           "nats.external.urls: empty, and nats.enabled is false",
		"nats: {storage: {size: 8}}":                       "at '/nats/storage/size'",
		"nats: {storage: {maxStore: 9Gi}}":                 "nats.storage.maxStore: 9Gi is more than the volume of size 8Gi",
		"nats: {storage: {maxStore: 512Mi}}":               "does not hold the streams of a region",
		"nats: {gateways: {enabled: true}}":                "nats.gateways.secretName: missing",
		"nats: {gateways: {enabled: true, secretName: g}}": "nats.gateways.regions: empty",
		"nats: {gateways: {enabled: true, secretName: g, regions: {eu: ['a:7222']}}}":                                  "region: still local",
		"region: eu\nnats: {gateways: {enabled: true, secretName: g, advertise: 'b:7222', regions: {eu: ['a:7222']}}}": "nats.gateways.advertise: b:7222, and nats.gateways.regions has a:7222",
		"nats: {gateways: {regions: {eu: [nats.example.org]}}}":                                                        "at '/nats/gateways/regions/eu/0'",
		"nats: {enabled: false, external: {urls: ['nats://u:p@a:4222']}}":                                              "at '/nats/external/urls/0'",
		"nats: {enabled: false, external: {secretKeys: [url]}}":                                                        "nats.external.secretName: missing",
		"nats: {enabled: false, external: {urls: ['nats://a'], secretName: s, secretKeys: [tls.crt]}}":                 "tls.crt and tls.key go together",
		"coturn: {ports: {listen: 70000}}":                                                                             "at '/coturn/ports/listen': maximum: got 70,000, want 65,535",
		"coturn: {ports: {relayMin: 50000, relayMax: 50010}}":                                                          "fewer than 100 ports",
		"coturn: {ports: {relayMin: 3000, relayMax: 4000}}":                                                            "coturn.ports.listen: 3478 is among the relay ports",
		"coturn: {ports: {tls: 3478}}":                                                                                 "coturn.ports: listen and tls are the same, 3478",
		"coturn: {ports: {agent: 5349}}":                                                                               "coturn.ports: tls and agent are the same, 5349",
		"coturn: {ports: {cli: 50000}}":                                                                                "coturn.ports.cli: 50000 is among the relay ports",
		"coturn: {ports: {agent: 80}}":                                                                                 "at '/coturn/ports/agent': minimum",
		"coturn: {tls: {secretName: turn-tls}}":                                                                        "coturn.tls.host: missing",
		"coturn: {config: {secret: x}}":                                                                                "additional properties 'secret' not allowed",
		"coturn: {externalIP: relay.example.org}":                                                                      "at '/coturn/externalIP'",
		"coturn: {externalIPs: {node-1: relay.example.org}}":                                                           "at '/coturn/externalIPs/node-1'",
		"coturn: {externalIPs: {Node_1: 203.0.113.7}}":                                                                 "invalid propertyName 'Node_1'",
		"coturn: {externalIP: node, externalIPs: {node-1: 203.0.113.7}}":                                               "coturn.externalIPs: given together with externalIP",
		"coturn: {externalIP: 203.0.113.7, externalIPs: {node-1: 203.0.113.7}}":                                        "coturn.externalIPs: given together with externalIP",
		"coturn: {externalIPs: {node-1: 203.0.113.7, node-2: 203.0.113.7}}":                                            "node-1 and node-2 have the same address",
		"certificates: {enabled: true}":                                                                                "certificates.issuer.name: missing",
		"certificates: {enabled: true, issuer: {name: ca}}":                                                            "certificates.enabled: nothing wants a certificate",
		"certificates: {enabled: true, issuer: {name: ca}}\ncoturn: {tls: {secretName: turn-tls, host: turn-$(NODE_NAME).example.org}}": "certificates: none can be for turn-*.example.org",
		"monitoring: {prometheusRule: {runbooks: \"https://a/\\nevil:\\ty\"}}":                                                          "at '/monitoring/prometheusRule/runbooks'",
		"edges: {config: {auth-jwks-url: id.example.org}}":                                                                              "at '/edges/config/auth-jwks-url'",
		"edges: {turnUrls: ['turn:a b']}":                                                                                               "at '/edges/turnUrls/0'",
		"images: {registry: 'a/ b'}":                                                                                                    "at '/images/registry'",
		"secrets: {authSecret: x}":                                                                                                      "additional properties 'authSecret' not allowed",
		"networkPolicies: {nodeCIDRs: [10.0.0.1]}":                                                                                      "at '/networkPolicies/nodeCIDRs/0'",
		"test: {mode: relay}":                                                                                                           "at '/test/mode': value must be one of",
	} {
		if _, _, err := tryRender(t, parsed(t, values)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", values, err, says)
		}
	}
}

// parsed are values as they stand in a file.
func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return values
}

// Each key of the edge is either the chart's own business or can be set through edges.config: a new one that is neither was forgotten.
func TestEveryKeyOfTheEdgeIsKnown(t *testing.T) {
	own := strings.Fields(`listen admin-listen region data-dir nats-url nats-creds nats-nkey-file nats-ca nats-cert nats-key nats-replicas nats-listen
		auth-secret auth-secret-file guests tls-cert tls-key tls-self-signed tls-off turn-secret turn-secret-file turn-url turn-embedded turn-listen turn-relay-ip
		turn-min-port turn-max-port turn-allow-peer allowed-host trusted-proxies drain-timeout trace-header trace-header-file log-format`)
	var schema struct {
		Properties struct {
			Edges struct {
				Properties struct {
					Config struct{ Properties map[string]any }
				}
			}
		}
	}
	if err := yaml.Unmarshal(load(t).Schema, &schema); err != nil {
		t.Fatal(err)
	}
	settable := keysOf(schema.Properties.Edges.Properties.Config.Properties)
	out, err := exec.CommandContext(t.Context(), program(t, "edge"), "default-config").Output()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, m := range regexp.MustCompile(`(?m)^#?([a-z][a-z0-9-]*):`).FindAllStringSubmatch(string(out), -1) {
		keys = append(keys, m[1])
		if slices.Contains(own, m[1]) == slices.Contains(settable, m[1]) {
			t.Errorf("%s: the chart's own %v, in edges.config %v", m[1], slices.Contains(own, m[1]), slices.Contains(settable, m[1]))
		}
	}
	for _, k := range append(own, settable...) {
		if !slices.Contains(keys, k) {
			t.Errorf("%s is no key of the edge", k)
		}
	}
}
