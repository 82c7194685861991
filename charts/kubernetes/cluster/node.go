package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// kernelSettings are the whole machine's, and kubelets write them; a node's are files of its own.
var kernelSettings = []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}

// runNode is a node: its folder has what it is to start, and what these keep.
func runNode(name, folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("not told to begin: %w", err)
	}
	if err := settle(name, folder); err != nil {
		return err
	}
	c := &cluster{options: options{folder: folder}}
	ctx, c.fail = context.WithCancelCause(ctx)
	defer c.wait.Wait()
	defer c.fail(nil)

	begin := func(program string, args ...string) error {
		return c.start(ctx, filepath.Base(program), exec.CommandContext(ctx, program, args...))
	}
	if err := begin("containerd", "--config", filepath.Join(folder, "containerd.toml")); err != nil {
		return err
	}
	if err := until(ctx, func() error { return sh(ctx, "ctr version") }); err != nil {
		return err
	}
	images, err := filepath.Glob(filepath.Join(folder, "images", "*.tar"))
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := sh(ctx, "ctr -n k8s.io images import "+image); err != nil {
			return err
		}
	}
	for _, program := range []string{"kubelet", "kube-proxy"} {
		args, err := os.ReadFile(filepath.Join(folder, program+".args"))
		if err != nil {
			return err
		}
		words := strings.Fields(string(args))
		if err := c.start(ctx, program, exec.CommandContext(ctx, words[0], words[1:]...)); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// settle makes the namespaces of this process a machine's: its name, its mounts, its control groups.
func settle(name, folder string) error {
	if err := syscall.Sethostname([]byte(name)); err != nil {
		return err
	}
	if err := own(); err != nil {
		return err
	}
	for path, at := range map[string]string{"kubelet": "/var/lib/kubelet", "log": "/var/log"} {
		if err := os.MkdirAll(filepath.Join(folder, path), 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(filepath.Join(folder, path), at, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	for _, setting := range kernelSettings {
		at := filepath.Join("/proc/sys", setting)
		was, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		file := filepath.Join(folder, "sys", strings.ReplaceAll(setting, "/", "."))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, was, 0o600); err != nil {
			return err
		}
		if err := syscall.Mount(file, at, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	for _, group := range cgroups(name) {
		if err := os.MkdirAll(group, 0o755); err != nil {
			return err
		}
	}
	// What kubelets mount is to be seen by the containers that have it, at once.
	return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, "")
}
