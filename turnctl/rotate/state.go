package rotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

const maxState = 64 << 10

// kept is a rotation's state on disk, held by one process at a time.
type kept struct {
	path string
	lock *os.File
}

// ErrBusy means that another process is at the same rotation.
var ErrBusy = errors.New("rotate: another turnctl rotate is at work on this database; let it end, or end it")

// hold takes the state file at path for this process.
func hold(path string) (*kept, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("rotate: lock %s: %w", lock.Name(), err)
	}
	return &kept{path, lock}, nil
}

// release lets others have it.
func (k *kept) release() { _ = k.lock.Close() }

// read gives the state; there is false when no rotation is under way.
func (k *kept) read() (s State, there bool, err error) {
	b, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, false, nil
	}
	if err == nil && len(b) > maxState {
		err = fmt.Errorf("%d bytes", len(b))
	}
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return State{}, false, fmt.Errorf("rotate: %s does not say how far a rotation has come: %w; delete it to begin anew", k.path, err)
	}
	return s, true, nil
}

// write replaces the state; it is on disk when this returns.
func (k *kept) write(s State) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return replace(k.path, append(b, '\n'), 0o600, os.Geteuid(), os.Getegid())
}

// end forgets the rotation.
func (k *kept) end() error {
	if err := os.Remove(k.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rotate: %w", err)
	}
	return nil
}

// replace writes a file so that its name never stands for half of it, nor for one that its reader may not read. Only root can give files away.
func replace(path string, content []byte, mode fs.FileMode, uid, gid int) error {
	pending, err := renameio.TempFile(filepath.Dir(path), path)
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }()
	_, err = pending.Write(content)
	if os.Geteuid() == 0 {
		err = errors.Join(err, pending.Chown(uid, gid))
	}
	if err = errors.Join(err, pending.Chmod(mode)); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}
