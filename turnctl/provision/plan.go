// Package provision puts a coturn on a host: the package, its files, who may read them, its limits and its service. It looks at the host ([Observe]), says
// what there is to change ([Plan], pure), changes it step by step ([Apply]), has it proved, and puts everything back as it was when a step or the proof
// fails. A host that is as it should be is left alone.
package provision

import (
	"bytes"
	"fmt"
	"io/fs"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
)

// Want is what is to be on the host. Paths are absolute.
type Want struct {
	// Package is installed with apt-get when Binary is not there. Empty: it must be there.
	Package, Binary string
	// User is whom coturn runs as; the files are given to its group. Empty: they stay the caller's.
	User string
	// Files are written as they are here.
	Files []File
	// Secrets stand in the user database for a realm, beside those that are there already.
	UserDB, Realm string
	Secrets       []turnauth.Secret
}

// File is a file as it is to be.
type File struct {
	Path    string
	Content []byte
	Mode    fs.FileMode
	// Secret says that its content is not to be shown.
	Secret bool
	// Restart says that coturn must be restarted to see a change.
	Restart bool
	// Apply puts the file in force once it is written, and Revert what was before, should it be taken back. Nil: there is nothing to do. A file with an
	// Apply is wanted only while it is not in force, and written even if it is there as it should be.
	Apply, Revert func() error
}

// Facts are what the host is like before anything is changed.
type Facts struct {
	// Version of the binary; zero: not installed.
	Version coturn.Version
	// Files by path, of those that are wanted; those that are not there are missing.
	Files map[string]FileFacts
	// Missing are wanted secrets that are not in the user database.
	Missing []turnauth.Secret
	// UID and GID of Want.User; -1 when there is no such user.
	UID, GID int
	// Running says whether coturn runs.
	Running bool
}

// FileFacts is a file as it is.
type FileFacts struct {
	Content  []byte
	Mode     fs.FileMode
	UID, GID int
}

// Kind is what a step does.
type Kind string

// The kinds of steps.
const (
	Install Kind = "install"
	Write   Kind = "write"
	Own     Kind = "own" // the content is right, owner or mode are not
	Secret  Kind = "secret"
	Restart Kind = "restart"
	Prove   Kind = "prove"
)

// Step is one change, as a value.
type Step struct {
	Kind Kind
	// What says it to a person, without secrets.
	What string
	// Changes is what a written file loses and gains, as a unified diff with secrets masked.
	Changes string
	// File and Before of Write and Own; Before is nil for a file that was not there.
	File   File
	Before *FileFacts
	// Secret of a Secret step.
	Secret turnauth.Secret
	// Argv of Install.
	Argv []string
}

// Plan says what to do to make a host what it should be. It is empty when there is nothing to do.
func Plan(want Want, have Facts) []Step {
	var steps []Step
	restart := !have.Running
	if have.Version.IsZero() && want.Package != "" {
		restart = true
		steps = append(steps, Step{
			Kind: Install, What: "install the package " + want.Package + ", after apt-get update",
			Argv: []string{"apt-get", "install", "--yes", "--no-install-recommends", want.Package},
		})
	}
	for _, f := range want.Files {
		step, differs := planFile(want, have, f)
		if !differs {
			continue
		}
		restart = restart || f.Restart && step.Kind == Write
		steps = append(steps, step)
	}
	for _, s := range have.Missing {
		// No restart: coturn reads the table at each first authentication.
		steps = append(steps, Step{Kind: Secret, Secret: s, What: fmt.Sprintf("add the secret with the id %s to %s, realm %s", turnauth.KeyID(s), want.UserDB, want.Realm)})
	}
	if restart {
		what := "restart coturn: calls on it are cut off; turnctl drain beforehand avoids that"
		if !have.Running {
			what = "start coturn"
		}
		steps = append(steps, Step{Kind: Restart, What: what + "; as a service of systemd's it is started at boot too"})
	}
	if len(steps) > 0 {
		steps = append(steps, Step{Kind: Prove, What: "prove it with the steps of turnctl check; put everything back if that fails"})
	}
	return steps
}

func planFile(want Want, have Facts, f File) (step Step, differs bool) {
	step = Step{Kind: Write, File: f, What: fmt.Sprintf("write %s (mode %04o%s)", f.Path, f.Mode, group(want.User))}
	if f.Apply != nil {
		step.What += " and put it in force"
	}
	is, there := have.Files[f.Path]
	if !there {
		step.Changes = changes(f, nil)
		return step, true
	}
	step.Before = &is
	if !bytes.Equal(is.Content, f.Content) || f.Apply != nil {
		step.Changes = changes(f, is.Content)
		return step, true
	}
	if is.Mode != f.Mode || want.User != "" && have.GID >= 0 && is.GID != have.GID {
		step.Kind, step.What = Own, fmt.Sprintf("give %s to mode %04o%s: it has mode %04o, group %d", f.Path, f.Mode, group(want.User), is.Mode, is.GID)
		return step, true
	}
	return Step{}, false
}

func group(user string) string {
	if user == "" {
		return ""
	}
	return ", group " + user
}

// changes is a file's diff. coturn's parser takes other files too, and masks what looks like its secrets.
func changes(f File, before []byte) string {
	if f.Secret {
		return ""
	}
	old, err := coturn.ParseConfig(before)
	if err != nil {
		return "" // too long to be looked at
	}
	next, err := coturn.ParseConfig(f.Content)
	if err != nil {
		return ""
	}
	return coturn.Diff(f.Path, string(old.Masked().Bytes()), f.Path+" (new)", string(next.Masked().Bytes()))
}
