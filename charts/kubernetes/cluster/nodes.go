package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// nodeName and nodeAddress are those of the nth node, from 0.
func nodeName(n int) string    { return fmt.Sprintf("node%d", n+1) }
func nodeAddress(n int) string { return fmt.Sprintf("10.99.0.%d", n+11) }
func nodePods(n int) string    { return fmt.Sprintf("10.244.%d.0/24", n+1) }

// nodeExternal is the address that the world has for it (of a range for documents, RFC 5737), as a cloud's nodes have one.
func nodeExternal(n int) string { return fmt.Sprintf("203.0.113.%d", n+11) }

// lay makes the folders, what is outside of the nodes, and a bridge for them to be plugged into.
func (c *cluster) lay(ctx context.Context) error {
	for _, folder := range []string{"pki", "logs", "bin"} {
		if err := os.MkdirAll(filepath.Join(c.folder, folder), 0o700); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"kubectl": fmt.Sprintf("#!/bin/sh\nexec %q kubectl \"$@\"\n", filepath.Join(c.bin, "components")),
		"helm":    fmt.Sprintf("#!/bin/sh\nexec %q \"$@\"\n", filepath.Join(c.bin, "helm")),
	} {
		if err := os.WriteFile(filepath.Join(c.folder, "bin", name), []byte(text), 0o700); err != nil {
			return err
		}
	}
	if err := own(); err != nil {
		return err
	}
	if err := sh(
		ctx, "ip link set lo up", "ip link add nodes type bridge", "ip addr add "+outside+"/24 dev nodes", "ip link set nodes up",
		"ip route add 203.0.113.0/24 dev nodes", "sysctl -q -w net.ipv4.ip_forward=1",
	); err != nil {
		return err
	}
	// Else what a bridge passes on would be routed in passing, and nothing would come back to the node that it is from.
	if setting := "net.bridge.bridge-nf-call-iptables"; exists("/proc/sys/" + strings.ReplaceAll(setting, ".", "/")) {
		if err := sh(ctx, "sysctl -q -w "+setting+"=0"); err != nil {
			return err
		}
	}
	return c.translate(ctx)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// translate stands nodes behind a NAT that passes everything on, address by address, as clouds do: nodes do not know their external addresses, and reach each
// other under them too.
func (c *cluster) translate(ctx context.Context) error {
	var to, from strings.Builder
	for n := range c.nodes {
		fmt.Fprintf(&to, "ip daddr %s dnat to %s\n", nodeExternal(n), nodeAddress(n))
		fmt.Fprintf(&from, "ip saddr %s ct status dnat snat to %s\n", nodeAddress(n), nodeExternal(n))
	}
	return nft(ctx, nil, fmt.Sprintf(`table ip cloud {
	chain in { type nat hook prerouting priority dstnat; %[1]s }
	chain own { type nat hook output priority -100; %[1]s }
	chain out { type nat hook postrouting priority srcnat; %[2]s }
}
`, to.String(), from.String()))
}

// nft gives rules to a network namespace: this process's, or that which the words before the command enter.
func nft(ctx context.Context, in []string, rules string) error {
	words := slices.Concat(in, []string{"nft", "-f", "-"})
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Stdin = strings.NewReader(rules)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}

// own makes this process's mounts its own, with a /run and a /proc for the processes that it sees.
func own() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	return syscall.Mount("run", "/run", "tmpfs", 0, "mode=755")
}

