package coturn

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestConfigOf(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-c", "/etc/t.conf", "--pidfile="}, "/etc/t.conf"},
		{[]string{"-n", "-c=/etc/t.conf"}, "/etc/t.conf"},
		{[]string{"-c/etc/t.conf"}, "/etc/t.conf"},
		{[]string{"--cert", "x", "-c"}, ""},
		{nil, ""},
	} {
		if got := configOf(c.args); got != c.want {
			t.Errorf("%q: %q, want %q", c.args, got, c.want)
		}
	}
}

func TestFindProcessFindsNone(t *testing.T) {
	if _, err := FindProcess(filepath.Join(t.TempDir(), "turnserver.conf")); !errors.Is(err, ErrNoProcess) {
		t.Errorf("%v", err)
	}
	if _, err := ReadProcess(os.Getpid()); !errors.Is(err, ErrNoProcess) {
		t.Errorf("this test passes for a turnserver: %v", err)
	}
}

func TestReadable(t *testing.T) {
	dir := t.TempDir()
	// Above the test's directory all may enter, or the test could not tell.
	for up := filepath.Dir(dir); len(up) > 1; up = filepath.Dir(up) {
		if info, err := os.Stat(up); err != nil || info.Mode().Perm()&0o1 == 0 {
			if err := os.Chmod(up, 0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Getuid(), os.Getgid()
	stranger := uid + 12345
	for _, c := range []struct {
		name      string
		dir, file os.FileMode
		uid       int
		groups    []int
		may       bool
	}{
		{"a stranger and 0600", 0o755, 0o600, stranger, []int{gid + 1}, false},
		{"its group and 0640", 0o755, 0o640, stranger, []int{gid + 1, gid}, true},
		{"anybody and 0644", 0o755, 0o644, stranger, nil, true},
		{"a directory that is closed", 0o700, 0o644, stranger, nil, false},
		{"a directory that can be entered", 0o711, 0o644, stranger, nil, true},
		{"root", 0o700, 0o600, 0, nil, true},
	} {
		if err := errors.Join(os.Chmod(dir, c.dir), os.Chmod(path, c.file)); err != nil {
			t.Fatal(err)
		}
		if err := Readable(path, c.uid, c.groups); (err == nil) != c.may || err != nil && !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := Readable(filepath.Join(dir, "none.pem"), stranger, nil); err == nil || errors.Is(err, ErrUnreadable) {
		t.Errorf("a file that is not there: %v", err)
	}
}
