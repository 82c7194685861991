package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callmesh/turnctl/verdict"
)

// commands stand in for the host's, for a test: each does nothing, and is noted with what it was given.
func commands(t *testing.T, names ...string) (noted func() string) {
	t.Helper()
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+name+" \"$@\" >>"+notes+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return func() string {
		text, err := os.ReadFile(notes)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// Debian's package starts coturn by itself, open to anybody: when a later step fails, it is stopped, though nobody had asked to start it yet.
func TestInstalledDoesNotStayOpen(t *testing.T) {
	noted := commands(t, "apt-get", "systemctl")
	steps := []Step{
		{Kind: Install, Argv: []string{"apt-get", "install", "coturn"}},
		{Kind: Write, File: File{Path: filepath.Join(t.TempDir(), "turnserver.conf"), Mode: 0o640}},
		{Kind: Restart},
	}
	items := Host{Service: Systemd{Unit: "coturn"}}.Apply(t.Context(), Want{User: noUser}, Facts{}, steps, nil, func(string) {})
	last := items[len(items)-1]
	if last.Name != "provision.rollback" || last.Status != verdict.OK || !strings.Contains(last.Summary, "package") {
		t.Errorf("%+v", last)
	}
	if got := noted(); !strings.HasSuffix(got, "systemctl daemon-reload\nsystemctl disable --now coturn\n") {
		t.Errorf("what was done:\n%s", got)
	}
}
