package charts

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube"
	v1 "helm.sh/helm/v4/pkg/release/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// A helm is helm itself, in one namespace: server-side apply, and fields that the server does not know are errors, as its command line does.
type helm struct {
	*apiserver
	namespace string
	config    *action.Configuration
	mapper    apimeta.RESTMapper
	// Changes are made out by helm and not by the server, as helm 3 does it; then so are those of later upgrades.
	clientSide bool
}

func (k *apiserver) helm(t *testing.T, namespace string) *helm {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &k.kubeconfig, &namespace
	h := &helm{apiserver: k, namespace: namespace, config: action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))}
	if err := h.config.Init(flags, namespace, "secret"); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.mapper, err = flags.ToRESTMapper(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *helm) install(c *chart.Chart, values map[string]any) (*v1.Release, error) {
	i := action.NewInstall(h.config)
	i.ReleaseName, i.Namespace, i.WaitStrategy, i.Timeout = release, h.namespace, kube.HookOnlyStrategy, time.Minute
	i.ServerSideApply = !h.clientSide
	r, err := i.Run(c, values)
	rel, _ := r.(*v1.Release)
	return rel, err
}

// upgrade is to these values and the chart's own; how can ask for others.
func (h *helm) upgrade(c *chart.Chart, values map[string]any, how ...func(*action.Upgrade)) (*v1.Release, error) {
	u := action.NewUpgrade(h.config)
	u.Namespace, u.WaitStrategy, u.Timeout, u.ResetValues = h.namespace, kube.HookOnlyStrategy, time.Minute, true
	for _, set := range how {
		set(u)
	}
	r, err := u.Run(release, c, values)
	rel, _ := r.(*v1.Release)
	return rel, err
}

func (h *helm) rollback(revision int) error {
	r := action.NewRollback(h.config)
	r.Version, r.WaitStrategy, r.Timeout = revision, kube.HookOnlyStrategy, time.Minute
	return r.Run(release)
}

func (h *helm) uninstall() error {
	u := action.NewUninstall(h.config)
	u.WaitStrategy, u.Timeout = kube.HookOnlyStrategy, time.Minute
	_, err := u.Run(release)
	return err
}

// objects are those of a release as the server has them now, by kind and name; those that are gone are left out.
func (h *helm) objects(t *testing.T, manifest string) map[string]*unstructured.Unstructured {
	t.Helper()
	all := map[string]*unstructured.Unstructured{}
	for doc := range strings.SplitSeq(manifest, "\n---\n") {
		o := h.parse(t, doc)
		if o == nil {
			continue
		}
		have, err := h.resource(t, o).Get(t.Context(), o.GetName(), meta.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all[have.GetKind()+"/"+have.GetName()] = have
	}
	return all
}

// parse gives the object of a document, nil if it has none.
func (h *helm) parse(t *testing.T, doc string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	if len(o.Object) == 0 {
		return nil
	}
	return o
}

func (h *helm) resource(t *testing.T, o *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	kind := o.GroupVersionKind()
	m, err := h.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		t.Fatal(err)
	}
	return h.client.Resource(m.Resource).Namespace(h.namespace)
}

// wouldMake asks whether the server would make an object, with all its checks, and does not make it.
func (h *helm) wouldMake(t *testing.T, o *unstructured.Unstructured) error {
	t.Helper()
	_, err := h.resource(t, o).Create(t.Context(), o, meta.CreateOptions{DryRun: []string{meta.DryRunAll}, FieldValidation: meta.FieldValidationStrict})
	return err
}
