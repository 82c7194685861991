package charts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"
)

// claims are the volumes that a StatefulSet asks for.
func (w workload) claims(r rendered) []string {
	var names []string
	if s := named[apps.StatefulSet](r, w.name); s != nil && w.kind == "StatefulSet" {
		for _, c := range s.Spec.VolumeClaimTemplates {
			names = append(names, c.Name)
		}
	}
	return names
}

// As the standard "restricted" of pod security asks, relays' network and port below 1024 excepted.
func TestPodsAreRestricted(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		for _, w := range workloads(r) {
			s := w.spec
			relay := strings.HasSuffix(w.name, "-relay")
			if s.HostNetwork != relay || s.HostPID || s.HostIPC {
				t.Errorf("%s: in the node's namespaces: %v", w.name, s.HostNetwork)
			}
			if s.AutomountServiceAccountToken == nil || *s.AutomountServiceAccountToken {
				t.Errorf("%s gets a token for Kubernetes and has no use for it", w.name)
			}
			if s.EnableServiceLinks == nil || *s.EnableServiceLinks {
				t.Errorf("%s gets CALLMESH_* variables that its programs refuse", w.name)
			}
			p := s.SecurityContext
			if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || p.SeccompProfile == nil || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s: security of the pod: %+v", w.name, p)
			}
			for _, c := range containers(s) {
				x := c.SecurityContext
				if x == nil || x.AllowPrivilegeEscalation == nil || *x.AllowPrivilegeEscalation || x.ReadOnlyRootFilesystem == nil || !*x.ReadOnlyRootFilesystem ||
					x.Capabilities == nil || len(x.Capabilities.Drop) != 1 || x.Capabilities.Drop[0] != "ALL" {
					t.Errorf("%s/%s: security: %+v", w.name, c.Name, x)
				}
				if low := lowest(c) < 1024; (x.RunAsUser != nil || len(x.Capabilities.Add) > 0) != low {
					t.Errorf("%s/%s: root or a right, and its lowest port is %d", w.name, c.Name, lowest(c))
				}
				for _, v := range s.Volumes {
					if v.HostPath != nil {
						t.Errorf("%s mounts %s of its node", w.name, v.HostPath.Path)
					}
				}
			}
		}
	})
}

func lowest(c core.Container) int32 {
	low := int32(65535)
	for _, p := range c.Ports {
		low = min(low, p.ContainerPort)
	}
	return low
}

// port looks up a port of a container.
func port(c core.Container, p intstr.IntOrString) (int32, bool) {
	for _, have := range c.Ports {
		if have.Name == p.StrVal && p.Type == intstr.String || have.ContainerPort == p.IntVal && p.Type == intstr.Int {
			return have.ContainerPort, true
		}
	}
	return 0, false
}

// Ports that Services, policies, Ingress and probes name are those of containers.
func TestPortsMatch(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		all := func(selector map[string]string) (cs []core.Container) {
			for _, w := range workloads(r) {
				if w.labels["app.kubernetes.io/component"] == selector["app.kubernetes.io/component"] {
					cs = append(cs, w.spec.Containers...)
				}
			}
			return cs
		}
		has := func(what string, selector map[string]string, p intstr.IntOrString) {
			for _, c := range all(selector) {
				if _, ok := port(c, p); ok {
					return
				}
			}
			t.Errorf("%s: no container has the port %s", what, p.String())
		}
		services := map[string]map[intstr.IntOrString]bool{}
		for _, s := range of[core.Service](r) {
			services[s.Name] = map[intstr.IntOrString]bool{}
			for _, p := range s.Spec.Ports {
				has("Service "+s.Name, s.Spec.Selector, p.TargetPort)
				services[s.Name][intstr.FromString(p.Name)], services[s.Name][intstr.FromInt32(p.Port)] = true, true
			}
		}
		for _, p := range of[networking.NetworkPolicy](r) {
			for _, rule := range p.Spec.Ingress {
				for _, port := range rule.Ports {
					if port.Port == nil {
						continue // all ports, of UDP
					}
					has("NetworkPolicy "+p.Name, p.Spec.PodSelector.MatchLabels, *port.Port)
				}
			}
		}
		for _, i := range of[networking.Ingress](r) {
			b := i.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			if !services[b.Name][intstr.FromString(b.Port.Name)] {
				t.Errorf("Ingress %s: no port %s of %s", i.Name, b.Port.Name, b.Name)
			}
		}
		for _, h := range of[gateway.HTTPRoute](r) {
			b := h.Spec.Rules[0].BackendRefs[0]
			if !services[string(b.Name)][intstr.FromInt32(*b.Port)] {
				t.Errorf("HTTPRoute %s: no port %d of %s", h.Name, *b.Port, b.Name)
			}
		}
		for _, w := range workloads(r) {
			taken := map[string]string{}
			for _, c := range w.spec.Containers {
				for _, p := range c.Ports {
					if w.spec.HostNetwork && p.HostPort != p.ContainerPort {
						t.Errorf("%s/%s: port %s is %d here and %d on the node", w.name, c.Name, p.Name, p.ContainerPort, p.HostPort)
					}
					id := fmt.Sprint(p.ContainerPort, p.Protocol)
					if other := taken[id]; other != "" {
						t.Errorf("%s: %s and %s both have %s", w.name, other, c.Name, id)
					}
					taken[id] = c.Name
				}
				for _, probe := range []*core.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
					if w.ends() {
						continue
					}
					if probe == nil {
						if c.Name != "agent" {
							t.Errorf("%s/%s lacks a probe", w.name, c.Name)
						}
						continue
					}
					var p intstr.IntOrString
					if probe.HTTPGet != nil {
						p = probe.HTTPGet.Port
					} else {
						p = probe.TCPSocket.Port
					}
					if _, ok := port(c, p); !ok {
						t.Errorf("%s/%s: a probe asks the port %s, which it does not have", w.name, c.Name, p.String())
					}
				}
			}
		}
	})
}

// A pod is given the time to stop that its program takes.
func TestGraceIsLongerThanTheDrain(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		drains := func(config, file, key string) time.Duration {
			var c map[string]any
			if err := yaml.Unmarshal([]byte(named[core.ConfigMap](r, config).Data[file]), &c); err != nil {
				t.Fatal(err)
			}
			d, err := time.ParseDuration(fmt.Sprint(c[key]))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		for _, w := range workloads(r) {
			var takes time.Duration
			switch {
			case w.ends():
				continue
			case strings.HasSuffix(w.name, "-edge"):
				takes = time.Duration(w.container(t, "edge").Lifecycle.PreStop.Sleep.Seconds)*time.Second + drains(w.name, "edge.yaml", "drain-timeout")
			case strings.HasSuffix(w.name, "-relay"):
				takes = drains(w.name, "drain.yaml", "timeout") + 5*time.Second // supervise.Options.Grace
			case strings.HasSuffix(w.name, "-nats"):
				takes = 40 * time.Second // lame_duck_duration and its grace period
			}
			if grace := time.Duration(*w.spec.TerminationGracePeriodSeconds) * time.Second; grace <= takes {
				t.Errorf("%s has %s to stop and takes %s", w.name, grace, takes)
			}
		}
		for _, d := range of[apps.Deployment](r) {
			if u := d.Spec.Strategy.RollingUpdate; u.MaxUnavailable.IntValue() != 0 || u.MaxSurge.IntValue() < 1 {
				t.Errorf("%s: a rolling update takes edges away first: %v", d.Name, u)
			}
		}
	})
}
