package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// all are the images, and what each can be asked: program, arguments, and a word of its answer.
var all = map[string][][]string{
	"edge":    {{"/edge", "default-config", "limit-sockets"}},
	"turnctl": {{"/turnctl", "version", "linux"}},
	"probe":   {{"/probe", "version", "linux"}},
	"nats":    {{"/nats-server", "--version", "nats-server"}},
	"coturn":  {{"/turnctl", "version", "linux"}, {"/usr/bin/turnserver", "--help", "--listening-port"}, {"/usr/bin/sqlite3", "--version", "."}},
}

// Each image is built twice, in different folders and by two people with other habits: the archives are the same to the last byte. The first is then read
// back and run.
func TestImages(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	if err := run(t.Context(), []string{"-out", first}); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"TZ": "Asia/Tokyo", "LC_ALL": "C", "GOAMD64": "v3", "GOARM64": "v9.0", "GOFLAGS": "-tags=nobody -buildvcs=true"} {
		t.Setenv(name, value)
	}
	defer syscall.Umask(syscall.Umask(0o077)) // set here, set back at the end
	if err := run(t.Context(), []string{"-out", second}); err != nil {
		t.Fatal(err)
	}
	for name, asks := range all {
		t.Run(name, func(t *testing.T) {
			a, errA := os.ReadFile(filepath.Join(first, name+".oci.tar"))
			b, errB := os.ReadFile(filepath.Join(second, name+".oci.tar"))
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Error("a second build is another image")
			}
			kinds := readBack(t, a)
			if len(kinds) != 1 {
				t.Fatalf("an image for %d kinds of nodes", len(kinds))
			}
			image := kinds[0]
			if r := image.config.Config.Labels["org.opencontainers.image.revision"]; len(r) < 40 {
				t.Errorf("of the revision %q", r)
			}
			root := image.check(t)
			for _, ask := range asks {
				image.run(t, root, ask)
			}
		})
	}
}

