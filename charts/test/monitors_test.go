package charts

import (
	"strconv"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What monitors read is there: a Service or a pod with that port, at the path where the programs have their metrics.
func TestMonitorsFindWhatTheyRead(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		for _, m := range of[monitoring.ServiceMonitor](r) {
			found := 0
			for _, s := range of[core.Service](r) {
				if !labels.SelectorFromSet(m.Spec.Selector.MatchLabels).Matches(labels.Set(s.Labels)) {
					continue
				}
				for _, p := range s.Spec.Ports {
					if p.Name == m.Spec.Endpoints[0].Port {
						found++
					}
				}
			}
			if found != 1 || m.Spec.Endpoints[0].Path != "/metrics" || m.Spec.NamespaceSelector.MatchNames[0] != namespace {
				t.Errorf("ServiceMonitor %s reads %d ports: %+v", m.Name, found, m.Spec.Endpoints)
			}
		}
		for _, m := range of[monitoring.PodMonitor](r) {
			found := 0
			for _, w := range workloads(r) {
				if !labels.SelectorFromSet(m.Spec.Selector.MatchLabels).Matches(labels.Set(w.labels)) {
					continue
				}
				for _, c := range w.spec.Containers {
					if _, ok := port(c, intstr.FromString(*m.Spec.PodMetricsEndpoints[0].Port)); ok {
						found++
					}
				}
			}
			if found != 1 || m.Spec.PodMetricsEndpoints[0].Path != "/metrics" {
				t.Errorf("PodMonitor %s reads %d ports: %+v", m.Name, found, m.Spec.PodMetricsEndpoints)
			}
		}
	})
}

// Whatever serves metrics is read: by monitors, or, without the operator, by the annotations of pods.
func TestAllMetricsAreRead(t *testing.T) {
	r := render(t, scenarios(t)["production"])
	monitored := map[string]bool{}
	for _, m := range of[monitoring.ServiceMonitor](r) {
		for _, s := range of[core.Service](r) {
			if labels.SelectorFromSet(m.Spec.Selector.MatchLabels).Matches(labels.Set(s.Labels)) {
				monitored[s.Spec.Selector["app.kubernetes.io/component"]] = true
			}
		}
	}
	for _, m := range of[monitoring.PodMonitor](r) {
		monitored[m.Spec.Selector.MatchLabels["app.kubernetes.io/component"]] = true
	}
	for _, component := range []string{"edge", "relay", "probe-agent", "probe-report"} {
		if !monitored[component] {
			t.Errorf("nobody reads the metrics of %s", component)
		}
	}
	r = render(t, scenarios(t)["no-prometheus-operator"])
	for _, w := range workloads(r) {
		if w.kind != "Deployment" && w.kind != "DaemonSet" {
			continue
		}
		p, err := strconv.Atoi(w.annotations["prometheus.io/port"])
		if err != nil || w.annotations["prometheus.io/scrape"] != "true" {
			t.Errorf("%s: %v", w.name, w.annotations)
			continue
		}
		found := 0
		for _, c := range w.spec.Containers {
			if _, ok := port(c, intstr.FromInt(p)); ok {
				found++
			}
			if a := strings.Join(c.Args, " "); strings.Contains(a, "--admin-listen=127.0.0.1") {
				t.Errorf("%s shows its metrics to nobody but its node: %s", w.name, a)
			}
		}
		if found != 1 {
			t.Errorf("%s: %d containers have the port %d", w.name, found, p)
		}
	}
}
