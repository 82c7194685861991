package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turntest"
)

// Whatever a declarative file holds, what is rendered of it is read back as it was meant, line by line.
func FuzzRelayFile(f *testing.F) {
	f.Add([]byte("listen-ip: 203.0.113.1\nrealm: example.org\ntls-off: true\n"))
	f.Add([]byte("listen-ip: [203.0.113.1, '2001:db8::1']\nrealm: a\nregion: \"x\\nno-auth\"\ntls-off: true\nlog: \"/a\\nno-auth\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "relay.yaml")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := new(RelayConfig)
		c := &cobra.Command{Use: "render", SilenceErrors: true, SilenceUsage: true}
		bound := cli.Bind(c, cfg)
		c.RunE = func(*cobra.Command, []string) error { return bound.Load() }
		c.SetArgs([]string{"--config", path})
		if c.Execute() != nil {
			return
		}
		rendered, err := cfg.relay(false).Render(cfg.version())
		if err != nil {
			t.Fatal(err)
		}
		again, err := coturn.ParseConfig(rendered.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Lines) != len(rendered.Lines) {
			t.Fatalf("%d lines rendered, %d read", len(rendered.Lines), len(again.Lines))
		}
		for i, l := range again.Lines {
			if l.Key != rendered.Lines[i].Key || l.Value != rendered.Lines[i].Value {
				t.Errorf("line %d: rendered %q, read %q", i+1, rendered.Lines[i], l)
			}
		}
	})
}

// The chart wants a name that callers can use: a wildcard is none.
func TestCertificateName(t *testing.T) {
	ca := turntest.NewCA(t)
	for want, names := range map[string][]string{
		"turn.example.org": {"*.example.org", "Turn.example.org", "eu.example.org"},
		"":                 {"*.example.org"},
	} {
		if got := certificateName(ca.Issue(t, time.Now().Add(time.Hour), names...).CertFile); got != want {
			t.Errorf("%v: %q, want %q", names, got, want)
		}
	}
}
