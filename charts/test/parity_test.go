package charts

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	core "k8s.io/api/core/v1"
)

// What the chart renders is read by the strict loaders of the programs themselves: each container's own command, with its files, its variables and its
// arguments as a kubelet would give them, and told to look at its configuration in place of doing its work.
func TestProgramsReadTheirConfiguration(t *testing.T) {
	each(t, func(t *testing.T, r rendered) { r.isReadByPrograms(t) })
}

func (r rendered) isReadByPrograms(t *testing.T) {
	t.Helper()
	for _, w := range workloads(r) {
		for _, c := range w.spec.Containers {
			var name string
			args := slices.Clone(c.Args)
			switch c.Name {
			case "edge":
				name, args[0] = "edge", "check-config"
			case "agent":
				name, args = "turnctl", append([]string{"watch", "check-config"}, args[1:]...)
			case "coturn":
				// Its configuration is right; what comes next is coturn, which is not in this root. turnctl's own tests start that with what it renders.
				name, args = "turnctl", slices.DeleteFunc(append(args, "--dry-run"), func(a string) bool { return a == "--supervise" })
			case "probe-agent", "probe-run", "probe-report":
				name, args = "probe", append([]string{args[0], "check-config"}, args[1:]...)
			case "nats":
				name, args = "nats-server", append(args, "-t")
			default:
				continue
			}
			out, err := r.run(t, w, c, name, args)
			if c.Name == "coturn" {
				if !strings.Contains(out, "stat /usr/bin/turnserver: no such file") {
					t.Errorf("%s/%s: %v: %s", w.name, c.Name, err, out)
				}
			} else if err != nil {
				t.Errorf("%s/%s: %v: %s", w.name, c.Name, err, out)
			}
		}
	}
}

// A key that nobody knows does not get through either: the test above would tell.
func TestProgramsRefuseWhatTheyDoNotKnow(t *testing.T) {
	r := render(t, nil)
	named[core.ConfigMap](r, "callmesh-edge").Data["edge.yaml"] += "\nlimit-sesions: 3\n"
	w := r.workload(t, "callmesh-edge")
	if out, err := r.run(t, w, w.container(t, "edge"), "edge", []string{"check-config", "--config", "/etc/callmesh/edge/edge.yaml"}); err == nil || !strings.Contains(out, "limit-sesions") {
		t.Errorf("%v: %s", err, out)
	}
}

// run runs a program in a root of its own, which has the container's volumes and nothing else.
func (r rendered) run(t *testing.T, w workload, c core.Container, name string, args []string) (string, error) {
	t.Helper()
	root := t.TempDir()
	copyFile(t, program(t, name), filepath.Join(root, name))
	for _, m := range c.VolumeMounts {
		files := r.volume(t, w, m.Name)
		if m.SubPath != "" {
			put(t, filepath.Join(root, m.MountPath), files[m.SubPath])
			continue
		}
		if err := os.MkdirAll(filepath.Join(root, m.MountPath), 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range files {
			put(t, filepath.Join(root, m.MountPath, file), text)
		}
	}
	env := r.variables(t, w, c)
	for i, a := range args {
		for k, v := range env {
			a = strings.ReplaceAll(a, "$("+k+")", v)
		}
		args[i] = a
	}
	cmd := exec.CommandContext(t.Context(), "/"+name, args...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/"}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, k+"="+env[k])
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: root, Cloneflags: syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// variables are those of a container, as a kubelet would fill them in on a node.
func (r rendered) variables(t *testing.T, w workload, c core.Container) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, e := range c.Env {
		switch {
		case e.ValueFrom == nil:
			v := e.Value
			for k, known := range env {
				v = strings.ReplaceAll(v, "$("+k+")", known)
			}
			env[e.Name] = v
		case e.ValueFrom.SecretKeyRef != nil:
			env[e.Name] = string(r.secret(t, e.ValueFrom.SecretKeyRef.Name)[e.ValueFrom.SecretKeyRef.Key])
		default:
			fields := map[string]string{"status.hostIP": nodeAddress, "spec.nodeName": "node-1", "metadata.name": w.name + "-0", "metadata.labels['apps.kubernetes.io/pod-index']": "0"}
			v, ok := fields[e.ValueFrom.FieldRef.FieldPath]
			if !ok {
				t.Fatalf("%s: %s", e.Name, e.ValueFrom.FieldRef.FieldPath)
			}
			env[e.Name] = v
		}
	}
	return env
}

// volume gives the files of a volume.
func (r rendered) volume(t *testing.T, w workload, name string) map[string][]byte {
	t.Helper()
	for _, v := range w.spec.Volumes {
		if v.Name != name {
			continue
		}
		files := map[string][]byte{}
		switch {
		case v.ConfigMap != nil:
			for k, text := range named[core.ConfigMap](r, v.ConfigMap.Name).Data {
				files[k] = []byte(text)
			}
		case v.Secret != nil:
			data := r.secret(t, v.Secret.SecretName)
			if len(v.Secret.Items) == 0 {
				return data
			}
			for _, i := range v.Secret.Items {
				files[i.Path] = data[i.Key]
			}
		}
		return files
	}
	return nil // a claim's, which is empty at first
}

// secret gives the data of a Secret of the chart, or of one that whoever installs would have made.
func (r rendered) secret(t *testing.T, name string) map[string][]byte {
	t.Helper()
	if s := named[core.Secret](r, name); s != nil {
		return s.Data
	}
	pair := named[core.Secret](render(t, nil), "callmesh-nats-tls").Data
	data := map[string][]byte{}
	for _, key := range given[name] {
		if data[key] = pair[key]; data[key] == nil {
			data[key] = []byte("a0123456789abcdef0123456789abcdef0123456789")
		}
	}
	return data
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if os.Link(from, to) == nil {
		return
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); errors.Join(err, out.Close()) != nil {
		t.Fatal(err)
	}
}
