package charts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// nodeAddress is that of the node on which pods run here: private, as that of most is.
var nodeAddress = cmp.Or(os.Getenv(nodeIs), "10.20.30.40")

// A pod is what a kubelet makes of a workload, without its cgroups: each container's own command, arguments, variables and files, in a root that it can't write to,
// as a user who is nobody in particular and has no rights. All are in the network of the test.
type pod struct {
	rendered
	workload
	root    string
	running map[string]*process
}

type process struct {
	log   string
	ended chan struct{}
	cmd   *exec.Cmd
}

// pod gives it the files of its volumes, and the programs of its images.
func (r rendered) pod(t *testing.T, name string, hosts string) *pod {
	t.Helper()
	p := &pod{rendered: r, workload: r.workload(t, name), root: t.TempDir(), running: map[string]*process{}}
	put(t, filepath.Join(p.root, "etc/hosts"), []byte(hosts))
	open := map[string]bool{}
	for _, c := range containers(p.spec) {
		for _, m := range c.VolumeMounts {
			files, at := r.volume(t, p.workload, m.Name), filepath.Join(p.root, m.MountPath)
			if m.SubPath != "" {
				put(t, at, files[m.SubPath])
				continue
			}
			if err := os.MkdirAll(at, 0o777); err != nil {
				t.Fatal(err)
			}
			open[at] = len(files) == 0
			for file, text := range files {
				put(t, filepath.Join(at, file), text)
			}
		}
		copyProgram(t, program(t, p.program(c)), filepath.Join(p.root, p.program(c)))
		if c.Name == "coturn" {
			p.addCoturn(t)
		}
	}
	each := func(to func(path string, d fs.DirEntry) fs.FileMode) {
		err := filepath.WalkDir(p.root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if path == filepath.Join(p.root, "proc") {
				return fs.SkipDir
			}
			// Where something is mounted, the entry tells of the file below it, and the mode would be that of this machine's own device.
			at, err := os.Lstat(path)
			if err != nil || at.Mode()&(fs.ModeSymlink|fs.ModeDevice) != 0 {
				return err
			}
			return os.Chmod(path, to(path, d))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	unmount := p.addDevices(t)
	each(func(path string, d fs.DirEntry) fs.FileMode {
		switch {
		case open[path]:
			return 0o777
		case d.IsDir() || filepath.Dir(path) == p.root || strings.Contains(path, "/usr/"):
			return 0o555
		default:
			return 0o440
		}
	})
	t.Cleanup(func() {
		for _, running := range p.running {
			_ = running.cmd.Process.Kill()
			<-running.ended
		}
		unmount()
		each(func(string, fs.DirEntry) fs.FileMode { return 0o777 })
	})
	return p
}

// program is the one that a container's image starts with, or the one that the container names.
func (p *pod) program(c core.Container) string {
	if len(c.Command) > 0 {
		return c.Command[0]
	}
	image, _, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	return image
}

// addCoturn adds this machine's coturn, which is Debian's as the image's is, with the libraries that it is linked to.
func (p *pod) addCoturn(t *testing.T) {
	t.Helper()
	programs := []string{"/usr/bin/turnserver", "/usr/bin/sqlite3"}
	out, err := exec.CommandContext(t.Context(), "ldd", programs...).Output()
	if err != nil {
		t.Fatalf("ldd %v: %v", programs, err)
	}
	for _, word := range append(strings.Fields(string(out)), programs...) {
		if !strings.HasPrefix(word, "/") || strings.HasSuffix(word, ":") {
			continue
		}
		to := filepath.Join(p.root, word)
		if !strings.HasPrefix(word, "/usr/") {
			to = filepath.Join(p.root, "usr", word)
		}
		copyProgram(t, word, to)
	}
	for _, name := range []string{"lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(p.root, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// addDevices adds what every container has of the kernel's and programs ask for: turnctl finds coturn in /proc.
func (p *pod) addDevices(t *testing.T) (remove func()) {
	t.Helper()
	var at []string
	if err := os.Mkdir(p.root+"/proc", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"/dev/null", "/dev/urandom", "/proc"} {
		if device != "/proc" {
			put(t, p.root+device, nil)
		}
		if err := syscall.Mount(device, p.root+device, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
			t.Fatal(err)
		}
		at = append(at, p.root+device)
	}
	return func() {
		for _, device := range at {
			if err := syscall.Unmount(device, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	}
}

// copyProgram copies a file, which is then the pod's own: its mode is changed.
func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, text)
}

// command is one in a container, as the kubelet would start it.
func (p *pod) command(ctx context.Context, t *testing.T, c core.Container, words []string) *exec.Cmd {
	t.Helper()
	env := p.variables(t, p.workload, c)
	words = slices.Clone(words)
	for i := range words {
		for k, v := range env {
			words[i] = strings.ReplaceAll(words[i], "$("+k+")", v)
		}
	}
	cmd := exec.CommandContext(ctx, "/"+words[0], words[1:]...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/:/usr/bin"}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, k+"="+env[k])
	}
	user := int(*p.spec.SecurityContext.RunAsUser)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: p.root, Cloneflags: syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL, Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user), NoSetGroups: true},
		UidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// start starts a container.
func (p *pod) start(t *testing.T, c core.Container) *process {
	t.Helper()
	cmd := p.command(context.WithoutCancel(t.Context()), t, c, append([]string{p.program(c)}, c.Args...))
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s/%s: %v", p.name, c.Name, err)
	}
	x := &process{log: log.Name(), ended: make(chan struct{}), cmd: cmd}
	p.running[c.Name] = x
	go func() { _ = cmd.Wait(); _ = log.Close(); close(x.ended) }()
	return x
}

// said is the end of what a container has logged.
func (x *process) said() string {
	text, _ := os.ReadFile(x.log)
	return string(text[max(0, len(text)-3000):])
}

// runs runs the pod's containers until they have ended, first those that prepare it.
func (p *pod) runs(t *testing.T) {
	t.Helper()
	for i, group := range [][]core.Container{p.spec.InitContainers, p.spec.Containers} {
		var started sync.WaitGroup
		for _, c := range group {
			x := p.start(t, c)
			started.Go(func() {
				<-x.ended
				if !x.cmd.ProcessState.Success() {
					t.Errorf("%s/%s: %s\n%s", p.name, c.Name, x.cmd.ProcessState, x.said())
				}
			})
			if i == 0 {
				<-x.ended // one prepares the pod after the other
			}
		}
		started.Wait()
	}
}

// ready starts the pod, and waits until all its probes have passed.
func (p *pod) ready(t *testing.T) {
	t.Helper()
	for _, c := range p.spec.Containers {
		p.start(t, c)
	}
	for _, c := range p.spec.Containers {
		for _, probe := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if probe == nil {
				continue
			}
			x, last := p.running[c.Name], error(nil)
			err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
				select {
				case <-x.ended:
					return false, fmt.Errorf("it has ended: %s", x.cmd.ProcessState)
				default:
				}
				last = p.passes(ctx, c, probe)
				return last == nil, nil
			})
			if err != nil {
				t.Fatalf("%s/%s: not ready: %v\n%s", p.name, c.Name, errors.Join(err, last), x.said())
			}
		}
	}
}

