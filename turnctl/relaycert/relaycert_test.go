package relaycert

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/turntest"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLook(t *testing.T) {
	ca, now := turntest.NewCA(t), time.Now()
	good, other := ca.Issue(t, now.Add(time.Hour), "turn.example"), ca.Issue(t, now.Add(time.Hour), "turn.example")
	ended, coming := ca.Issue(t, now.Add(-time.Hour), "turn.example"), ca.IssueFrom(t, now.Add(time.Hour), now.Add(2*time.Hour), "turn.example")
	broken := "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	const none = "none"
	written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		cert, key string
		file      string
		says      string
		since     time.Time
		loads     bool
	}{
		"good":              {cert: read(t, good.CertFile), key: read(t, good.KeyFile), loads: true},
		"expired":           {cert: read(t, ended.CertFile), key: read(t, ended.KeyFile), file: "tls.crt", says: "has expired", since: ended.Leaf.NotAfter, loads: true},
		"not yet good":      {cert: read(t, coming.CertFile), key: read(t, coming.KeyFile), file: "tls.crt", says: "is not good before", loads: true},
		"another key":       {cert: read(t, good.CertFile), key: read(t, other.KeyFile), file: "tls.key", says: "is not the key of", since: written},
		"swapped":           {cert: read(t, good.KeyFile), key: read(t, good.CertFile), file: "tls.crt", says: "holds no certificate", since: written},
		"no key in it":      {cert: read(t, good.CertFile), key: read(t, good.CertFile), file: "tls.key", says: "holds no private key", since: written},
		"empty":             {key: read(t, good.KeyFile), file: "tls.crt", says: "holds no certificate", since: written},
		"broken":            {cert: broken, key: read(t, good.KeyFile), file: "tls.crt", says: "is broken", since: written},
		"no certificate":    {cert: none, key: read(t, good.KeyFile), file: "tls.crt", says: "is missing"},
		"no key":            {cert: read(t, good.CertFile), key: none, file: "tls.key", says: "is missing"},
		"neither":           {cert: none, key: none, file: "tls.crt", says: "is missing"},
		"certificate first": {cert: read(t, good.KeyFile) + read(t, good.CertFile), key: read(t, good.CertFile) + read(t, good.KeyFile), loads: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
			for path, text := range map[string]string{cert: c.cert, key: c.key} {
				if text == none {
					continue
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, written, written); err != nil {
					t.Fatal(err)
				}
			}
			pair, wrong := Look(cert, key, now)
			if (pair.Leaf != nil) != c.loads {
				t.Errorf("coturn can load it: %v, want %v", pair.Leaf != nil, c.loads)
			}
			if c.says == "" {
				if wrong != nil {
					t.Errorf("it says %s", wrong)
				}
				return
			}
			if wrong == nil {
				t.Fatal("nothing is wrong")
			}
			if wrong.File != filepath.Join(dir, c.file) || !strings.Contains(wrong.Error(), c.says) || !wrong.Since.Equal(c.since) || wrong.Fix == "" {
				t.Errorf("it says %+v", wrong)
			}
		})
	}
}

// What stands in can be loaded, is known for what it is, and gives way to the certificate; one of that name that somebody put there is left alone.
func TestLinks(t *testing.T) {
	dir, ca := t.TempDir(), turntest.NewCA(t)
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	l := NewLinks(filepath.Join(dir, "turnserver.conf"), cert, key)
	shows := func(standIn bool) {
		t.Helper()
		pair, err := tls.LoadX509KeyPair(l.Names())
		if err != nil {
			t.Fatal(err)
		}
		if IsStandIn(pair.Leaf) != standIn {
			t.Errorf("a stand-in: %v, want %v", !standIn, standIn)
		}
	}
	if err := l.Start(time.Now()); err != nil {
		t.Fatal(err)
	}
	shows(true)
	if s, reread, err := l.Look(time.Now(), true); err != nil || reread || s.Serves != nil || s.Down == nil || s.Files == nil {
		t.Errorf("%+v, %v, %v", s, reread, err)
	}
	good := ca.Issue(t, time.Now().Add(time.Hour), "turn.example")
	for to, from := range map[string]string{cert: good.CertFile, key: good.KeyFile} {
		if err := os.WriteFile(to, []byte(read(t, from)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, reread, err := l.Look(time.Now(), false); err != nil || !reread || s.Down != nil || s.Files != nil {
		t.Errorf("%+v, %v, %v", s, reread, err)
	}
	shows(false)
	if s, reread, _ := l.Look(time.Now().Add(2*time.Hour), false); reread || s.Down == nil || s.Down.What != "has expired" {
		t.Errorf("when it has expired: %+v, %v", s, reread)
	}
	// The files are gone, and coturn has what it read.
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if s, reread, _ := l.Look(time.Now(), true); reread || s.Down != nil || s.Files == nil || s.Serves == nil {
		t.Errorf("without its key: %+v, %v", s, reread)
	}
	if err := l.Remove(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "turnserver.conf*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	ours := NewLinks(filepath.Join(dir, "tls"), cert, filepath.Join(dir, "tls.key"))
	before := read(t, cert)
	if err := ours.Start(time.Now()); err == nil || read(t, cert) != before {
		t.Errorf("it took the certificate's own place: %v", err)
	}
}
