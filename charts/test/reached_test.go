package charts

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
)

func edges(values map[string]any) map[string]any { return map[string]any{"edges": values} }

// WebSockets pass controllers that let none through unless they are told to, and the edge's own TLS is spoken by those that would not.
func TestIngressTellsControllers(t *testing.T) {
	ingress := map[string]any{"enabled": true, "host": "a.example"}
	plain := of[networking.Ingress](render(t, edges(map[string]any{"ingress": ingress})))[0].Annotations
	for key, want := range map[string]string{
		"nginx.org/websocket-services": "callmesh-edge", "projectcontour.io/websocket-routes": "/", "projectcontour.io/response-timeout": "infinity",
		"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600", "nginx.org/proxy-read-timeout": "1h", "nginx.ingress.kubernetes.io/backend-protocol": "",
	} {
		if plain[key] != want {
			t.Errorf("%s: %q, want %q", key, plain[key], want)
		}
	}
	values := edges(map[string]any{"hosts": []any{"a.example"}, "tls": map[string]any{"secretName": "calls-tls"}, "ingress": ingress})
	for key, want := range map[string]string{"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS", "nginx.org/ssl-services": "callmesh-edge", "haproxy.org/server-ssl": "true"} {
		if a := of[networking.Ingress](render(t, values))[0].Annotations; a[key] != want {
			t.Errorf("with TLS, %s: %q, want %q", key, a[key], want)
		}
	}
	ingress["annotations"] = map[string]any{"nginx.org/websocket-services": "another"}
	if a := of[networking.Ingress](render(t, edges(map[string]any{"ingress": ingress})))[0].Annotations; a["nginx.org/websocket-services"] != "another" {
		t.Errorf("an annotation that was given is %q", a["nginx.org/websocket-services"])
	}
}

// A name below a wildcard of the edges' is one of theirs, as it is for the edges.
func TestANameBelowAWildcard(t *testing.T) {
	render(t, edges(map[string]any{"hosts": []any{"*.example.org"}, "ingress": map[string]any{"enabled": true, "host": "calls.example.org"}}))
}

// Where callers come to edges directly, edges see who they are.
func TestCallersKeepTheirAddresses(t *testing.T) {
	for kind, want := range map[string]core.ServiceExternalTrafficPolicy{"ClusterIP": "", "NodePort": "Cluster", "LoadBalancer": "Local"} {
		s := named[core.Service](render(t, edges(map[string]any{"service": map[string]any{"type": kind}})), "callmesh-edge")
		if s.Spec.ExternalTrafficPolicy != want {
			t.Errorf("%s: %q, want %q", kind, s.Spec.ExternalTrafficPolicy, want)
		}
	}
}

// Edges may fetch the keys of the sign-in from where they are.
func TestEdgesReachTheSignIn(t *testing.T) {
	for url, want := range map[string]int32{"https://id.example.org/keys": 443, "https://id.example.org:8443/keys": 8443, "http://keycloak.id.svc:8080/keys": 8080, "http://keycloak.id.svc/keys": 80} {
		p := named[networking.NetworkPolicy](render(t, edges(map[string]any{"config": map[string]any{"auth-jwks-url": url}})), "callmesh-edge")
		var may []int32
		for _, rule := range p.Spec.Egress {
			for _, port := range rule.Ports {
				if len(rule.To) == 0 && port.Port.IntVal != 53 {
					may = append(may, port.Port.IntVal)
				}
			}
		}
		if len(may) != 1 || may[0] != want {
			t.Errorf("%s: ports %v", url, may)
		}
	}
}

// A pod that need not wait before it stops has no wait of no time, which Kubernetes before 1.33 refuses.
func TestNoWaitOfNoTime(t *testing.T) {
	r := render(t, edges(map[string]any{"preStopSeconds": 0.0}))
	if l := r.workload(t, "callmesh-edge").container(t, "edge").Lifecycle; l != nil {
		t.Errorf("%+v", l)
	}
}

// Nodes that are being emptied, or that pods may not run on, are not waited for; and an edge keeps no node from being given back.
func TestWhereEdgesAndNATSAreSpread(t *testing.T) {
	r := render(t, scenarios(t)["production"])
	spread := 0
	for _, w := range workloads(r) {
		for _, c := range w.spec.TopologySpreadConstraints {
			if c.WhenUnsatisfiable != core.DoNotSchedule {
				continue
			}
			spread++
			if c.NodeTaintsPolicy == nil || *c.NodeTaintsPolicy != core.NodeInclusionPolicyHonor {
				t.Errorf("%s: %s: pods stay pending beside nodes that take none", w.name, c.TopologyKey)
			}
		}
		if !strings.HasSuffix(w.name, "-edge") {
			continue
		}
		for _, v := range w.spec.Volumes {
			if v.EmptyDir != nil && w.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"] != v.Name {
				t.Errorf("%s keeps its node for its volume %s", w.name, v.Name)
			}
		}
	}
	if spread != 2 {
		t.Errorf("%d workloads have to be spread", spread)
	}
}
