package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"callmesh/bus/wire"
	"callmesh/probe/report"
)

// What is no record is named, counted and passed over; all else is read.
func TestReadSaysWhereAndWhat(t *testing.T) {
	good, _ := json.Marshal(probed("a", "b", "EIM/EIF", "EIM/EIF", 1, wire.ModeDirect, wire.ResultConnected))
	line := string(good) + "\n"
	for name, c := range map[string]struct {
		text, says string
		records    int
	}{
		"no JSON":         {line + "\nnonsense\n" + line, "line 3: ", 2},
		"another result":  {strings.Replace(string(good), `"connected"`, `"perhaps"`, 1), `line 1: traversal "a/b": `, 0},
		"a line too long": {line + strings.Repeat("x", 200_000) + "\n" + line, "line 2: longer than 65536 bytes", 2},
		"too long a last": {line + strings.Repeat("x", 70_000), "line 2: longer than 65536 bytes", 1},
		"an array":        {"[" + string(good) + "]", "want one attempt a line", 0},
		"cut off":         {line + line[:len(line)/2], "line 2: traversal: unexpected end of JSON input; it has no end, as if its writer had been stopped", 1},
		"NULs":            {line + strings.Repeat("\x00", 4096) + "\n" + line, "line 2: ", 2}, // what a machine that died leaves
	} {
		got, err := report.Read(strings.NewReader(c.text))
		if err != nil || got.Unread != 1 || len(got.Bad) != 1 || !strings.Contains(got.Bad[0].Error(), c.says) || len(got.Records) != c.records {
			t.Errorf("%s: %v, %d records, %d unread: %v; want %d, and %q", name, err, len(got.Records), got.Unread, got.Bad, c.records, c.says)
		}
	}
	for _, whole := range []string{"\n" + line + "\n", string(good)} {
		if got, err := report.Read(strings.NewReader(whole)); err != nil || len(got.Records) != 1 || got.Unread != 0 {
			t.Errorf("%d records, %d unread, %v", len(got.Records), got.Unread, err)
		}
	}
	if got, err := report.Read(strings.NewReader(strings.Repeat("x\n", 25))); err != nil || got.Unread != 25 || len(got.Bad) != 10 {
		t.Errorf("%d unread, %d named, %v", got.Unread, len(got.Bad), err)
	}
	broken := errors.New("the disk is on fire")
	if _, err := report.Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// Each output says how much of the input is in no figure, and is the same but for that.
func TestGoldenWithUnreadLines(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "attempts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := bytes.Cut(whole, []byte("\n"))
	lines, err := report.Read(strings.NewReader(string(first) + "\nnonsense\n" + string(rest) + string(first[:40])))
	if err != nil || lines.Unread != 2 {
		t.Fatal(err, lines.Bad)
	}
	r := report.Make(lines.Records, report.Options{Unread: lines.Unread})
	got := all(t, r)
	var wide bytes.Buffer
	if err := r.Text(&wide, 100); err != nil {
		t.Fatal(err)
	}
	got["text"] = wide.String()
	const words = "2 lines of the input could not be read, and what stood there is in no figure."
	for form, c := range map[string]struct{ file, says, without string }{
		"text": {"report.txt", "\n" + words + "\n", ""},
		"json": {"report.json", `"unread": 2,`, `"unread": 0,`},
		"csv":  {"report.csv", ",unread,,,,,2" + strings.Repeat(",", 15) + "\n", ""},
		"prometheus": {"report.prom", "# HELP callmesh_probe_unread_lines Lines of the input that could not be read, and are in no figure; missing while there are none.\n" +
			"# TYPE callmesh_probe_unread_lines gauge\ncallmesh_probe_unread_lines 2\n", ""},
		"html": {"report.html", fmt.Sprintf("\n<p class=\"stale\" role=\"status\">%s</p>", words), ""},
	} {
		golden, err := os.ReadFile(filepath.Join("testdata", c.file))
		if err != nil {
			t.Fatal(err)
		}
		text, there := got[form]
		if !there {
			t.Fatalf("no output %s", form)
		}
		if without := strings.Replace(text, c.says, c.without, 1); without == text || without != string(golden) {
			t.Errorf("%s: says it: %t; differs otherwise: %t", form, strings.Contains(text, c.says), without != string(golden))
		}
	}
}