// passes asks a container what its probe asks.
func (p *pod) passes(ctx context.Context, c core.Container, probe *core.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, probe.TimeoutSeconds))*time.Second)
	defer cancel()
	if probe.TCPSocket != nil {
		n, _ := port(c, probe.TCPSocket.Port)
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(nodeAddress, fmt.Sprint(n)))
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	n, _ := port(c, probe.HTTPGet.Port)
	host := nodeAddress
	if probe.HTTPGet.Host != "" {
		host = probe.HTTPGet.Host
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, fmt.Sprint(n))+probe.HTTPGet.Path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s", answer.Status)
	}
	return nil
}

// stop ends the pod as a kubelet does, and wants every program to end by itself in the time that it has for that.
func (p *pod) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*p.spec.TerminationGracePeriodSeconds)*time.Second)
	defer cancel()
	for _, c := range p.spec.Containers {
		x := p.running[c.Name]
		if c.Lifecycle != nil && c.Lifecycle.PreStop.Exec != nil {
			if out, err := p.command(ctx, t, c, c.Lifecycle.PreStop.Exec.Command).CombinedOutput(); err != nil {
				t.Errorf("%s/%s: before it stops: %v: %s", p.name, c.Name, err, out)
			}
			select {
			case <-x.ended:
				t.Errorf("%s/%s has ended before it was told to, which ends what runs before its stop", p.name, c.Name)
			default:
			}
		}
		_ = x.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-x.ended:
		case <-ctx.Done():
			t.Fatalf("%s/%s does not stop in the time that it has\n%s", p.name, c.Name, x.said())
		}
		if !x.cmd.ProcessState.Success() {
			t.Errorf("%s/%s: %s\n%s", p.name, c.Name, x.cmd.ProcessState, x.said())
		}
	}
}
