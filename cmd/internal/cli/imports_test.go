package cli_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is this repository's; what it imports of its own starts with it.
const module = "callmesh/"

// An importing is one import of one file. Packages of this module are named by
// their folder ("bus/wire"), all others by their import path.
type importing struct {
	from, to string
	ours     bool // to is a package of this module
	test     bool // it stands in a _test.go file
}

// A wall forbids some imports, and says what for. Reading all of them is
// reading how the project is put together: imports run one way,
// wire, turnauth <- bus <- {edge, turnctl, probe} <- cmd.
type wall struct {
	breach func(importing) bool
	why    string
}

var walls = []wall{
	{
		// Tests of a leaf may prove themselves against others' libraries.
		func(i importing) bool {
			return leaf(i.from) && (i.ours || !i.test && !standard(i.to)) && i.to != i.from
		},
		"wire and turnauth import only the standard library: every program and every client in Go builds on them, so what they pulled in, all would carry",
	},
	{
		func(i importing) bool {
			return i.ours && in(i.from, "bus") && !leaf(i.from) &&
				(!in(i.to, "bus") && !i.test || peer(i.to) != "" && !leaf(i.to))
		},
		"bus imports nothing of ours but what is below bus: it carries messages and knows nothing of rooms, calls or relays",
	},
	{
		func(i importing) bool { return i.ours && in(i.from, "bus/natsd") && !in(i.to, "bus/natsd") && !i.test },
		"bus/natsd imports nothing of ours: it starts a server, and bus meets it over a connection as it would any other",
	},
	{
		func(i importing) bool {
			return i.ours && peer(i.from) != "" && peer(i.to) != "" && peer(i.from) != peer(i.to) && i.to != "turnctl/turnauth"
		},
		"edge, turnctl and probe never import one another, turnctl/turnauth excepted: they run apart and meet on the bus, so a change in one cannot break another's build, only the contract can",
	},
	{
		func(i importing) bool {
			return i.ours && in(i.to, "bus/natsd") && !in(i.from, "cmd", "bus/natsd") && !inTest(i)
		},
		"only cmd and tests start the embedded nats-server: everything else must work with a NATS of any kind, wherever it runs",
	},
	{
		func(i importing) bool { return i.ours && in(i.to, "web") && !in(i.from, "cmd", "web") && !inTest(i) },
		"only cmd embeds the page: an edge serves whatever files it is given, so its tests need no Node",
	},
	{
		func(i importing) bool { return i.ours && in(i.from, "web") && !in(i.to, "web") && !i.test },
		"web is files: it imports nothing of ours",
	},
	{
		func(i importing) bool {
			return under(i.to, "github.com/spf13/cobra", "github.com/spf13/viper", "github.com/spf13/pflag") && !in(i.from, "cmd") && !i.test
		},
		"only cmd reads flags and configuration: packages take plain Options, so that a test or another program can set them",
	},
	{
		func(i importing) bool {
			return under(i.to, "github.com/nats-io") && !in(i.from, "bus") && !in(i.from, "cmd") && !inTest(i)
		},
		"only bus speaks to NATS: the subjects, the acks and the replay are its promises, and a way around it keeps none of them",
	},
	{
		func(i importing) bool {
			return under(i.to, "go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "go.opentelemetry.io/proto") && !in(i.from, "cmd") && !i.test
		},
		"only cmd decides where traces go: everything else makes spans with OpenTelemetry's API, which does nothing by itself, and carries no exporter along",
	},
	{
		func(i importing) bool { return i.ours && in(i.to, "cmd") && !in(i.from, "cmd") },
		"nothing imports cmd: it is the top, thin on purpose; what another package needs of it belongs further down",
	},
	{
		func(i importing) bool { return i.ours && forTests(i.to) && !inTest(i) },
		"what is made for tests stays in tests: it starts servers, cuts connections and fails a testing.T",
	},
	{
		func(i importing) bool { return i.to == "testing" && !inTest(i) },
		"package testing brings its flags and its habits: it has no place in a program",
	},
}

// breaches lists the reasons of every wall that an import goes through.
func breaches(i importing) []string {
	var why []string
	for _, w := range walls {
		if w.breach(i) {
			why = append(why, w.why)
		}
	}
	return why
}

// in reports whether a package of ours lies in one of the folders.
func in(pkg string, folders ...string) bool { return under(pkg, folders...) }

func under(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

func leaf(pkg string) bool { return under(pkg, "bus/wire", "turnctl/turnauth") }

// peer names the one of the three programs that a package belongs to, if any.
func peer(pkg string) string {
	top, _, _ := strings.Cut(pkg, "/")
	if top == "edge" || top == "turnctl" || top == "probe" {
		return top
	}
	return ""
}

// forTests are packages that only tests and benchmarks use, though their files
// are not named _test.go.
func forTests(pkg string) bool {
	return under(pkg, "bus/bustest", "edge/edgetest", "edge/loadtest", "turnctl/turntest")
}

func inTest(i importing) bool { return i.test || forTests(i.from) }

// standard reports whether an import path is the standard library's: those of
// all others start with a domain.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func TestImportsRunOneWay(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	seen := 0
	for file := range goFiles(t, root) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			to, ours := strings.CutPrefix(path, module)
			seen++
			for _, why := range breaches(importing{
				from: filepath.ToSlash(filepath.Dir(file)), to: to, ours: ours, test: strings.HasSuffix(file, "_test.go"),
			}) {
				t.Errorf("%s imports %s\n\t%s", file, path, why)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d imports seen: is %s the root of the repository?", seen, root)
	}
}

// goFiles yields every Go file of this module, whatever its build tags: a rule
// holds for the files of other systems too.
func goFiles(t *testing.T, root string) func(func(string) bool) {
	return func(yield func(string) bool) {
		err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				switch name := d.Name(); {
				case path == ".":
					return nil
				case name == "testdata" || name == "node_modules" || name == "bin" || strings.HasPrefix(name, "."):
					return fs.SkipDir
				}
				if _, err := os.Stat(filepath.Join(root, path, "go.mod")); err == nil {
					return fs.SkipDir // another module
				}
				return nil
			}
			if strings.HasSuffix(path, ".go") && !yield(path) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// topLevel is what may stand at the root beside dot files; bin is made by make.
var topLevel = []string{
	"cmd", "edge", "bus", "turnctl", "probe", "web", "charts", "bin",
	"go.mod", "go.sum", "Makefile", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE",
}

// drawers are folder names that say nothing about what is in them, so that
// everything ends up there.
var drawers = []string{"util", "utils", "common", "misc", "helpers", "helper", "lib", "pkg", "shared"}

// misplaced says what is wrong with a folder or file at this path, "" if nothing.
func misplaced(path string) string {
	top, _, nested := strings.Cut(path, "/")
	name := path[strings.LastIndex(path, "/")+1:]
	switch {
	case !strings.HasPrefix(top, ".") && !slices.Contains(topLevel, top):
		return "the top level is fixed, so that a newcomer finds everything by its name: put it into one of " + strings.Join(topLevel[:7], ", ")
	case nested && slices.Contains(drawers, strings.TrimSuffix(name, ".go")):
		return "a name like this collects everything: name it after what one finds in it"
	case nested && name == "internal" && path != "cmd/internal":
		return "only cmd has an internal folder: elsewhere it would be one more drawer"
	}
	return ""
}

func TestEverythingHasItsPlace(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	top, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range top {
		if why := misplaced(e.Name()); why != "" {
			t.Errorf("%s\n\t%s", e.Name(), why)
		}
	}
	checked := map[string]bool{}
	for file := range goFiles(t, root) {
		for path := file; path != "."; path = filepath.ToSlash(filepath.Dir(path)) {
			if checked[path] {
				break
			}
			checked[path] = true
			if why := misplaced(path); why != "" {
				t.Errorf("%s\n\t%s", path, why)
			}
		}
	}
}

// The rules themselves: that they let through what is meant to be, and stop
// what is not.
func TestWalls(t *testing.T) {
	const test = true
	for _, c := range []struct {
		from, to string
		test     bool
		want     string // how the reason starts, "" if it is allowed
	}{
		{"bus/wire", "encoding/json", !test, ""},
		{"bus/wire", "golang.org/x/text/unicode/norm", !test, "wire and turnauth"},
		{"bus/wire", "callmesh/turnctl/turnauth", !test, "wire and turnauth"},
		{"bus/wire", "callmesh/bus", test, "wire and turnauth"},
		{"bus/wire", "callmesh/bus/wire", test, ""},
		{"turnctl/turnauth", "github.com/pion/turn/v5", !test, "wire and turnauth"},
		{"turnctl/turnauth", "github.com/pion/turn/v5", test, ""},

		{"bus", "callmesh/bus/wire", !test, ""},
		{"bus", "github.com/nats-io/nats.go", !test, ""},
		{"bus", "callmesh/edge", !test, "bus imports nothing of ours"},
		{"bus", "callmesh/edge", test, "bus imports nothing of ours"},
		{"bus", "callmesh/turnctl/turnauth", !test, "bus imports nothing of ours"},
		{"bus/bustest", "callmesh/edge", !test, "bus imports nothing of ours"},
		{"bus", "callmesh/bus/natsd", !test, "only cmd and tests start"},
		{"bus", "callmesh/bus/natsd", test, ""},
		{"bus", "callmesh/bus/bustest", test, ""},
		{"bus", "callmesh/bus/bustest", !test, "what is made for tests"},
		{"bus/natsd", "github.com/nats-io/nats-server/v2/server", !test, ""},
		{"bus/natsd", "callmesh/bus", !test, "bus/natsd imports nothing"},
		{"bus/bustest", "callmesh/bus/natsd", !test, ""},
		{"bus/bustest/natsnode/run", "callmesh/bus/natsd", !test, ""},
		{"bus/bustest", "testing", !test, ""},
		{"bus", "testing", !test, "package testing"},
		{"bus", "testing", test, ""},

		{"edge", "callmesh/bus", !test, ""},
		{"edge", "callmesh/turnctl/turnauth", !test, ""},
		{"edge", "callmesh/turnctl", !test, "edge, turnctl and probe never"},
		{"edge", "callmesh/turnctl/turnd", test, "edge, turnctl and probe never"},
		{"edge/auth", "callmesh/probe", !test, "edge, turnctl and probe never"},
		{"edge/auth", "callmesh/edge", !test, ""},
		{"probe/lab", "callmesh/edge/edgetest", test, "edge, turnctl and probe never"},
		{"turnctl", "callmesh/edge", !test, "edge, turnctl and probe never"},
		{"edge", "callmesh/bus/natsd", !test, "only cmd and tests start"},
		{"edge", "callmesh/bus/bustest", test, ""},
		{"edge/edgetest", "callmesh/bus/bustest", !test, ""},
		{"edge", "callmesh/edge/edgetest", !test, "what is made for tests"},
		{"edge", "github.com/nats-io/nats.go", !test, "only bus speaks to NATS"},
		{"edge", "github.com/nats-io/nats.go", test, ""},
		{"edge", "callmesh/web", !test, "only cmd embeds"},
		{"edge", "callmesh/web", test, ""},
		{"edge", "callmesh/cmd/internal/cli", !test, "nothing imports cmd"},
		{"edge", "callmesh/cmd/internal/cli", test, "nothing imports cmd"},
		{"edge", "github.com/spf13/viper", !test, "only cmd reads flags"},
		{"edge", "github.com/spf13/cobra", test, ""},
		{"edge", "github.com/spf13/cobraless", !test, ""},

		{"edge", "go.opentelemetry.io/otel/trace", !test, ""},
		{"edge", "go.opentelemetry.io/otel/sdk/trace", !test, "only cmd decides where traces go"},
		{"bus", "go.opentelemetry.io/otel/exporters/otlp/otlptrace", !test, "only cmd decides where traces go"},
		{"edge", "go.opentelemetry.io/otel/sdk/trace/tracetest", test, ""},
		{"cmd/edge", "go.opentelemetry.io/otel/sdk/trace", !test, ""},
		{"bus/wire", "go.opentelemetry.io/otel/trace", !test, "wire and turnauth"},

		{"web", "embed", !test, ""},
		{"web", "callmesh/bus/wire", !test, "web is files"},
		{"cmd/edge", "callmesh/web", !test, ""},
		{"cmd/edge", "callmesh/bus/natsd", !test, ""},
		{"cmd/edge", "callmesh/turnctl/turnd", !test, ""},
		{"cmd/edge", "callmesh/edge", !test, ""},
		{"cmd/internal/cli", "github.com/spf13/cobra", !test, ""},
		{"cmd/edge", "callmesh/edge/edgetest", !test, "what is made for tests"},
	} {
		to, ours := strings.CutPrefix(c.to, module)
		got := breaches(importing{from: c.from, to: to, ours: ours, test: c.test})
		name := fmt.Sprintf("%s imports %s (test %v)", c.from, c.to, c.test)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: refused: %q", name, got)
		case c.want != "" && !slices.ContainsFunc(got, func(why string) bool { return strings.HasPrefix(why, c.want) }):
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for path, wrong := range map[string]bool{
		"edge": false, "README.md": false, ".ci": false, ".ci/run": false, "bin": false,
		"server": true, "docs": true, "pkg": true, "main.go": true,
		"edge/util": true, "bus/common/x.go": false, "bus/common": true, "edge/helpers.go": true,
		"cmd/internal": false, "cmd/internal/cli": false, "edge/internal": true, "cmd/edge/internal": true,
	} {
		if why := misplaced(path); (why != "") != wrong {
			t.Errorf("%s: %q, want wrong %v", path, why, wrong)
		}
	}
}
