package serve_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callmesh/bus/wire"
	"callmesh/probe/report"
	"callmesh/probe/serve"
	"callmesh/turnctl/turnauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "the operator's own token"

func attempt() wire.Traversal {
	return wire.Traversal{
		At: time.Now().UnixMilli(), Source: wire.SourceProbe, Run: "run-1", N: 1, Pair: "a/b", Mode: wire.ModeDirect,
		Ends: [2]wire.TraversalEnd{{Name: "a", Region: "eu"}, {Name: "b", Region: "asia"}}, Outcome: wire.Outcome{Result: wire.ResultConnected, Ms: 100, Path: wire.PathHost},
	}
}

type site struct {
	*httptest.Server
	reads atomic.Int32
	fail  atomic.Bool
	log   logged
}

// logged is what was logged so far.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func start(t *testing.T, refresh time.Duration) *site {
	t.Helper()
	s := &site{}
	h, err := serve.New(serve.Options{Token: turnauth.NewSecret(token), Refresh: refresh, Logger: slog.New(slog.NewTextHandler(&s.log, nil)), Records: func(context.Context) (report.Lines, error) {
		s.reads.Add(1)
		if s.fail.Load() {
			return report.Lines{}, errors.New("the disk is on fire at /secret/place")
		}
		return report.Lines{Records: []wire.Traversal{attempt()}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func (s *site) get(t *testing.T, c *http.Client, path, bearer string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestOnlyTheTokenShowsAnything(t *testing.T) {
	s := start(t, time.Hour)
	for _, path := range []string{"/", "/metrics", "/report.json", "/report.csv"} {
		for _, bearer := range []string{"", "wrong", token + "x", token[1:]} {
			res, body := s.get(t, s.Client(), path, bearer)
			if path == "/" {
				if res.Request.URL.Path != "/login" || strings.Contains(body, "asia") {
					t.Errorf("%s with %q: %s", path, bearer, res.Status)
				}
			} else if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: %s", path, bearer, res.Status)
			}
		}
	}
	if n := s.reads.Load(); n != 0 {
		t.Errorf("strangers had the records read %d times", n)
	}
	for path, has := range map[string]string{"/": "Pair tests", "/metrics": `callmesh_probe_attempts{mode="direct",result="connected",source="probe"} 1`, "/report.json": `"schema": 1`, "/report.csv": "probe,mode,,,direct"} {
		res, body := s.get(t, s.Client(), path, token)
		if res.StatusCode != http.StatusOK || !strings.Contains(body, has) {
			t.Errorf("%s: %s, no %q", path, res.Status, has)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
	if n := s.reads.Load(); n != 1 {
		t.Errorf("four looks within the hour had the records read %d times", n)
	}
	if res, _ := s.get(t, s.Client(), "/livez", ""); res.StatusCode != http.StatusOK {
		t.Errorf("livez: %s", res.Status)
	}
}

func TestTheForm(t *testing.T) {
	s := start(t, time.Hour)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: s.Client().Transport}
	try := func(token string) (int, string) {
		t.Helper()
		res, err := c.PostForm(s.URL+"/login", url.Values{"token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if code, body := try("a wrong one"); code != http.StatusUnauthorized || !strings.Contains(body, "not the token") || strings.Contains(body, "a wrong one") {
		t.Errorf("a wrong token: %d", code)
	}
	for range 50 {
		try("another wrong one")
		s.get(t, s.Client(), "/metrics", "a third")
	}
	// The operator hears of it, without the tokens, and not a hundred times.
	if n := strings.Count(s.log.String(), "wrong operator's token"); n < 1 || n > 10 || strings.Contains(s.log.String(), "another") || strings.Contains(s.log.String(), "third") {
		t.Errorf("the log has %d lines of a hundred wrong tokens: %s", n, s.log.String())
	}
	if code, body := try(token); code != http.StatusOK || !strings.Contains(body, "Pair tests") || !strings.Contains(body, `http-equiv="refresh"`) {
		t.Errorf("the right one, while somebody guesses: %d", code)
	}
	if res, _ := s.get(t, c, "/report.json", ""); res.StatusCode != http.StatusOK {
		t.Errorf("with the cookie: %s", res.Status)
	}
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	cookie := jar.Cookies(at)[0]
	until, mac, _ := strings.Cut(cookie.Value, ".")
	for _, forged := range []string{"", "1." + mac, until + "0." + mac, until + ".", until, "x." + mac} {
		jar.SetCookies(at, []*http.Cookie{{Name: cookie.Name, Value: forged, Path: "/"}})
		if res, _ := s.get(t, c, "/report.json", ""); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("with a cookie %q: %s", forged, res.Status)
		}
	}
}

func TestWhatWasReadLastIsShown(t *testing.T) {
	s := start(t, time.Nanosecond)
	if _, body := s.get(t, s.Client(), "/", token); strings.Contains(body, "just now") {
		t.Error("all is well, and it says otherwise")
	}
	s.fail.Store(true)
	res, body := s.get(t, s.Client(), "/", token)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "can&#39;t be read just now") || !strings.Contains(body, "asia") || strings.Contains(body, "secret") {
		t.Errorf("%s: %s", res.Status, body[:min(len(body), 400)])
	}
	for _, path := range []string{"/report.json", "/report.csv", "/metrics"} { // a machine would not see that it is old
		if res, body := s.get(t, s.Client(), path, token); res.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "secret") {
			t.Errorf("%s, for machines: %s %s", path, res.Status, body)
		}
	}
	never := start(t, time.Nanosecond)
	never.fail.Store(true)
	if _, body := never.get(t, never.Client(), "/", token); !strings.Contains(body, "read just now") || strings.Contains(body, "read last") || strings.Contains(body, "No attempts") {
		t.Errorf("what was never read: %s", body[max(0, len(body)-1500):])
	}
}

// Where nothing could be read, as before NATS has come, nobody waits for as long as a good report holds.
func TestWhatFailedIsTriedAgainSoon(t *testing.T) {
	s := start(t, time.Hour)
	s.fail.Store(true)
	if res, _ := s.get(t, s.Client(), "/report.json", token); res.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("it fails with %s", res.Status)
	}
	if _, page := s.get(t, s.Client(), "/", token); !strings.Contains(page, `http-equiv="refresh" content="2"`) {
		t.Error("the page does not look again soon")
	}
	s.fail.Store(false)
	limit, tick := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		if res, _ := s.get(t, s.Client(), "/report.json", token); res.StatusCode == http.StatusOK {
			break
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it was not tried again")
		}
	}
	if n := s.reads.Load(); n < 2 || n > 3 { // three if the page came late
		t.Errorf("%d reads", n)
	}
}

func TestATokenThatIsNone(t *testing.T) {
	if _, err := serve.New(serve.Options{Token: turnauth.NewSecret("short")}); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("%v", err)
	}
}
