package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/verdict"
)

// Bounds on what a step may take.
const (
	commandTimeout = 30 * time.Second
	installTimeout = 10 * time.Minute
	undoTimeout    = time.Minute
)

// Prover says whether the relay works; any failed item means that it does not.
type Prover func(ctx context.Context) []verdict.Item

// Apply does the steps of a plan in their order. When one fails, or the proof does, those that were done are undone, last first, and coturn runs again as it
// did before; a package that was installed stays, and does not run. The items say what was done, what the proof found, and what was put back.
func (h Host) Apply(ctx context.Context, want Want, have Facts, steps []Step, prove Prover, say func(line string)) []verdict.Item {
	var items []verdict.Item
	var undo []func(ctx context.Context) error
	for _, s := range steps {
		say(s.What)
		began := time.Now()
		back, found, err := h.do(ctx, want, s, prove)
		items = append(items, found...)
		if back != nil {
			undo = append(undo, back)
		}
		if err == nil {
			items = append(items, verdict.Item{Name: "provision." + string(s.Kind), Group: s.File.Path, Status: verdict.OK, Summary: s.What, Took: time.Since(began)})
			continue
		}
		items = append(items, verdict.Item{Name: "provision." + string(s.Kind), Group: s.File.Path, Status: verdict.Fail, Severity: verdict.High, Summary: err.Error()})
		return append(items, h.rollBack(undo, have, say))
	}
	return items
}

// rollBack undoes what was done, though the caller's context may have ended.
func (h Host) rollBack(undo []func(ctx context.Context) error, have Facts, say func(line string)) verdict.Item {
	ctx, cancel := context.WithTimeout(context.Background(), undoTimeout)
	defer cancel()
	say("putting everything back as it was")
	var errs []error
	restart, stays := false, ""
	for i := len(undo) - 1; i >= 0; i-- {
		err := undo[i](ctx)
		if errors.Is(err, errInstalled) {
			stays = "; the package that was installed stays, and does not run"
		}
		if errors.Is(err, errRestart) {
			restart, err = true, nil
		}
		errs = append(errs, err)
	}
	// Only now, with the files of before, can coturn be what it was.
	if restart && have.Running {
		errs = append(errs, h.Service.Restart(ctx))
	} else if restart {
		errs = append(errs, h.Service.Stop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return verdict.Item{
			Name: "provision.rollback", Status: verdict.Fail, Severity: verdict.Critical, Summary: "not everything could be put back: " + err.Error() + stays,
			Fix: "mend what is named, then run turnctl provision again",
		}
	}
	return verdict.Item{Name: "provision.rollback", Status: verdict.OK, Summary: "everything is as it was before" + stays}
}

// errRestart asks whoever undoes to have coturn run as it did before, once all is undone.
var errRestart = errors.New("restart")

// errInstalled does so, and says that there is a package that stays: Debian's starts coturn as soon as it is installed, open to anybody.
var errInstalled = fmt.Errorf("installed: %w", errRestart)

// errProof says that the proof failed; its items say how.
var errProof = errors.New("the relay does not prove to work")

func (h Host) do(ctx context.Context, want Want, s Step, prove Prover) (undo func(context.Context) error, found []verdict.Item, err error) {
	switch s.Kind {
	case Install:
		// Images of containers come without lists of packages. Where there are lists, it is no matter if they can't be renewed.
		stale := run(ctx, installTimeout, []string{"apt-get", "update"})
		if err := run(ctx, installTimeout, s.Argv); err != nil {
			err = errors.Join(err, stale)
			if _, missing := os.Stat(want.Binary); missing != nil {
				return nil, nil, err
			}
			return func(context.Context) error { return errInstalled }, nil, err // half of it may be there, and run
		}
		return func(context.Context) error { return errInstalled }, nil, nil
	case Write, Own:
		err := write(want, s.File)
		if err == nil && s.File.Apply != nil {
			err = s.File.Apply()
		}
		return func(context.Context) error { return unwrite(s) }, nil, err
	case Secret:
		undo, err = addSecret(ctx, want, s)
		return undo, nil, err
	case Restart:
		return func(context.Context) error { return errRestart }, nil, h.Service.Restart(ctx)
	case Prove:
		found = prove(ctx)
		report := verdict.Report{Items: found}
		if code := report.Exit(); code != verdict.ExitHealthy {
			err = errProof
		}
		return nil, found, err
	}
	return nil, nil, fmt.Errorf("provision: a step of the kind %q", s.Kind)
}

// run runs a command without a shell, and gives the end of what it said if it fails.
func run(ctx context.Context, within time.Duration, argv []string) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		said := strings.TrimSpace(string(out))
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, said[max(0, len(said)-500):])
	}
	return nil
}

// write puts a file in place whole, readable by coturn's group where there is one. The user is looked up again: a package that was just installed made it.
func write(want Want, f File) error {
	_, gid, err := ids(want.User)
	if err != nil {
		return err
	}
	return put(f.Path, f.Content, f.Mode, -1, gid)
}

// unwrite puts the file back, whether or not what it put in force can be taken back.
func unwrite(s Step) error {
	var reverted error
	if s.File.Revert != nil {
		reverted = s.File.Revert()
	}
	if s.Before == nil {
		return errors.Join(reverted, removeAll(s.File.Path))
	}
	return errors.Join(reverted, put(s.File.Path, s.Before.Content, s.Before.Mode, s.Before.UID, s.Before.GID))
}

// put replaces a file so that its name never stands for half of it. An id of -1 leaves the owner; only root can give files away.
func put(path string, content []byte, mode fs.FileMode, uid, gid int) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays
	}
	pending, err := renameio.TempFile(filepath.Dir(path), path)
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }()
	_, err = pending.Write(content)
	if os.Geteuid() == 0 {
		err = errors.Join(err, pending.Chown(uid, gid))
	}
	if err := errors.Join(err, pending.Chmod(mode)); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}

// addSecret adds to the user database, and makes one where there is none: it belongs to whom its directory belongs to.
func addSecret(ctx context.Context, want Want, s Step) (undo func(context.Context) error, err error) {
	db := coturn.UserDB{Path: want.UserDB}
	_, err = os.Stat(db.Path)
	made := errors.Is(err, fs.ErrNotExist)
	err = db.Add(ctx, want.Realm, s.Secret)
	if made { // a failure may leave one behind, too
		return func(context.Context) error { return removeAll(db.Path, db.Path+"-wal", db.Path+"-shm") }, err
	}
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := db.Remove(ctx, want.Realm, s.Secret)
		return err
	}, nil
}

func removeAll(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
