package charts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	networking "k8s.io/api/networking/v1"
)

// outward are the ports of TCP, as from-to, on which a policy lets pods out to wherever they like, DNS aside.
func outward(p *networking.NetworkPolicy) (all []string) {
	for _, rule := range p.Spec.Egress {
		if len(rule.To) == 0 && len(rule.Ports) == 0 {
			return []string{"any"}
		}
		for _, port := range rule.Ports {
			if len(rule.To) > 0 || port.Port.IntVal == 53 {
				continue
			}
			from, to := port.Port.IntVal, port.Port.IntVal
			if port.EndPort != nil {
				to = *port.EndPort
			}
			all = append(all, fmt.Sprintf("%d-%d", from, to))
		}
	}
	return all
}

// Whatever has a network of its own has a policy too: where a namespace lets nothing through unless a policy does, it works as well.
func TestEveryPodHasAPolicy(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		var has []string
		for _, p := range of[networking.NetworkPolicy](r) {
			has = append(has, p.Spec.PodSelector.MatchLabels["app.kubernetes.io/component"])
			if !slices.Contains(p.Spec.PolicyTypes, networking.PolicyTypeEgress) || !slices.Contains(p.Spec.PolicyTypes, networking.PolicyTypeIngress) {
				t.Errorf("%s is for %v alone", p.Name, p.Spec.PolicyTypes)
			}
		}
		if len(has) == 0 {
			return // they are off
		}
		for _, w := range workloads(r) {
			if c := w.labels["app.kubernetes.io/component"]; !w.spec.HostNetwork && !slices.Contains(has, c) {
				t.Errorf("%s has no policy", w.name)
			}
		}
	})
}

// Relays' agents come from their nodes. There are networks for which a node is no address, so that no range of addresses has it: only a rule without any does.
func TestRelaysReachNATS(t *testing.T) {
	for values, want := range map[string]string{
		"": "anybody",
		"networkPolicies: {nodeCIDRs: [10.1.0.0/16]}": "edge 10.1.0.0/16",
		"coturn: {enabled: false}":                    "edge",
	} {
		p := named[networking.NetworkPolicy](render(t, parsed(t, values)), "callmesh-nats")
		var who []string
		for _, rule := range p.Spec.Ingress {
			if rule.Ports[0].Port.StrVal != "client" {
				continue
			}
			if len(rule.From) == 0 {
				who = append(who, "anybody")
			}
			for _, from := range rule.From {
				if from.IPBlock != nil {
					who = append(who, from.IPBlock.CIDR)
				} else {
					who = append(who, from.PodSelector.MatchLabels["app.kubernetes.io/component"])
				}
			}
		}
		if got := strings.Join(who, " "); got != want {
			t.Errorf("%s: %s; want %s", values, got, want)
		}
	}
}

// What is let out by a policy is what is needed: nothing that was broken into asks port 80 of the address at which clouds hand out the rights of a node.
func TestWhereNATSOfOthersIs(t *testing.T) {
	const high = "1024-65535"
	gateways := "region: eu\nnats: {gateways: {enabled: true, secretName: g, regions: {eu: ['a:7222'], us: ['b:7333', 'c:443']}}}"
	for values, want := range map[string]map[string][]string{
		"": {"callmesh-edge": nil, "callmesh-nats": nil},
		"nats: {enabled: false, external: {urls: ['nats://a', 'tls://b:4443']}}\nprobe: {enabled: true}": {
			"callmesh-edge": {high}, "callmesh-probe-run": {high}, "callmesh-probe-report": {high}, "callmesh-probe-agent": {"any"},
		},
		"nats: {enabled: false, external: {urls: ['wss://a', 'ws://b/', 'tls://c:222', 'wss://d:443']}}": {"callmesh-edge": {high, "443-443", "80-80", "222-222"}},
		"nats: {enabled: false, external: {secretName: s, secretKeys: [url]}}":                           {"callmesh-edge": {high, "443-443"}},
		gateways: {"callmesh-nats": {"7222-7222", "7333-7333", "443-443"}},
	} {
		r := render(t, parsed(t, values))
		for name, ports := range want {
			p := named[networking.NetworkPolicy](r, name)
			if p == nil {
				t.Errorf("%s: no policy %s", values, name)
			} else if got := outward(p); !slices.Equal(got, ports) {
				t.Errorf("%s: %s: %v; want %v", values, name, got, ports)
			}
		}
	}
}
