package charts

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// An apiserver is a real API server, with what nobody but it can say: whether an object may be made, and whether it may be changed into another.
type apiserver struct {
	kubeconfig string
	client     dynamic.Interface
}

// oneServer is the one of this run, which the first test that asks for it starts.
var oneServer = sync.OnceValues(startAPIServer)

// stopAPIServer ends it; runTests does, when all tests are over.
var stopAPIServer = func() {}

func server(t *testing.T) *apiserver {
	t.Helper()
	k, err := oneServer()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func startAPIServer() (*apiserver, error) {
	// make knows whether it was built already; without that it takes some minutes.
	if said, err := exec.Command("make", "--no-print-directory", "-C", "../..", "bin/apiserver").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make bin/apiserver: %w\n%s", err, said)
	}
	folder := filepath.Join(built, "apiserver")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	c := exec.Command("../../bin/apiserver", folder)
	c.Stdout, c.Stderr = log, log
	stdin, err := c.StdinPipe() // it ends when this does, however that comes
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	ended, how := make(chan struct{}), error(nil)
	go func() {
		how = c.Wait()
		close(ended)
	}()
	stopAPIServer = func() {
		_ = stdin.Close()
		<-ended
		_ = log.Close()
	}

	rest.SetDefaultWarningHandler(rest.NoWarnings{}) // that relays are not restricted is known, and tested
	k := &apiserver{kubeconfig: filepath.Join(folder, "kubeconfig")}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		select {
		case <-ended:
			return false, fmt.Errorf("the API server has ended: %w", how)
		default:
		}
		return k.ready(ctx), nil
	})
	if err == nil {
		err = k.addCRDs(ctx)
	}
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w\n%s", err, said[max(0, len(said)-1000):])
	}
	return k, nil
}

// ready says whether the server answers, and makes the client of the one that does.
func (k *apiserver) ready(ctx context.Context) bool {
	config, err := clientcmd.BuildConfigFromFlags("", k.kubeconfig)
	if err != nil {
		return false
	}
	config.QPS, config.Burst = 1000, 1000
	h, err := rest.HTTPClientFor(config)
	if err != nil {
		return false
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := h.Do(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return false
	}
	k.client, err = dynamic.NewForConfigAndClient(config, h)
	return err == nil
}

// The Prometheus operator's own definitions stand in its repository alone, from which nothing is compiled: so they are fetched by themselves.
const (
	operatorModule = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
	operatorSum    = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
)

var (
	crdResource       = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	namespaceResource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// enforceLabel names the standard of pod security that a namespace's pods must meet.
const enforceLabel = "pod-security.kubernetes.io/enforce"

// addCRDs adds those kinds that the chart uses and Kubernetes does not have, as their own projects define them.
func (k *apiserver) addCRDs(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", operatorModule).Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", operatorModule, err, out)
	}
	var operator struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &operator); err != nil {
		return err
	}
	if operator.Sum != operatorSum {
		return fmt.Errorf("%s has the sum %s", operatorModule, operator.Sum)
	}
	dirs, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api", "github.com/cert-manager/cert-manager").Output()
	if err != nil {
		return err
	}
	gateway, certManager, _ := strings.Cut(strings.TrimSpace(string(dirs)), "\n")
	monitoring := filepath.Join(operator.Dir, "example/prometheus-operator-crd/monitoring.coreos.com_")
	for _, file := range []string{
		monitoring + "servicemonitors.yaml", monitoring + "podmonitors.yaml", monitoring + "prometheusrules.yaml",
		filepath.Join(gateway, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"), filepath.Join(certManager, "deploy/crds/cert-manager.io_certificates.yaml"),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &crd.Object); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if _, err := k.client.Resource(crdResource).Create(ctx, crd, meta.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := k.served(ctx, crd); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// served waits until there are objects of a kind to be had, if none yet.
func (k *apiserver) served(ctx context.Context, crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := k.client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: plural}).List(ctx, meta.ListOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// namespaceFor makes a namespace, with a standard of pod security that is enforced in it.
func (k *apiserver) namespaceFor(t *testing.T, name, standard string) {
	t.Helper()
	ns := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": name, "labels": map[string]any{enforceLabel: standard}},
	}}
	if _, err := k.client.Resource(namespaceResource).Create(t.Context(), ns, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
