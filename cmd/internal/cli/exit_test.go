package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"do"}, 0, ""},
		{[]string{"fail"}, 1, "test: it broke\n"},
		{[]string{"measure"}, 3, "test: no answer\n"},
		{[]string{"do", "--count", "x"}, 2, "test: --count: \"x\" is not a whole number; write it like 3\n"},
		{[]string{"do", "--cuont", "3"}, 2, "test: --cuont: unknown flag; did you mean --count?\n"},
		{[]string{"do", "--zzzzzzzzz"}, 2, "test: --zzzzzzzzz: unknown flag; `test do --help` lists them\n"},
		{[]string{"do", "-z"}, 2, "test: unknown shorthand flag: 'z' in -z; see `test do --help`\n"},
		{[]string{"do", "--count"}, 2, "test: flag needs an argument: --count; see `test do --help`\n"},
		{[]string{"do", "more"}, 2, "test: unknown command \"more\" for \"test do\"\n"},
		{[]string{"fial"}, 2, "test: \"fial\" is no command; did you mean fail?\n"},
		{nil, 2, "test: no command given; `test --help` lists them\n"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			var s sample
			do := &cobra.Command{Use: "do", Args: cobra.NoArgs}
			b := Bind(do, &s)
			do.RunE = func(*cobra.Command, []string) error { return b.Load() }
			root := Root("test", "A test", do,
				&cobra.Command{Use: "fail", RunE: func(*cobra.Command, []string) error { return errors.New("it broke") }},
				&cobra.Command{Use: "measure", RunE: func(*cobra.Command, []string) error { return Unmeasured("no answer") }},
			)
			var stderr bytes.Buffer
			// Not nil: cobra would take the test's own arguments.
			if code := run(context.Background(), root, append([]string{}, tt.args...), &stderr); code != tt.code || stderr.String() != tt.want {
				t.Errorf("exit %d with %q, want %d with %q", code, stderr.String(), tt.code, tt.want)
			}
		})
	}
}

func TestDefaultFile(t *testing.T) {
	var got bytes.Buffer
	if err := WriteDefaults(&got, "test", &sample{}); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "default.yaml")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("differs from %s (go test -update writes it anew):\n%s", golden, got.String())
	}
	defaults, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := load(t, got.String()); err != nil || !reflect.DeepEqual(again, defaults) {
		t.Errorf("loads back to %+v, %v; want %+v", again, err, defaults)
	}
	// What stands behind a # works too, once the # is gone; the secret's two keys exclude each other.
	var lines []string
	for line := range strings.Lines(got.String()) {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "#auth-secret-file") {
			line = line[1:]
		}
		lines = append(lines, line)
	}
	if s, err := load(t, strings.Join(lines, "")); err != nil || s.Name != "yes: or no" || len(s.URLs) != 2 || !s.IP.IsValid() {
		t.Errorf("the examples: %+v, %v", s, err)
	}
}

func TestBuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8"}
	info.Main.Version = "(devel)"
	info.Settings = []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}
	if got, want := buildOf(info).String(), "devel (0123456789ab+changes 2026-01-02T03:04:05Z) go1.26.8 "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to start with %q", got, want)
	}
	if got := buildOf(&debug.BuildInfo{GoVersion: "go1"}).String(); !strings.HasPrefix(got, "devel go1 ") {
		t.Errorf("got %q", got)
	}
}

func TestLogger(t *testing.T) {
	for format, want := range map[string]string{"text": "level=WARN msg=shown a=1\n", "json": `"level":"WARN","msg":"shown","a":1}` + "\n"} {
		var out bytes.Buffer
		log := LogConfig{LogLevel: "warn", LogFormat: format}.Logger(&out)
		log.Info("hidden")
		log.Warn("shown", "a", 1)
		if got := out.String(); !strings.HasSuffix(got, want) || strings.Contains(got, "hidden") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"listen", "admin-listen", "turn-url"}
	for name, want := range map[string]string{"lisen": "did you mean listen?", "turn_urls": "did you mean turn-url?", "TURN-URL": "did you mean turn-url?", "xyz": "see"} {
		if got := suggest(name, known, "see"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