// One archive has an image for nodes of either kind: each program and library in it, and the loader that the kernel looks for, is for that processor.
func TestBothProcessors(t *testing.T) {
	out := t.TempDir()
	if err := run(t.Context(), []string{"-out", out, "-arch", "amd64,arm64", "coturn"}); err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(filepath.Join(out, "coturn.oci.tar"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := readBack(t, archive)
	if len(kinds) != 2 || kinds[0].config.Architecture != "amd64" || kinds[1].config.Architecture != "arm64" {
		t.Fatalf("%d kinds: %+v", len(kinds), kinds)
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	loader := map[string]string{"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}
	for _, i := range kinds {
		arch, programs := i.config.Architecture, 0
		root := i.check(t)
		entries(t, i.layer, func(h *tar.Header, content []byte) {
			if h.Typeflag != tar.TypeReg || h.Mode&0o111 == 0 {
				return
			}
			f, err := elf.NewFile(bytes.NewReader(content))
			if err != nil || f.Machine != machine[arch] {
				t.Errorf("%s: %s of the image for %s: %v", f.Machine, h.Name, arch, err)
			}
			programs++
		})
		if _, err := os.Stat(filepath.Join(root, loader[arch])); err != nil || programs < 30 {
			t.Errorf("%s: %d programs and libraries: %v", arch, programs, err)
		}
	}
}

// What can't be built is refused by what is missing.
func TestRefused(t *testing.T) {
	bare := t.TempDir()
	for path, text := range map[string]string{"charts/callmesh/Chart.yaml": "appVersion: \"1\"\n", "unsigned.list": "deb [signed-by=" + bare + "/none.gpg] http://deb.debian.org/debian bookworm main\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(bare, filepath.Dir(path)), 0o755), os.WriteFile(filepath.Join(bare, path), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for want, args := range map[string][]string{
		"no such image":         {"nginx"},
		"no such processor":     {"-arch", "amd64,riscv64", "nats"},
		"the page is not built": {"-root", bare, "edge"},
		"is not signed":         {"-debian", filepath.Join(bare, "unsigned.list"), "coturn"},
	} {
		err := run(t.Context(), append([]string{"-out", t.TempDir()}, args...))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

// A readImage is what a registry or a node finds in an archive.
type readImage struct {
	config struct {
		Architecture string
		Config       struct {
			User       string
			Entrypoint []string
			Env        []string
			Labels     map[string]string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	layer []byte // not compressed
}

// readBack reads the image for each kind of nodes.
func readBack(t *testing.T, archive []byte) (kinds []readImage) {
	t.Helper()
	files := map[string][]byte{}
	entries(t, archive, func(h *tar.Header, content []byte) { files[h.Name] = content })
	blob := func(d descriptor, into any) []byte {
		b := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		if digestOf(b) != d.Digest || len(b) != d.Size {
			t.Fatalf("%s: %d bytes with the digest %s", d.Digest, len(b), digestOf(b))
		}
		if into != nil {
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	var index struct{ Manifests []descriptor }
	if err := json.Unmarshal(files["index.json"], &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("index.json: %v", err)
	}
	if strings.Contains(index.Manifests[0].MediaType, "index") {
		blob(index.Manifests[0], &index)
	}
	for _, d := range index.Manifests {
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		blob(d, &manifest)
		var i readImage
		blob(manifest.Config, &i.config)
		z, err := gzip.NewReader(bytes.NewReader(blob(manifest.Layers[0], nil)))
		if err != nil {
			t.Fatal(err)
		}
		if i.layer, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
		if got := digestOf(i.layer); !slices.Equal(i.config.RootFS.DiffIDs, []string{got}) {
			t.Errorf("the layer is %s, the configuration says %v", got, i.config.RootFS.DiffIDs)
		}
		if d.Platform == nil || d.Platform.Architecture != i.config.Architecture {
			t.Errorf("for %+v, and of %s", d.Platform, i.config.Architecture)
		}
		kinds = append(kinds, i)
	}
	return kinds
}

func entries(t *testing.T, archive []byte, each func(h *tar.Header, content []byte)) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		each(h, content)
	}
}

// check looks at the image, and unpacks it.
func (i readImage) check(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	modes := map[string]int64{}
	entries(t, i.layer, func(h *tar.Header, content []byte) {
		modes["/"+h.Name] = h.Mode
		if h.Uid != 0 || h.Gid != 0 || h.Mode&0o6022 != 0 && h.Typeflag != tar.TypeSymlink {
			t.Errorf("%s: mode %o of %d:%d", h.Name, h.Mode, h.Uid, h.Gid)
		}
		if shells := []string{"sh", "bash", "dash", "busybox", "perl", "python3", "apt-get", "dpkg"}; slices.Contains(shells, path.Base(h.Name)) && strings.Contains(h.Name, "bin/") {
			t.Errorf("%s is in the image", h.Name)
		}
		name := filepath.Join(root, h.Name)
		var err error
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(name, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, name)
		default:
			err = os.WriteFile(name, content, os.FileMode(h.Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if i.config.Config.User != user || modes[i.config.Config.Entrypoint[0]]&0o111 == 0 {
		t.Errorf("it runs %v as %q", i.config.Config.Entrypoint, i.config.Config.User)
	}
	return root
}

// run runs a program of the image, which sees nothing of this machine's files, and is nobody in particular.
func (i readImage) run(t *testing.T, root string, ask []string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), ask[0], ask[1:len(ask)-1]...)
	c.Dir, c.Env = "/", i.config.Config.Env
	c.SysProcAttr = &syscall.SysProcAttr{
		Chroot: root, Cloneflags: syscall.CLONE_NEWUSER, Credential: &syscall.Credential{Uid: 65532, Gid: 65532, NoSetGroups: true},
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ask[0] == "/usr/bin/turnserver" {
		err = nil // its help ends with an error code
	}
	if err != nil || !strings.Contains(string(out), ask[len(ask)-1]) {
		t.Errorf("%v: %v: %s", ask, err, out)
	}
}
