package report_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"callmesh/bus/wire"
	"callmesh/probe/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func stored(t testing.TB) []wire.Traversal {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "attempts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines, err := report.Read(f)
	if err != nil || lines.Unread > 0 {
		t.Fatal(err, lines.Bad)
	}
	return lines.Records
}

// Each output of a fixed set of stored attempts is what it was.
func TestGolden(t *testing.T) {
	r := report.Make(stored(t), report.Options{})
	for name, write := range map[string]func(io.Writer) error{
		"report.txt":  func(w io.Writer) error { return r.Text(w, 100) },
		"report.json": r.JSON,
		"report.csv":  r.CSV,
		"report.prom": r.Prometheus,
		"report.html": func(w io.Writer) error { return r.HTML(w, report.Page{}) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				at := 0
				for at < min(got.Len(), len(want)) && got.Bytes()[at] == want[at] {
					at++
				}
				from := max(0, at-120)
				t.Errorf("differs from %s at byte %d; `go test ./probe/report -run Golden -update` writes it anew\ngot  …%s\nwant …%s", path, at,
					got.Bytes()[from:min(got.Len(), at+120)], want[from:min(len(want), at+120)])
			}
		})
	}
}
