package coturn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// ErrUnreadable means that a user can't read a file, the commonest fault of TLS on a relay: coturn starts all the same, and refuses every handshake.
var ErrUnreadable = errors.New("coturn: not readable by coturn's user")

// Readable says whether a user may read a file, by owner, group and mode of it and of every directory above it. groups are all of the user's. Errors:
// ErrUnreadable, naming what stands in the way; and those of looking.
func Readable(path string, uid int, groups []int) error {
	path, err := filepath.EvalSymlinks(path)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return fmt.Errorf("coturn: %w", err)
	}
	if uid == 0 {
		return nil
	}
	for need := fs.FileMode(0o4); ; need = 0o1 {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("coturn: %w", err)
		}
		if !allows(info, uid, groups, need) {
			what := "read"
			if need == 0o1 {
				what = "enter"
			}
			return fmt.Errorf("%w: uid %d may not %s %s (%s)", ErrUnreadable, uid, what, path, info.Mode())
		}
		up := filepath.Dir(path)
		if up == path {
			return nil
		}
		path = up
	}
}

func allows(info fs.FileInfo, uid int, groups []int, need fs.FileMode) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case int(owner.Uid) == uid:
		return mode>>6&need == need
	case slices.Contains(groups, int(owner.Gid)):
		return mode>>3&need == need
	}
	return mode&need == need
}
