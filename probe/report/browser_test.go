package report_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/report"
)

// browser is a real Chromium that is spoken to over two pipes (its --remote-debugging-pipe), and ends with the test.
type browser struct {
	t       *testing.T
	in      *os.File
	heard   chan message
	n       int
	session string
	events  []message
}

type message struct {
	ID     int             `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
}

const browserLimit = 90 * time.Second

func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := os.Getenv("CHROMIUM_BIN")
	if path == "" {
		path = "/usr/bin/chromium"
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), path, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--no-first-run", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	c.ExtraFiles = []*os.File{theirIn, theirOut}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	b := &browser{t: t, in: in, heard: make(chan message, 1024)}
	go func() {
		defer close(b.heard)
		for r := bufio.NewReader(out); ; {
			text, err := r.ReadBytes(0)
			if err != nil {
				return
			}
			var m message
			if json.Unmarshal(text[:len(text)-1], &m) == nil {
				b.heard <- m
			}
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		_ = c.Wait()
		_, _ = in.Close(), out.Close()
		for range b.heard { // until it is closed
		}
	})
	return b
}

// call asks, and gives the answer; what happens meanwhile is kept.
func (b *browser) call(method string, params map[string]any) json.RawMessage {
	b.t.Helper()
	b.n++
	ask := map[string]any{"id": b.n, "method": method, "params": params}
	if b.session != "" {
		ask["sessionId"] = b.session
	}
	text, err := json.Marshal(ask)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		b.t.Fatal(err)
	}
	m := b.until(func(m message) bool { return m.ID == b.n })
	if m.Error != nil {
		b.t.Fatalf("%s: %s", method, m.Error)
	}
	return m.Result
}

func (b *browser) until(is func(message) bool) message {
	b.t.Helper()
	limit := time.NewTimer(browserLimit)
	defer limit.Stop()
	for {
		select {
		case m, ok := <-b.heard:
			if !ok {
				b.t.Fatal("the browser has ended")
			}
			if m.ID == 0 {
				b.events = append(b.events, m)
			}
			if is(m) {
				return m
			}
		case <-limit.C:
			b.t.Fatal("the browser does not answer")
		}
	}
}

// open shows a page and waits until it is loaded.
func (b *browser) open(url string) {
	b.t.Helper()
	b.events = nil
	b.call("Page.navigate", map[string]any{"url": url})
	b.until(func(m message) bool { return m.Method == "Page.loadEventFired" })
}

func (b *browser) evaluate(expression string) string {
	b.t.Helper()
	var r struct{ Result struct{ Value any } }
	if err := json.Unmarshal(b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}), &r); err != nil {
		b.t.Fatal(err)
	}
	return fmt.Sprint(r.Result.Value)
}

// attach takes a tab of its own.
func (b *browser) attach() {
	b.t.Helper()
	var target struct{ TargetID string }
	var session struct{ SessionID string }
	if err := json.Unmarshal(b.call("Target.createTarget", map[string]any{"url": "about:blank"}), &target); err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &session); err != nil {
		b.t.Fatal(err)
	}
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Network", "Runtime", "Log"} {
		b.call(domain+".enable", nil)
	}
}

// A file of its own, opened from the disk: it asks for nothing else, has nothing to complain of, and fits a phone and a wide screen in both themes, hostile labels included.
func TestThePageInABrowser(t *testing.T) {
	records := stored(t)
	// One that takes no time and one that takes very long: what is written at the edges of a chart must not be cut off.
	fast, slow := probed("fast", "near", "EIM/EIF", "EIM/EIF", 1, wire.ModeRelayTCP, wire.ResultConnected), probed("far", "slow", "EIM/EIF", "EIM/EIF", 1, wire.ModeRelayTCP, wire.ResultConnected)
	fast.Ms, slow.Ms = 1, 60_000
	records = append(records, fast, slow)
	records[0].Ends[0].Network = `"><script src="http://192.0.2.1/x.js"></script><img src=//192.0.2.1/x>`[:64]
	b := startBrowser(t)
	b.attach()
	for name, r := range map[string]*report.Report{"all": report.Make(records, report.Options{}), "nothing": report.Make(nil, report.Options{})} {
		file := filepath.Join(t.TempDir(), "report.html")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.HTML(f, report.Page{}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		grounds := map[string]bool{}
		for _, width := range []int{390, 1440} {
			for _, scheme := range []string{"light", "dark"} {
				b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false})
				b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
				b.open("file://" + file)
				where := fmt.Sprintf("%s, %d px, %s", name, width, scheme)
				if got := b.evaluate("document.documentElement.scrollWidth"); got != fmt.Sprint(width) {
					t.Errorf("%s: the page is %s px wide", where, got)
				}
				if got := b.evaluate("document.scripts.length + document.images.length"); got != "0" {
					t.Errorf("%s: %s scripts and pictures", where, got)
				}
				if cells := b.evaluate("document.querySelectorAll('.heat td b').length"); name == "all" && cells == "0" {
					t.Errorf("%s: no cell with a rate", where)
				}
				const faults = `[...document.querySelectorAll('figure svg')].flatMap(svg => {
					const s = svg.getBoundingClientRect(), all = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()])
					return all.flatMap(([name, a], i) => [
						...(a.left < s.left - 1 || a.right > s.right + 1 ? [name + ' is cut off'] : []),
						...all.slice(i + 1).filter(([, b]) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).map(([other]) => name + ' and ' + other + ' overlap')])
				}).join()`
				if got := b.evaluate(faults); got != "" {
					t.Errorf("%s: in a chart, %s", where, got)
				}
				grounds[b.evaluate("getComputedStyle(document.body).backgroundColor")] = true
				b.quiet(where, "file://"+file)
			}
		}
		if len(grounds) != 2 {
			t.Errorf("%s: the themes have the grounds %v", name, grounds)
		}
		if pdf := b.call("Page.printToPDF", nil); len(pdf) < 5000 {
			t.Errorf("%s: printed, it has %d bytes", name, len(pdf))
		}
	}
}

// quiet holds what happened against what may: one request, for the page itself, and not a word in the console.
func (b *browser) quiet(where, page string) {
	b.t.Helper()
	for _, e := range b.events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			if err := json.Unmarshal(e.Params, &p); err != nil {
				b.t.Fatal(err)
			}
			if p.Request.URL != page && !strings.HasPrefix(p.Request.URL, "data:") {
				b.t.Errorf("%s: it asks for %s", where, p.Request.URL)
			}
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			b.t.Errorf("%s: it says %s", where, e.Params)
		}
	}
}
