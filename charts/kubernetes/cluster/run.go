package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A cluster is what runs inside of the namespaces.
type cluster struct {
	options
	fail context.CancelCauseFunc // ends all of it, and says why
	wait sync.WaitGroup
}

// run has a cluster until its command ends, or ctx does.
func run(ctx context.Context, o options) error {
	ctx, fail := context.WithCancelCause(ctx)
	c := &cluster{options: o, fail: fail}
	defer c.wait.Wait()
	defer fail(nil)
	began := time.Now()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"network", c.lay}, {"control plane", c.control}, {"nodes", c.startNodes}, {"volumes", c.volumes},
	} {
		if err := step.do(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("cluster: %s, %.0f s\n", step.name, time.Since(began).Seconds())
	}
	if len(o.command) == 0 {
		fmt.Println("cluster: until Ctrl-C")
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return cause
		}
		return nil
	}
	// kubectl and helm are this cluster's.
	if err := os.Setenv("PATH", filepath.Join(c.folder, "bin")+":"+os.Getenv("PATH")); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, o.command[0], o.command[1:]...)
	command.Env = c.environment()
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	err := command.Run()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return statusOf(err)
}

// environment is that of commands: the way into the cluster, and where its nodes are.
func (c *cluster) environment() []string {
	var nodes []string
	for n := range c.nodes {
		nodes = append(nodes, nodeAddress(n))
	}
	return append(os.Environ(),
		"KUBECONFIG="+filepath.Join(c.folder, "kubeconfig"), "CLUSTER="+c.folder, "CLUSTER_NODES="+strings.Join(nodes, " "))
}

// start starts a part of the cluster, which has to go on as long as the cluster does; its log is logs/NAME.log.
func (c *cluster) start(ctx context.Context, name string, command *exec.Cmd) error {
	path := filepath.Join(c.folder, "logs", name+".log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = log, log
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	// Of its own group: Ctrl-C is for this process, which ends the parts in order.
	command.SysProcAttr.Setpgid = true
	if err := command.Start(); err != nil {
		return err
	}
	c.wait.Go(func() {
		err := command.Wait()
		_ = log.Close()
		if ctx.Err() == nil {
			if err == nil {
				err = errors.New("by itself")
			}
			c.fail(fmt.Errorf("%s ended: %w: %s", name, err, lastLines(path)))
		}
	})
	return nil
}

// component is one of Kubernetes' programs.
func (c *cluster) component(ctx context.Context, name string, args ...string) error {
	return c.start(ctx, name, exec.CommandContext(ctx, filepath.Join(c.bin, "components"), append([]string{name}, args...)...))
}

// kubectl runs kubectl, and gives what it says.
func (c *cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "components"), append([]string{"kubectl", "--kubeconfig", filepath.Join(c.folder, "kubeconfig")}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// until tries again until it works, for two minutes.
func until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// sh runs commands one after the other, each a line of words.
func sh(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, bytes.TrimSpace(out))
		}
	}
	return nil
}

func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-5):], "\n")
}
