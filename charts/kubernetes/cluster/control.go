package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What is outside of the nodes: the control plane, DNS, and whoever comes from elsewhere.
const (
	outside   = "10.99.0.1"
	apiServer = "https://" + outside + ":6443"
	podCIDR   = "10.244.0.0/16" // a node's pods: 10.244.N.0/24
	services  = "10.96.0.0/16"
)

// control starts what decides: etcd, the API server, the controllers and the scheduler; and DNS, which knows Services from it.
func (c *cluster) control(ctx context.Context) error {
	pki := filepath.Join(c.folder, "pki")
	ca, err := newAuthority(pki)
	if err != nil {
		return err
	}
	for _, who := range []struct {
		name, user, group string
		addresses         []net.IP
	}{
		{"apiserver", "kube-apiserver", "", []net.IP{net.ParseIP(outside), net.IPv4(10, 96, 0, 1)}},
		{"apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters", nil},
		{"accounts", "service-accounts", "", nil},
	} {
		if err := ca.sign(who.name, who.user, who.group, who.addresses...); err != nil {
			return err
		}
	}
	users := [][3]string{
		{"kubeconfig", "administrator", "system:masters"},
		{"controllers.kubeconfig", "system:kube-controller-manager", ""},
		{"scheduler.kubeconfig", "system:kube-scheduler", ""},
		{"proxy.kubeconfig", "system:kube-proxy", ""},
		{"dns.kubeconfig", "dns", "system:masters"},
	}
	for n := range c.nodes {
		users = append(users, [3]string{nodeName(n) + ".kubeconfig", "system:node:" + nodeName(n), "system:nodes"})
	}
	for _, u := range users {
		if err := ca.kubeconfig(filepath.Join(c.folder, u[0]), u[1], u[2]); err != nil {
			return err
		}
	}

	if err := c.component(ctx, "etcd", "--data-dir="+filepath.Join(c.folder, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379", "--listen-peer-urls=http://127.0.0.1:2380"); err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(pki, name) }
	if err := c.component(ctx, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--bind-address="+outside, "--advertise-address="+outside, "--service-cluster-ip-range="+services,
		"--tls-cert-file="+file("apiserver.crt"), "--tls-private-key-file="+file("apiserver.key"), "--client-ca-file="+file("ca.crt"),
		"--kubelet-client-certificate="+file("apiserver-kubelet.crt"), "--kubelet-client-key="+file("apiserver-kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+file("accounts.key"),
		"--service-account-signing-key-file="+file("accounts.key"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged"); err != nil {
		return err
	}
	if err := until(ctx, func() error {
		_, err := c.kubectl(ctx, "", "get", "--raw=/readyz")
		return err
	}); err != nil {
		return err
	}
	config := func(name string) string { return "--kubeconfig=" + filepath.Join(c.folder, name+".kubeconfig") }
	if err := c.component(ctx, "kube-controller-manager", config("controllers"), "--bind-address=127.0.0.1", "--leader-elect=false",
		"--use-service-account-credentials", "--root-ca-file="+file("ca.crt"), "--service-account-private-key-file="+file("accounts.key")); err != nil {
		return err
	}
	if err := c.component(ctx, "kube-scheduler", config("scheduler"), "--bind-address=127.0.0.1", "--leader-elect=false"); err != nil {
		return err
	}
	return c.dns(ctx)
}

func (c *cluster) dns(ctx context.Context) error {
	corefile := filepath.Join(c.folder, "Corefile")
	if err := os.WriteFile(corefile, fmt.Appendf(nil, `.:53 {
    bind %s
    errors
    kubernetes cluster.local {
        kubeconfig %s
        pods verified
    }
}
`, outside, filepath.Join(c.folder, "dns.kubeconfig")), 0o600); err != nil {
		return err
	}
	return c.start(ctx, "dns", exec.CommandContext(ctx, filepath.Join(c.bin, "dns"), "-conf", corefile))
}

// volumes gives the cluster a default StorageClass, whose volumes are folders of the nodes: three of 20Gi for each.
func (c *cluster) volumes(ctx context.Context) error {
	docs := []string{`apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: folders, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
`}
	for n := range c.nodes {
		for v := range 3 {
			path := filepath.Join(c.folder, nodeName(n), "volumes", fmt.Sprint(v))
			if err := os.MkdirAll(path, 0o777); err != nil {
				return err
			}
			docs = append(docs, fmt.Sprintf(`apiVersion: v1
kind: PersistentVolume
metadata: {name: %[1]s-%[2]d}
spec:
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: folders
  persistentVolumeReclaimPolicy: Retain
  local: {path: %[3]s}
  nodeAffinity:
    required:
      nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%[1]s]}]}]
`, nodeName(n), v, path))
		}
	}
	_, err := c.kubectl(ctx, strings.Join(docs, "---\n"), "apply", "-f", "-")
	return err
}