// startNodes starts them side by side, and waits until Kubernetes calls them Ready.
func (c *cluster) startNodes(ctx context.Context) error {
	for n := range c.nodes {
		if err := c.startNode(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", nodeName(n), err)
		}
	}
	// A Service is at each node; who comes from outside asks the first.
	if err := sh(ctx, "ip route add "+services+" via "+nodeAddress(0)); err != nil {
		return err
	}
	for n := range c.nodes {
		if err := c.initialize(ctx, n); err != nil {
			return err
		}
		if err := until(ctx, func() error {
			_, err := c.kubectl(ctx, "", "wait", "--for=condition=Ready", "--timeout=60s", "node/"+nodeName(n))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// initialize is what a cloud's controller does for a new node: it tells Kubernetes the node's addresses, and lets pods onto it.
func (c *cluster) initialize(ctx context.Context, n int) error {
	addresses := fmt.Sprintf(`{"status":{"addresses":[{"type":"InternalIP","address":%q},{"type":"ExternalIP","address":%q},{"type":"Hostname","address":%q}]}}`,
		nodeAddress(n), nodeExternal(n), nodeName(n))
	return until(ctx, func() error {
		if _, err := c.kubectl(ctx, "", "patch", "node", nodeName(n), "--subresource=status", "-p", addresses); err != nil {
			return err
		}
		_, err := c.kubectl(ctx, "", "taint", "node", nodeName(n), "node.cloudprovider.kubernetes.io/uninitialized-")
		return err
	})
}

// startNode starts a node's first process, and gives it a network.
func (c *cluster) startNode(ctx context.Context, n int) error {
	name := nodeName(n)
	folder := filepath.Join(c.folder, name)
	if err := c.configure(folder, n); err != nil {
		return err
	}
	// It begins when it has an address.
	gate, open, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = gate.Close() }()
	defer func() { _ = open.Close() }()
	node := exec.CommandContext(ctx, "/proc/self/exe", asNode, name, folder)
	node.Stdin = gate
	node.Cancel = func() error { return node.Process.Signal(syscall.SIGTERM) }
	node.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS, Pdeathsig: syscall.SIGKILL,
	}
	if err := c.start(ctx, name, node); err != nil {
		return err
	}
	pid := fmt.Sprint(node.Process.Pid)
	if err := os.WriteFile(filepath.Join(c.folder, name+".pid"), []byte(pid), 0o600); err != nil {
		return err
	}
	in := "nsenter -t " + pid + " -n "
	lines := []string{
		"ip link add " + name + " type veth peer name eth0 netns " + pid, "ip link set " + name + " master nodes up",
		in + "ip link set lo up", in + "ip addr add " + nodeAddress(n) + "/24 dev eth0", in + "ip link set eth0 up", in + "ip route add default via " + outside,
		in + "sysctl -q -w net.ipv4.ip_forward=1",
		"ip route add " + nodePods(n) + " via " + nodeAddress(n),
	}
	for other := range c.nodes {
		if other != n {
			lines = append(lines, in+"ip route add "+nodePods(other)+" via "+nodeAddress(other))
		}
	}
	if err := sh(ctx, lines...); err != nil {
		return err
	}
	// Who is not of the cluster answers nodes, and knows no pods.
	if err := nft(ctx, strings.Fields(in), fmt.Sprintf(
		"table ip pods {\n chain out {\n type nat hook postrouting priority srcnat\n ip saddr %s ip daddr != { %[1]s, 10.99.0.0/24 } masquerade\n }\n}\n", podCIDR)); err != nil {
		return err
	}
	_, err = io.WriteString(open, "go\n")
	return err
}

// removeCgroups removes the control groups of nodes that are gone.
func removeCgroups(nodes int) {
	for n := range nodes {
		for _, root := range cgroups(nodeName(n)) {
			var folders []string
			_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					folders = append(folders, path)
				}
				return nil
			})
			slices.Reverse(folders) // inner ones first
			for _, folder := range folders {
				_ = os.Remove(folder)
			}
		}
	}
}

// cgroups are the folders of a node's control group: one, or in version 1 one of each controller.
func cgroups(node string) []string {
	const base = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(base, "cgroup.controllers")); err == nil {
		return []string{filepath.Join(base, "callmesh-"+node)}
	}
	var all []string
	entries, _ := os.ReadDir(base)
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(base, e.Name())); err == nil && info.IsDir() {
			all = append(all, filepath.Join(base, e.Name(), "callmesh-"+node))
		}
	}
	return all
}
