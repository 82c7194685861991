package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
)

// Host is the machine.
type Host struct {
	// Service runs coturn.
	Service Service
}

// ids are a user's; -1 for nobody.
func ids(name string) (uid, gid int, err error) {
	if name == "" {
		return -1, -1, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return -1, -1, fmt.Errorf("provision: %w; name the user that coturn runs as", err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

const maxFile = 4 << 20

// Observe looks at what a plan depends on. It changes nothing.
func (h Host) Observe(ctx context.Context, want Want) (Facts, error) {
	have := Facts{Files: map[string]FileFacts{}}
	var err error
	if have.UID, have.GID, err = ids(want.User); err != nil && want.Package == "" {
		return have, err
	}
	if _, err := os.Stat(want.Binary); err == nil {
		v, err := coturn.Installed(ctx, want.Binary)
		if err != nil {
			return have, err
		}
		have.Version = v
	} else if want.Package == "" {
		return have, fmt.Errorf("provision: %w; install coturn, or give --install", err)
	}
	for _, f := range want.Files {
		is, err := read(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return have, fmt.Errorf("provision: %w", err)
		}
		have.Files[f.Path] = is
	}
	if err := observeSecrets(ctx, want, &have); err != nil {
		return have, err
	}
	running, err := h.Service.Running(ctx)
	have.Running = running
	return have, err
}

func read(path string) (FileFacts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return FileFacts{}, err
	}
	if info.Size() > maxFile || !info.Mode().IsRegular() {
		return FileFacts{}, fmt.Errorf("%s is no file of configuration", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return FileFacts{}, err
	}
	is := FileFacts{Content: content, Mode: info.Mode().Perm(), UID: -1, GID: -1}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		is.UID, is.GID = int(owner.Uid), int(owner.Gid)
	}
	return is, nil
}

func observeSecrets(ctx context.Context, want Want, have *Facts) error {
	if want.UserDB == "" || len(want.Secrets) == 0 {
		return nil
	}
	have.Missing = want.Secrets
	db := coturn.UserDB{Path: want.UserDB}
	if _, err := os.Stat(db.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	there, err := db.Secrets(ctx, want.Realm)
	if err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	have.Missing = nil
	for _, s := range want.Secrets {
		if _, ok := turnauth.ByID(there, turnauth.KeyID(s)); !ok {
			have.Missing = append(have.Missing, s)
		}
	}
	return nil
}
