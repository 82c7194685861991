package provision

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callmesh/turnctl/verdict"
)

func TestCovers(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "50000-50999": true, "49152-65535": true, "8080,50000-50999": true, "8080": false, "50000-50998": false, "50001-50999": false,
		"50000-50499,50500-50999": false /* which the kernel would put together */, "x-y,,50000-": false,
	} {
		if got := covers(list, 50000, 50999); got != want {
			t.Errorf("%q covers them: %v", list, got)
		}
	}
}

// What the kernel is told by the file holds, and what it was told before too.
func TestPortsFile(t *testing.T) {
	if f := PortsFile(49152, 65535, "8080"); !strings.Contains(string(f.Content), "=8080,49152-65535\n") {
		t.Errorf("%s", f.Content)
	}
	text, err := os.ReadFile(ephemeral)
	if err != nil {
		t.Fatal(err)
	}
	if taken, _, _ := PortsTaken(1, 1); taken {
		t.Errorf("port 1 is given to connections, of %s", text)
	}
}

// What a file put in force is taken back with it when the proof fails, and stays when it does not.
func TestApplyAndRevert(t *testing.T) {
	for _, proven := range []bool{true, false} {
		var done []string
		note := func(what string) func() error { return func() error { done = append(done, what); return nil } }
		path := filepath.Join(t.TempDir(), "file")
		steps := []Step{{Kind: Write, File: File{Path: path, Mode: 0o600, Apply: note("applied"), Revert: note("reverted")}}, {Kind: Prove}}
		prove := func(context.Context) []verdict.Item {
			if proven {
				return []verdict.Item{{Name: "proof", Status: verdict.OK}}
			}
			return []verdict.Item{{Name: "proof", Status: verdict.Fail}}
		}
		Host{}.Apply(t.Context(), Want{}, Facts{}, steps, prove, func(string) {})
		_, err := os.Stat(path)
		want := "applied"
		if !proven {
			want = "applied reverted"
		}
		if strings.Join(done, " ") != want || (err == nil) != proven {
			t.Errorf("proven %v: %v, and the file: %v", proven, done, err)
		}
	}
}

// What can't be taken back is told, and the file is put back all the same.
func TestRevertFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	no := errors.New("read-only")
	file := File{Path: path, Mode: 0o600, Apply: func() error { return no }, Revert: func() error { return no }}
	items := Host{}.Apply(t.Context(), Want{}, Facts{}, []Step{{Kind: Write, File: file}}, nil, func(string) {})
	if last := items[len(items)-1]; last.Status != verdict.Fail || !strings.Contains(last.Summary, no.Error()) {
		t.Errorf("%+v", last)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}
