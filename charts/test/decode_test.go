package charts

import (
	"bufio"
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// decode reads one object; a field that its type does not have, and one that is there twice, is an error.
var decode = func() func([]byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		core.AddToScheme, apps.AddToScheme, autoscaling.AddToScheme, batch.AddToScheme, networking.AddToScheme, policy.AddToScheme, rbac.AddToScheme, monitoring.AddToScheme, gateway.Install, certmanager.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	d := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	return func(doc []byte) (runtime.Object, error) {
		o, _, err := d.Decode(doc, nil, nil)
		return o, err
	}
}()

func newLines(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

// of gives the objects of one type.
func of[T any](r rendered) []*T {
	var all []*T
	for _, o := range r.objects {
		if x, ok := any(o).(*T); ok {
			all = append(all, x)
		}
	}
	return all
}

// named gives the object of a type and name, nil if there is none.
func named[T any](r rendered, name string) *T {
	for _, o := range of[T](r) {
		if m, ok := any(o).(meta.Object); ok && m.GetName() == name {
			return o
		}
	}
	return nil
}

// A workload is whatever has pods.
type workload struct {
	name        string
	kind        string
	selector    map[string]string
	labels      map[string]string
	annotations map[string]string
	spec        core.PodSpec
}

func workloads(r rendered) []workload {
	var all []workload
	for _, d := range of[apps.Deployment](r) {
		all = append(all, workload{d.Name, "Deployment", d.Spec.Selector.MatchLabels, d.Spec.Template.Labels, d.Spec.Template.Annotations, d.Spec.Template.Spec})
	}
	for _, d := range of[apps.StatefulSet](r) {
		all = append(all, workload{d.Name, "StatefulSet", d.Spec.Selector.MatchLabels, d.Spec.Template.Labels, d.Spec.Template.Annotations, d.Spec.Template.Spec})
	}
	for _, d := range of[apps.DaemonSet](r) {
		all = append(all, workload{d.Name, "DaemonSet", d.Spec.Selector.MatchLabels, d.Spec.Template.Labels, d.Spec.Template.Annotations, d.Spec.Template.Spec})
	}
	for _, j := range of[batch.CronJob](r) {
		all = append(all, workload{j.Name, "CronJob", nil, j.Spec.JobTemplate.Spec.Template.Labels, j.Spec.JobTemplate.Spec.Template.Annotations, j.Spec.JobTemplate.Spec.Template.Spec})
	}
	for _, p := range of[core.Pod](r) {
		all = append(all, workload{p.Name, "Pod", nil, p.Labels, p.Annotations, p.Spec})
	}
	return all
}

// ends says whether its pods end by themselves.
func (w workload) ends() bool { return w.kind == "Pod" || w.kind == "CronJob" }

func containers(s core.PodSpec) []core.Container {
	return append(append([]core.Container(nil), s.InitContainers...), s.Containers...)
}

func (w workload) container(t *testing.T, name string) core.Container {
	t.Helper()
	for _, c := range containers(w.spec) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s has no container %s", w.name, name)
	return core.Container{}
}

func (r rendered) workload(t *testing.T, name string) workload {
	t.Helper()
	for _, w := range workloads(r) {
		if w.name == name {
			return w
		}
	}
	t.Fatalf("no workload %s", name)
	return workload{}
}
