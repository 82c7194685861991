package turnsecrets_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callmesh/cmd/internal/turnsecrets"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type text struct {
	mu sync.Mutex // guards the following
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) has(s string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(t.b.String(), s)
}

func write(t *testing.T, path, s string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatal("never came: " + what)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "old\n")
	log := &text{}
	f, err := turnsecrets.Open(path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	held := func() string {
		var all []string
		for _, s := range f.Secrets() {
			all = append(all, s.Reveal())
		}
		return strings.Join(all, " ")
	}
	if held() != "old" {
		t.Fatalf("holds %q", held())
	}
	write(t, path, "\nnew-one\r\nold\n\nnew-one\n")
	await(t, "the new secret", func() bool { return held() == "new-one old" })
	write(t, path, "\n")
	await(t, "what is wrong with it", func() bool { return log.has("is empty; put the secret into it") })
	if held() != "new-one old" {
		t.Errorf("after a bad file it holds %q", held())
	}
	write(t, path, "new-one")
	await(t, "the last secret", func() bool { return held() == "new-one" })
	if log.has("new-one") {
		t.Error("a secret was logged")
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"empty": {" \n", ""},
		"none":  {"\n\r\n", "none is empty; put the secret into it"},
		"many":  {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "holds 9 secrets, one a line; keep at most 8"},
		"long":  {strings.Repeat("x", 65<<10), "is longer than 65536 bytes; is it the right file?"},
	} {
		path := filepath.Join(dir, name)
		write(t, path, c.text)
		f, err := turnsecrets.Open(path, slog.New(slog.DiscardHandler))
		if err == nil {
			f.Close()
		}
		if c.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
