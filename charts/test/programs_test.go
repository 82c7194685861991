package charts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// built is where TestMain has put the programs that the chart is for.
var built string

// program is the path of one of them.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(built, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// build makes the programs, static, as they are in the images.
func build(dir string) error {
	for _, pkg := range []string{"./cmd/edge", "./cmd/turnctl", "./cmd/probe", "github.com/nats-io/nats-server/v2"} {
		out := filepath.Join(dir, filepath.Base(pkg))
		if filepath.Base(pkg) == "v2" {
			out = filepath.Join(dir, "nats-server")
		}
		c := exec.Command("go", "build", "-C", "../..", "-o", out, pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if said, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", pkg, err, said)
		}
	}
	return nil
}

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	if built = os.Getenv(insideNode); built != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "chart")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		built, err = dir, build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "charts:", err)
		return 1
	}
	defer func() { stopAPIServer() }()
	return m.Run()
}
