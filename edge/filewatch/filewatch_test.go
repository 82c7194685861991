package filewatch_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callmesh/edge/filewatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is the content of a file, each time that it has changed.
func watched(t *testing.T, path string) <-chan string {
	t.Helper()
	seen := make(chan string, 100)
	last := ""
	w, err := filewatch.Start([]string{path}, slog.New(slog.DiscardHandler), func() {
		b, err := os.ReadFile(path)
		if s := string(b); err == nil && s != last {
			last = s
			seen <- s
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return seen
}

func await(t *testing.T, seen <-chan string, want string) {
	t.Helper()
	late := time.NewTimer(20 * time.Second) // less than the half minute after which it looks by itself
	defer late.Stop()
	for {
		select {
		case got := <-seen:
			if got == want {
				return
			}
		case <-late.C:
			t.Fatalf("%q was never told of", want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		t.Fatal(err)
	}
}

func TestInPlaceAndByRenaming(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	seen := watched(t, path)
	await(t, seen, "one")
	write(t, path, "two")
	await(t, seen, "two")
	write(t, path+".new", "three")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	await(t, seen, "three")
}

// As Kubernetes mounts a Secret: file -> ..data/file, and ..data -> a folder that is another one after a change.
func TestExchangedFolder(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, ".."+v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, ".."+v, "file"), v)
	}
	link(t, "..one", filepath.Join(dir, "..data"))
	link(t, filepath.Join("..data", "file"), filepath.Join(dir, "file"))
	seen := watched(t, filepath.Join(dir, "file"))
	await(t, seen, "one")
	link(t, "..two", filepath.Join(dir, "..data"))
	await(t, seen, "two")
	write(t, filepath.Join(dir, "..two", "file"), "three")
	await(t, seen, "three")
}

// As certbot does: a link in one folder to a link in another, to a file in a third.
func TestChainOfLinks(t *testing.T) {
	a, b, c := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(c, "one"), "one")
	write(t, filepath.Join(c, "two"), "two")
	link(t, filepath.Join(c, "one"), filepath.Join(b, "live"))
	link(t, filepath.Join(b, "live"), filepath.Join(a, "file"))
	seen := watched(t, filepath.Join(a, "file"))
	await(t, seen, "one")
	link(t, filepath.Join(c, "two"), filepath.Join(b, "live"))
	await(t, seen, "two")
}

func TestNoFolder(t *testing.T) {
	if _, err := filewatch.Start([]string{filepath.Join(t.TempDir(), "not", "there")}, slog.New(slog.DiscardHandler), func() {}); err == nil {
		t.Error("a folder that is not there is watched")
	}
}
