package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Build is what the program was built from.
type Build struct {
	Version  string // the module's version, "devel" outside of a release
	Revision string // of the repository, 12 digits, with "+changes" if it had some; may be empty
	Time     string // of the revision, RFC 3339; may be empty
	Go       string
}

// ReadBuild reads what the linker put into the program.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: "devel", Go: runtime.Version()}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) Build {
	b := Build{Version: strings.Trim(info.Main.Version, "()"), Go: info.GoVersion}
	if b.Version == "" {
		b.Version = "devel"
	}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty && b.Revision != "" {
		b.Revision += "+changes"
	}
	return b
}

// String is one line.
func (b Build) String() string {
	s := b.Version
	if b.Revision != "" {
		s += " (" + strings.TrimSpace(b.Revision+" "+b.Time) + ")"
	}
	return fmt.Sprintf("%s %s %s/%s", s, b.Go, runtime.GOOS, runtime.GOARCH)
}
