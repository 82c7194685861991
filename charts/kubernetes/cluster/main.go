// Command cluster brings up a whole Kubernetes on this machine, of one node or more, and runs a command on it: etcd, kube-apiserver, the controllers,
// the scheduler and DNS beside each other, and for each node a containerd, a kubelet and a kube-proxy in namespaces of their own.
//
//	cluster -nodes 2 -images bin/images -- helm install callmesh charts/callmesh -n callmesh --create-namespace --wait
//
// Without a command everything goes on until Ctrl-C, and a shell enters with what is printed. All of it lives in network, mount and process namespaces that
// this program makes, and ends with them: nothing of the machine is listened on, mounted or routed. It takes root, and Debian's containerd, runc,
// containernetworking-plugins, iproute2 and nftables. What it sets on a cluster that a real one would choose otherwise: volumes are folders, NetworkPolicies
// are kept and not enforced, and no Service of type LoadBalancer gets an address.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// asNode is this program's first argument where it is a node's first process.
const asNode = "node"

// inside is set for the process that has the namespaces.
const inside = "CALLMESH_CLUSTER_INSIDE"

// options are the flags.
type options struct {
	nodes   int
	bin     string // absolute, of components, dns, pause and helm
	images  string // absolute; "": none
	folder  string // absolute
	command []string
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == asNode {
		end("node", runNode(os.Args[2], os.Args[3]))
	}
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err == nil {
		if os.Getenv(inside) == "" {
			err = enter(o)
		} else {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			err = run(ctx, o)
			stop()
		}
	}
	end("cluster", err)
}

// A status is that of the command, which has said itself what was wrong.
type status int

func (s status) Error() string { return fmt.Sprintf("status %d", int(s)) }

// statusOf takes a command's end for a status, if it is one.
func statusOf(err error) error {
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() > 0 {
		return status(ended.ExitCode())
	}
	return err
}

// end ends the process as err asks.
func end(who string, err error) {
	if err == nil {
		os.Exit(0)
	}
	if s, ok := errors.AsType[status](err); ok {
		os.Exit(int(s))
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", who, err)
	os.Exit(1)
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.IntVar(&o.nodes, "nodes", 1, "how many nodes, 1 to 5")
	flags.StringVar(&o.bin, "bin", "bin/kubernetes", "folder of components, dns, pause and helm")
	flags.StringVar(&o.images, "images", "", "folder of *.oci.tar that every node is to have")
	flags.StringVar(&o.folder, "folder", "", "where to keep everything, logs too; must not exist; default: a new one, removed at the end unless something failed")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.command = flags.Args()
	if o.nodes < 1 || o.nodes > 5 {
		return o, fmt.Errorf("-nodes is %d; it has to be 1 to 5", o.nodes)
	}
	for _, path := range []*string{&o.bin, &o.images, &o.folder} {
		if *path == "" {
			continue
		}
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return o, err
		}
	}
	return o, nil
}

// enter runs this program again, in namespaces of its own, and removes what it leaves outside of them.
func enter(o options) error {
	if os.Geteuid() != 0 {
		return errors.New("it takes root: nodes mount and route")
	}
	for _, tool := range []string{"containerd", "runc", "ctr", "ip", "nft", "/usr/lib/cni/ptp"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w; on Debian: apt-get install containerd runc containernetworking-plugins iproute2 nftables", err)
		}
	}
	// Kubelets look for things there that are not in this folder. Whoever has it has the names of nodes' control groups too, so there is one cluster at a time.
	const kubelet = "/var/lib/kubelet"
	err := os.Mkdir(kubelet, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	made := err == nil
	lock, err := os.Open(kubelet)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another cluster runs on this machine; end it first: %s: %w", kubelet, err)
	}
	if made {
		defer func() { _ = os.Remove(kubelet) }()
	}
	own := o.folder == ""
	if own {
		made, err := os.MkdirTemp("", "cluster")
		if err != nil {
			return err
		}
		o.folder = made
	} else if err := os.Mkdir(o.folder, 0o700); err != nil {
		return err
	}
	defer removeCgroups(o.nodes)

	c := exec.Command("/proc/self/exe", append([]string{
		fmt.Sprintf("-nodes=%d", o.nodes), "-bin=" + o.bin, "-images=" + o.images, "-folder=" + o.folder, "--",
	}, o.command...)...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), inside+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	// A terminal tells all of its processes; the inner one decides.
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Printf("cluster: in %s; to enter it: %s\n", o.folder, strings.Join([]string{
		"nsenter", "-t", fmt.Sprint(c.Process.Pid), "-n", "-m", "-p", "env", "KUBECONFIG=" + filepath.Join(o.folder, "kubeconfig"), "PATH=" + filepath.Join(o.folder, "bin") + ":$PATH", "bash",
	}, " "))
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		select {
		case s := <-told:
			_ = c.Process.Signal(s)
		case err = <-ended:
			if own && err == nil {
				return os.RemoveAll(o.folder)
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "cluster: logs are in %s\n", filepath.Join(o.folder, "logs"))
			}
			return statusOf(err)
		}
	}
}
