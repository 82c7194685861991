package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
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

// Each image is built twice, in different folders: the archives are the same to the last byte. The first is then read back and run.
func TestImages(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, out := range []string{first, second} {
		if err := run(t.Context(), []string{"-out", out}); err != nil {
			t.Fatal(err)
		}
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
			image := readBack(t, a)
			root := image.check(t)
			for _, ask := range asks {
				image.run(t, root, ask)
			}
		})
	}
}

// A readImage is what a registry or a node finds in an archive.
type readImage struct {
	config struct {
		Config struct {
			User       string
			Entrypoint []string
			Env        []string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	layer []byte // not compressed
}

func readBack(t *testing.T, archive []byte) (i readImage) {
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
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	blob(index.Manifests[0], &manifest)
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
	return i
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
