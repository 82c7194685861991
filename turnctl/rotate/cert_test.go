package rotate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/rotate"
	"callmesh/turnctl/turntest"
)

// serving is a relay with a certificate of its own files, a call on it, and what to rotate there.
func serving(t *testing.T) (*turntest.CA, rotate.CertOptions, *turntest.Caller) {
	t.Helper()
	ca := turntest.NewCA(t)
	first := ca.Issue(t, time.Now().Add(time.Hour), "turn.example")
	r := turntest.Start(t, turntest.Options{TLS: &first})
	p, err := coturn.FindProcess(r.Config)
	if err != nil || p.PID != r.PID() {
		t.Fatalf("found %+v, %v; want process %d", p, err, r.PID())
	}
	c, err := turntest.Call(t, r, r.Secret, "alice")
	if err != nil {
		t.Fatal(err)
	}
	return ca, rotate.CertOptions{IntoCert: first.CertFile, IntoKey: first.KeyFile, Process: p, Addr: r.TLSAddr.String(), Names: []string{"turn.example"}}, c
}

func flowing(t *testing.T, c *turntest.Caller) {
	t.Helper()
	// What went before and while the certificate changed, and ten more since.
	before, _ := c.Counts()
	for sent, _ := c.Counts(); sent < before+10; sent, _ = c.Counts() {
		time.Sleep(time.Millisecond)
	}
	sent, lost := c.HangUp()
	t.Logf("of %d packets of the running call %d are lost", sent, lost)
	if lost > 0 || sent == 0 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
}

// A new certificate shows after the rotation, and a call that runs does not notice.
func TestCertIsRotatedUnderACall(t *testing.T) {
	ca, o, call := serving(t)
	next := ca.Issue(t, time.Now().Add(2*time.Hour), "turn.example")
	o.Cert, o.Key = next.CertFile, next.KeyFile
	items, err := rotate.Cert(t.Context(), o)
	if err != nil || summary(items) != "cert=ok" || !strings.Contains(items[0].Summary, "shows the new certificate") {
		t.Fatalf("%v %v", err, items)
	}
	items, err = rotate.Cert(t.Context(), o)
	if err != nil || summary(items) != "cert=ok" || !strings.Contains(items[0].Summary, "nothing to do") {
		t.Errorf("again: %v %v", err, items)
	}
	flowing(t, call)
}

// A certificate that does not show is found out, and what stood before is put back.
func TestCertThatDoesNotShowIsPutBack(t *testing.T) {
	ca, o, call := serving(t)
	before, err := os.ReadFile(o.IntoCert)
	if err != nil {
		t.Fatal(err)
	}
	next := ca.Issue(t, time.Now().Add(2*time.Hour), "turn.example")
	o.Cert, o.Key = next.CertFile, next.KeyFile
	// coturn does not read these files: its configuration names others. So it goes on with the old certificate, as it does with one that it can't use.
	dir := t.TempDir()
	for _, path := range []*string{&o.IntoCert, &o.IntoKey} {
		text, err := os.ReadFile(*path)
		if err != nil {
			t.Fatal(err)
		}
		*path = filepath.Join(dir, filepath.Base(*path))
		if err := os.WriteFile(*path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.Within = time.Nanosecond // one look
	items, err := rotate.Cert(t.Context(), o)
	if err != nil || summary(items) != "cert=fail" || !strings.Contains(items[0].Summary, "still shows") {
		t.Fatalf("%v %v", err, items)
	}
	if after, err := os.ReadFile(o.IntoCert); err != nil || string(after) != string(before) {
		t.Errorf("the file is not as it was: %v", err)
	}

	// What could not work is refused before anything is touched.
	for want, c := range map[string]turntest.Certificate{
		"not now":          ca.Issue(t, time.Now().Add(-time.Hour), "turn.example"),
		"not turn.example": ca.Issue(t, time.Now().Add(time.Hour), "other.example"),
	} {
		o.Cert, o.Key = c.CertFile, c.KeyFile
		if _, err := rotate.Cert(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	o.Cert = next.CertFile
	if _, err := rotate.Cert(t.Context(), o); err == nil || !strings.Contains(err.Error(), "private key does not match") {
		t.Errorf("a key of another certificate: %v", err)
	}
	flowing(t, call)
}

// coturn's user must be able to read the files: found before coturn is asked to, and what stood before is put back.
func TestCertThatCoturnMayNotRead(t *testing.T) {
	ca, o, call := serving(t)
	next := ca.Issue(t, time.Now().Add(2*time.Hour), "turn.example")
	o.Cert, o.Key = next.CertFile, next.KeyFile
	o.Process.UID, o.Process.Groups = 12345, []int{12345}
	items, err := rotate.Cert(context.Background(), o)
	if err != nil || summary(items) != "cert=fail" || !strings.Contains(items[0].Summary, "uid 12345 may not") {
		t.Errorf("%v %v", err, items)
	}
	flowing(t, call)
}
