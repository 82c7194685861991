package loadtest_test

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/edge/loadtest"
)

// TestScenarios runs every scenario small, with the real programs: that all which is sent arrives, and that the table shows it. No number is
// judged, as tests share their machine.
func TestScenarios(t *testing.T) {
	programs := build(t)
	for _, s := range loadtest.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			rows, err := loadtest.Run(ctx, programs, loadtest.Smoke(), s.Name, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			var table bytes.Buffer
			if err := loadtest.WriteTable(&table, rows); err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s", &table)
			if len(rows) == 0 {
				t.Error("it measured nothing")
			}
			for _, r := range rows {
				if !strings.Contains(table.String(), r.Name) {
					t.Errorf("%q is not in the table", r.Name)
				}
				// What grows by twenty sessions can be less than a page.
				if r.Ours <= 0 && r.Unit != "KB" && r.Unit != "" {
					t.Errorf("%s: %v %s", r.Name, r.Ours, r.Unit)
				}
			}
		})
	}
}

func build(t *testing.T) loadtest.Programs {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "../../cmd/edge", "../../bus/bustest/natsnode", "./bench")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return loadtest.Programs{
		Edge: filepath.Join(dir, "edge"), NATS: filepath.Join(dir, "natsnode"), Bare: filepath.Join(dir, "bench"),
	}
}

func TestRunNamesNothing(t *testing.T) {
	if _, err := loadtest.Run(t.Context(), loadtest.Programs{}, loadtest.Smoke(), "nonsense", io.Discard); err == nil {
		t.Error("a pattern that nothing fits is a mistake to be told")
	}
}
