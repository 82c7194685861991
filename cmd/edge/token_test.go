package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// What others may read of the file that was there, they may not of the token.
func TestTokenOutIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(path, []byte("an older one"), 0o644))
	must(t, os.Chmod(path, 0o644)) // whatever the umask
	c := tokenCommand()
	c.SetArgs([]string{"--user", "alice", "--data-dir", t.TempDir(), "--out", path})
	must(t, c.Execute())
	at, err := os.Stat(path)
	must(t, err)
	b, err := os.ReadFile(path)
	must(t, err)
	if at.Mode().Perm() != 0o600 || len(b) < 100 {
		t.Errorf("%s: mode %o, %d bytes; want 600 and a token", path, at.Mode().Perm(), len(b))
	}
}

func TestTokenOutToAPipe(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	must(t, err)
	defer func() { _, _ = r.Close(), w.Close() }()
	must(t, writeToken(filepath.Join("/proc/self/fd", strconv.Itoa(int(w.Fd()))), "a.b.c"))
	b := make([]byte, 10)
	n, err := r.Read(b)
	must(t, err)
	if got := string(b[:n]); got != "a.b.c\n" {
		t.Errorf("the pipe got %q", got)
	}
}
