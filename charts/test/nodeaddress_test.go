package charts

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

// asking are relays that ask Kubernetes for their nodes' public addresses.
var asking = map[string]any{"coturn": map[string]any{"externalIP": "node"}}

// One container of all has a token, and that is good for nothing but to get nodes.
func TestWhoMayAskKubernetes(t *testing.T) {
	r := render(t, asking)
	role, binding := named[rbac.ClusterRole](r, namespace+":callmesh-relay"), named[rbac.ClusterRoleBinding](r, namespace+":callmesh-relay")
	if role == nil || binding == nil || !reflect.DeepEqual(role.Rules, []rbac.PolicyRule{{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get"}}}) {
		t.Fatalf("%+v", role)
	}
	account := rbac.Subject{Kind: "ServiceAccount", Name: "callmesh-relay", Namespace: namespace}
	if binding.RoleRef.Name != role.Name || binding.RoleRef.Kind != "ClusterRole" || len(binding.Subjects) != 1 || binding.Subjects[0] != account || named[core.ServiceAccount](r, account.Name) == nil {
		t.Errorf("%+v", binding)
	}
	for _, w := range workloads(r) {
		if relay := w.name == "callmesh-relay"; (w.spec.ServiceAccountName == account.Name) != relay {
			t.Errorf("%s is %s", w.name, w.spec.ServiceAccountName)
		}
		tokens := map[string]bool{}
		for _, v := range w.spec.Volumes {
			tokens[v.Name] = v.Projected != nil
		}
		for _, c := range containers(w.spec) {
			for _, m := range c.VolumeMounts {
				if tokens[m.Name] != (c.Name == "node-address" && m.Name == "kubernetes") {
					t.Errorf("%s/%s mounts %s", w.name, c.Name, m.Name)
				}
			}
		}
	}
	if r := render(t, nil); len(of[rbac.ClusterRole](r)) > 0 || len(of[rbac.ClusterRoleBinding](r)) > 0 {
		t.Error("whoever may not make a ClusterRole can't install the chart, though nothing needs it")
	}
}

// What node-address writes is what coturn and the agent read, at the same place.
func TestWhatWasAskedIsRead(t *testing.T) {
	r := render(t, asking)
	w := r.workload(t, "callmesh-relay")
	args := strings.Join(w.container(t, "node-address").Args, " ")
	if args != "node-address --node=$(NODE_NAME) --listen-ip=$(HOST_IP) --out=/run/callmesh/external-ip" {
		t.Error(args)
	}
	// As the first container would have left it.
	found := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "found"}, Data: map[string]string{"external-ip": "203.0.113.7\n"}}
	r.objects = append(r.objects, found)
	volumes := named[apps.DaemonSet](r, "callmesh-relay").Spec.Template.Spec.Volumes
	for i := range volumes {
		if volumes[i].Name == "address" {
			volumes[i].VolumeSource = core.VolumeSource{ConfigMap: &core.ConfigMapVolumeSource{LocalObjectReference: core.LocalObjectReference{Name: "found"}}}
		}
	}
	r.isReadByPrograms(t)
	found.Data["external-ip"] = "node-1.example\n"
	w = r.workload(t, "callmesh-relay")
	for _, name := range []string{"coturn", "agent"} {
		c := w.container(t, name)
		args := c.Args
		if name == "coturn" {
			args = append(args, "--dry-run")
		}
		if out, err := r.run(t, w, c, "turnctl", args); err == nil || !strings.Contains(out, "external-ip-file: /run/callmesh/external-ip holds") {
			t.Errorf("%s does not read it: %v: %s", name, err, out)
		}
	}
}

// On a real server, with the account's own token: it is told the node's address, and another account is not.
func TestRelayAsksForItsNode(t *testing.T) {
	k := server(t)
	k.namespaceFor(t, "asking", "privileged")
	h := k.helm(t, "asking")
	if _, err := h.install(load(t), asking); err != nil {
		t.Fatal(err)
	}
	nodes := k.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
	node := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": "node-1"}}}
	node, err := nodes.Create(t.Context(), node, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Object["status"] = map[string]any{"addresses": []any{
		map[string]any{"type": "InternalIP", "address": nodeAddress}, map[string]any{"type": "ExternalIP", "address": "203.0.113.7"},
	}}
	if _, err := nodes.UpdateStatus(t.Context(), node, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", k.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	asks := func(account string) (string, error) {
		request := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": map[string]any{"name": account}, "spec": map[string]any{},
		}}
		accounts := k.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace("asking")
		answer, err := accounts.Create(t.Context(), request, meta.CreateOptions{}, "token")
		if err != nil {
			t.Fatal(err)
		}
		token, _, _ := unstructured.NestedString(answer.Object, "status", "token")
		dir := t.TempDir()
		put(t, filepath.Join(dir, "token"), []byte(token))
		put(t, filepath.Join(dir, "ca.crt"), config.CAData)
		file := filepath.Join(dir, "external-ip")
		out, err := exec.CommandContext(t.Context(), program(t, "turnctl"), "node-address", "--node=node-1", "--listen-ip="+nodeAddress, "--out="+file,
			"--server="+config.Host, "--credentials="+dir, "--patience=5s").CombinedOutput()
		if err != nil {
			return string(out), err
		}
		text, err := os.ReadFile(file)
		return string(text), err
	}
	if found, err := asks("callmesh-relay"); err != nil || found != "203.0.113.7\n" {
		t.Errorf("%v: %q", err, found)
	}
	if said, err := asks("callmesh"); err == nil || !strings.Contains(said, "does not let this account read nodes (403") {
		t.Errorf("other pods could ask too: %v: %s", err, said)
	}
	if err := h.uninstall(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.client.Resource(schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}).
		Get(t.Context(), "asking-callmesh-relay", meta.GetOptions{}); err == nil {
		t.Error("the ClusterRole outlives the release")
	}
}

// What is of no namespace has a name that no other release in no other namespace has.
func TestClusterRolesAreApart(t *testing.T) {
	k := server(t)
	for ns, values := range map[string]string{"apart": "fullnameOverride: b-callmesh", "apart-b": "fullnameOverride: callmesh"} {
		k.namespaceFor(t, ns, "privileged")
		if _, err := k.helm(t, ns).install(load(t), merged(parsed(t, values), map[string]any{"coturn": map[string]any{"externalIP": "node"}})); err != nil {
			t.Errorf("%s: %v", ns, err)
		}
	}
}
