package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/plan"
)

const attempts = "../../probe/report/testdata/attempts.jsonl"

func TestReport(t *testing.T) {
	for form, has := range map[string]string{"text": "PAIR TESTS", "json": `"schema": 1`, "csv": "source,table,a,b", "html": "<!doctype html>", "prometheus": "# TYPE callmesh_probe_attempts gauge"} {
		stdout, stderr, code := probe(t, "report", "--input", attempts, "--output", form)
		if code != 0 || stderr != "" || !strings.Contains(stdout, has) {
			t.Errorf("%s: exit %d, %s; %.200s", form, code, stderr, stdout)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	if err := os.WriteFile(bad, []byte("{\"at\":1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(attempts)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.jsonl")
	if err := os.WriteFile(damaged, append([]byte("nonsense\n"), whole[:len(whole)-9]...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a damaged file": {[]string{"--input", damaged}, cli.ExitFailed, "2 of its lines could not be read; the report is of all others"},
		"a bad line":     {[]string{"--input", damaged}, cli.ExitFailed, `input=` + damaged + ` error="line 1: traversal: `},
		"a cut-off line": {[]string{"--input", damaged}, cli.ExitFailed, "as if its writer had been stopped"},
		"no input":       {nil, cli.ExitUsage, "nats-url: missing, and so is input; write it like"},
		"no such file":   {[]string{"--input", "/no/such/file"}, cli.ExitUnmeasured, "no such file"},
		"a folder":       {[]string{"--input", t.TempDir()}, cli.ExitUnmeasured, "is a directory"},
		"no record":      {[]string{"--input", bad}, cli.ExitUsage, "line 1: "},
		"nothing in it":  {[]string{"--input", attempts, "--run", "never"}, cli.ExitUnmeasured, "no attempts to report"},
		"a run":          {[]string{"--input", attempts, "--run", "a b"}, cli.ExitUsage, "--run"},
		"a group":        {[]string{"--input", attempts, "--group", "country"}, cli.ExitUsage, `"country" is none of region, nat, network`},
		"a source":       {[]string{"--input", attempts, "--source", "both"}, cli.ExitUsage, "probe, call"},
		"a place":        {[]string{"--input", attempts, "--file", "/no/such/place/x"}, cli.ExitFailed, "file: "},
	} {
		_, stderr, code := probe(t, append([]string{"report"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d, %q; want %d and %q", name, code, stderr, c.code, c.says)
		}
	}
}

// What a report says of relays is what a plan of them reads.
func TestAPlanReadsTheReport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	for source, pairs := range map[string]int{"probe": 15, "call": 33, "all": 33} {
		if _, stderr, code := probe(t, "report", "--input", attempts, "--source", source, "--output", "json", "--file", file); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		share, err := plan.ReadShare(f)
		_ = f.Close()
		if err != nil || share.Pairs != pairs || share.Estimate < 0.2 || share.Estimate > 0.3 || share.High <= share.Estimate {
			t.Errorf("%s: %+v, %v", source, share, err)
		}
	}
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url, end := serving(ctx, t, "--input", attempts)
	for bearer, want := range map[string]int{"Bearer " + operatorToken: http.StatusOK, "Bearer x": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", bearer)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s", bearer, res.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	end()
	if _, stderr, code := probe(t, "serve", "--input", attempts); code != cli.ExitUsage || !strings.Contains(stderr, "operator-token") {
		t.Errorf("without a token: exit %d, %s", code, stderr)
	}
}
