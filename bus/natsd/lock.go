package natsd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockDir makes dir if it is missing and claims it for this Server. Two servers
// on one directory would write over each other's streams without noticing.
//
// The claim is a flock, which the kernel drops when the process ends however it
// ends: a kill leaves nothing to clean up. The file itself stays for good, since
// removing it would let a third process lock a new file beside a held old one.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		by := "another process"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			by = "process " + pid
		}
		return nil, fmt.Errorf("data directory %s is in use by %s: stop it, or choose another directory", dir, by)
	}
	// The pid is for the reader of that message; the lock does not need it.
	_ = f.Truncate(0)
	_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	return f, nil
}

// unlockDir gives the directory back. Doing it twice is harmless.
func unlockDir(f *os.File) { _ = f.Close() }
