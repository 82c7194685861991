package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// What a flag names is replaced if it is a file, and is else written to: whoever names /dev/null or /dev/stdout, as root too, still has it afterwards.
func TestWriteOut(t *testing.T) { // not beside others: it leads the standard output elsewhere
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("file", "old")
	write("behind", "old")
	write("shell", "before\n")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink("behind", in("link")))
	must(os.Symlink("shell", in("stdout"))) // as /dev/stdout leads there
	must(syscall.Mkfifo(in("pipe"), 0o600))
	shell, err := os.OpenFile(in("shell"), os.O_WRONLY|os.O_APPEND, 0)
	must(err)
	defer func(was *os.File) { os.Stdout = was; _ = shell.Close() }(os.Stdout)
	os.Stdout = shell
	heard := make(chan string, 1)
	go func() {
		f, err := os.Open(in("pipe"))
		if err != nil {
			heard <- err.Error()
			return
		}
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(f)
		heard <- string(b) + errText(err)
	}()
	for name, c := range map[string]struct{ replaced, has string }{
		"file": {"file", "new"}, "none": {"none", "new"}, "link": {"behind", "new"}, "stdout": {"", "before\nnew"}, "pipe": {"", ""},
	} {
		replaced := ""
		must(WriteOut(in(name), []byte("new"), 0o600, func(path string) error {
			replaced = filepath.Base(path)
			return os.WriteFile(path, []byte("new"), 0o600)
		}))
		if replaced != c.replaced {
			t.Errorf("%s: %q was replaced, want %q", name, replaced, c.replaced)
		}
		if c.has == "" {
			select {
			case got := <-heard:
				if got != "new" {
					t.Errorf("the pipe got %q", got)
				}
			case <-time.After(10 * time.Second): // it has been replaced, say
				t.Error("nothing was written to the pipe")
			}
			continue
		}
		if got, err := os.ReadFile(in(name)); err != nil || string(got) != c.has {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	for name, mode := range map[string]os.FileMode{"link": os.ModeSymlink, "stdout": os.ModeSymlink, "pipe": os.ModeNamedPipe} {
		if at, err := os.Lstat(in(name)); err != nil || at.Mode().Type() != mode {
			t.Errorf("%s is %v now, %v", name, at, err)
		}
	}
	no := errors.New("no room")
	if err := WriteOut(in("other"), nil, 0o600, func(string) error { return no }); !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
