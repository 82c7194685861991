// Package coturn is what turnctl knows of coturn: its versions and what each can do, the keys of its configuration file and how
// the file is read and written, its command-line interface over telnet, and the shared secrets in its user database.
//
// Reading and rendering are pure. What talks to a coturn, or to its database, takes a context and has a bound on every wait.
package coturn

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Version is a release of coturn. The zero value is no version.
type Version struct{ Major, Minor, Patch int }

// Debian is what Debian 12 ships, and what is assumed where nobody says or can be asked.
var Debian = Version{4, 6, 1}

// Newest is the newest release whose keys and defaults are known here.
var Newest = Version{4, 17, 2}

var versionForm = regexp.MustCompile(`(?:^|[^0-9.])(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?`)

// ParseVersion finds the version in what `turnserver --version` prints ("4.6.1"), a package's version ("4.6.1-1"), a SOFTWARE
// attribute or a log line ("Coturn-4.6.1 'Gorst'"), or a plain one ("4.17").
func ParseVersion(s string) (Version, error) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("coturn: %.40q holds no version; write it like 4.6.1", s)
	}
	var v Version
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*into, _ = strconv.Atoi(m[i+1]) // digits, at most three; none means 0
	}
	return v, nil
}

// Installed asks a turnserver binary for its version. It waits 5 s at most.
func Installed(ctx context.Context, binary string) (Version, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "--version").CombinedOutput()
	if err != nil {
		return Version{}, fmt.Errorf("coturn: ask %s for its version: %w", binary, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return ParseVersion(lines[len(lines)-1]) // some builds log before they print it
}

// IsZero says whether there is no version.
func (v Version) IsZero() bool { return v == Version{} }

// Compare is negative when v is older than o, positive when it is newer.
func (v Version) Compare(o Version) int {
	return cmp.Or(cmp.Compare(v.Major, o.Major), cmp.Compare(v.Minor, o.Minor), cmp.Compare(v.Patch, o.Patch))
}

// AtLeast says whether v is the given release or a later one.
func (v Version) AtLeast(major, minor, patch int) bool {
	return v.Compare(Version{major, minor, patch}) >= 0
}

// String is as in 4.6.1.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// UnmarshalText reads what ParseVersion reads.
func (v *Version) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVersion(string(text))
	return err
}

// MarshalText is String, and nothing for the zero value.
func (v Version) MarshalText() ([]byte, error) {
	if v.IsZero() {
		return nil, nil
	}
	return []byte(v.String()), nil
}
