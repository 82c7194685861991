package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/report"
	"callmesh/turnctl/plan"
)

// patience bounds each wait of these tests; the machine may be busy.
const patience = time.Minute

// stored is a NATS with the attempts of the golden test in it, up to so many.
func stored(t *testing.T, most int) (*bustest.Process, []wire.Traversal) {
	t.Helper()
	p := bustest.NewProcess(t)
	b, err := bus.Open(bus.Options{Name: t.Name(), Region: "eu", URLs: []string{p.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(attempts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := report.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all.Records[:most] {
		if err := b.StoreTraversal(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	return p, all.Records[:most]
}

// What the bus has and what a file has are one report, in which what is in both counts once; and a plan of relays reads it.
func TestReportOfTheBus(t *testing.T) {
	p, all := stored(t, 200)
	out := filepath.Join(t.TempDir(), "report.json")
	of := func(args ...string) (records int) {
		t.Helper()
		_, stderr, code := probe(t, append([]string{"report", "--output", "json", "--file", out}, args...)...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Sources {
			records += s.Records
		}
		return records
	}
	probes := 0
	for _, r := range all {
		if r.Source == wire.SourceProbe {
			probes++
		}
	}
	if got := of("--nats-url", p.URL()); got != 200 {
		t.Errorf("%d records of the bus, want 200", got)
	}
	if got := of("--nats-url", p.URL(), "--source", "probe"); got != probes {
		t.Errorf("%d pair tests of the bus, want %d", got, probes)
	}
	if whole, both := of("--input", attempts), of("--input", attempts, "--nats-url", p.URL()); both != whole {
		t.Errorf("%d records of both, want the %d of the file", both, whole)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if share, err := plan.ReadShare(f); err != nil || share.Estimate <= 0 {
		t.Errorf("a plan reads %+v, %v", share, err)
	}
	p.Kill()
	if _, stderr, code := probe(t, "report", "--nats-url", "nats://127.0.0.1:1", "--input", attempts); code != cli.ExitUnmeasured || !strings.Contains(stderr, "does not answer") {
		t.Errorf("without a NATS: exit %d: %s", code, stderr)
	}
}

// A page that shows what the bus has shows what comes, and while NATS is away what there was.
func TestServeOfTheBus(t *testing.T) {
	p, all := stored(t, 30)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	url, end := serving(ctx, t, "--nats-url", p.URL(), "--refresh", "1s")
	shows := func(what string, want int, stale bool) {
		t.Helper()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			records, page := served(ctx, t, url)
			last := fmt.Sprintf("%d records, stale %t", records, strings.Contains(page, "What was read last is shown"))
			if last == fmt.Sprintf("%d records, stale %t", want, stale) {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("%s: it shows %s", what, last)
			}
		}
	}
	shows("what is stored", len(all), false)
	p.Kill()
	shows("NATS is away", -1, true)
	p.Start()
	shows("NATS is back", len(all), false)
	end()
	http.DefaultClient.CloseIdleConnections()
}

// served is how many records the report has, -1 while a program is told that they can't be read, and the page.
func served(ctx context.Context, t *testing.T, url string) (records int, page string) {
	t.Helper()
	get := func(path string) (int, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+operatorToken)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	var got report.Report
	code, body := get("report.json")
	if code != http.StatusOK {
		records = -1
	} else if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Sources {
		records += s.Records
	}
	_, body = get("")
	return records, string(body)
}
