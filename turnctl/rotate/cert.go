package rotate

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/verdict"
)

// CertOptions say which certificate to put into which coturn. All but the bounds are required.
type CertOptions struct {
	// Cert and Key are PEM files with the new chain and its key.
	Cert, Key string
	// IntoCert and IntoKey are the files that coturn reads: cert and pkey of its configuration. They can be the same as Cert and Key, if those were
	// renewed in place.
	IntoCert, IntoKey string
	// Process is the running coturn.
	Process coturn.Process
	// Addr is host:port of one of its TLS listeners.
	Addr string
	// Names that the certificate must be good for; none: not looked at.
	Names []string
	// Within bounds the wait for coturn to show the new certificate. 0 means 10 s.
	Within time.Duration
	// Say is told what goes on, a line at a time. It may be nil.
	Say func(line string)
}

// Cert has coturn serve a new certificate: its files are replaced, coturn is told to read them (SIGUSR2), and a handshake must then show the new one. For
// coturn only logs that it could not use a certificate, and goes on with the one before. If it does, the files are put back as they were. Running
// allocations go on either way. An error is of what could not be begun.
func Cert(ctx context.Context, o CertOptions) ([]verdict.Item, error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.Within == 0 {
		o.Within = 10 * time.Second
	}
	item := func(status verdict.Status, format string, args ...any) []verdict.Item {
		i := verdict.Item{Name: "rotate.cert", Group: o.Addr, Status: status, Summary: fmt.Sprintf(format, args...)}
		if status == verdict.Fail {
			i.Severity = verdict.High
		}
		return []verdict.Item{i}
	}
	leaf, err := usable(o.Cert, o.Key, o.Names, time.Now())
	if err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	want := sha256.Sum256(leaf.Raw)
	files, err := readPairs([2]string{o.Cert, o.IntoCert}, [2]string{o.Key, o.IntoKey})
	if err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	// Asked beforehand: with a relay that serves no TLS there would be nothing to compare with.
	before, err := shown(ctx, o.Addr)
	if err != nil {
		return item(verdict.Fail, "no TLS at %s before the change, so nothing was changed: %s", o.Addr, err), nil
	}
	if before == want && !files.differ() {
		return item(verdict.OK, "coturn shows this certificate already: nothing to do (%s, until %s)", short(want), leaf.NotAfter.Format(time.DateOnly)), nil
	}
	o.Say(fmt.Sprintf("replacing %s (%s) and having process %d read it", o.IntoCert, short(before), o.Process.PID))
	if err := files.write(); err != nil {
		return nil, errors.Join(fmt.Errorf("rotate: %w", err), files.restore())
	}
	why := o.reload(ctx, want)
	if why == nil {
		return item(verdict.OK, "coturn shows the new certificate (%s, until %s); before it %s", short(want), leaf.NotAfter.Format(time.DateOnly), short(before)), nil
	}
	items := item(verdict.Fail, "coturn does not show the new certificate: %s", why)
	items[0].Fix = "read coturn's log for the reason; the files are as they were before"
	if err := files.restore(); err != nil {
		items[0].Fix = "the files could not be put back: " + err.Error()
	} else if err := syscall.Kill(o.Process.PID, syscall.SIGUSR2); err != nil {
		items[0].Fix = fmt.Sprintf("the files are as they were before; process %d: %s", o.Process.PID, err)
	}
	return items, nil
}

// reload has coturn read its files and waits for the certificate to show.
func (o CertOptions) reload(ctx context.Context, want [sha256.Size]byte) error {
	for _, path := range []string{o.IntoCert, o.IntoKey} {
		if err := coturn.Readable(path, o.Process.UID, o.Process.Groups); err != nil {
			return err // coturn would keep the old one and say so in its log alone
		}
	}
	if err := syscall.Kill(o.Process.PID, syscall.SIGUSR2); err != nil {
		return fmt.Errorf("process %d: %w", o.Process.PID, err)
	}
	over := time.NewTimer(o.Within)
	defer over.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		// A look that has begun in time is made to its end: a busy coturn is not one that shows nothing.
		got, err := shown(ctx, o.Addr)
		switch {
		case err == nil && got == want:
			return nil
		case err == nil:
			err = fmt.Errorf("after %s it still shows %s", o.Within, short(got))
		}
		select {
		case <-ctx.Done():
			return err
		case <-over.C:
			return err
		case <-again.C:
		}
	}
}

// usable gives the leaf of a pair of files that a relay can serve.
func usable(cert, key string, names []string, now time.Time) (*x509.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", cert, key, err)
	}
	leaf := pair.Leaf
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return nil, fmt.Errorf("%s is good from %s to %s, not now", cert, leaf.NotBefore.Format(time.RFC3339), leaf.NotAfter.Format(time.RFC3339))
	}
	for _, name := range names {
		if err := leaf.VerifyHostname(name); err != nil {
			return nil, fmt.Errorf("%s: %w", cert, err)
		}
	}
	return leaf, nil
}

// shown is the fingerprint of the certificate that a TLS listener shows. Whom it is from is not looked at: the fingerprint says it.
func shown(ctx context.Context, addr string) (fingerprint [sha256.Size]byte, err error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 3 * time.Second}, Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // compared by fingerprint
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fingerprint, err
	}
	defer func() { _ = conn.Close() }()
	return sha256.Sum256(conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw), nil
}

func short(fingerprint [sha256.Size]byte) string {
	return "SHA-256 " + strings.ToUpper(fmt.Sprintf("%x", fingerprint[:8])) + "…"
}

// certFile is a file of coturn's and what it is to hold.
type certFile struct {
	path            string
	content, before []byte
	mode            fs.FileMode
	uid, gid        int
	changed         bool
}

type certFiles []*certFile

// readPairs reads what is to be copied, and what stands where it goes. Each pair is from and into.
func readPairs(pairs ...[2]string) (certFiles, error) {
	var files certFiles
	for _, p := range pairs {
		content, err := os.ReadFile(p[0])
		if err != nil {
			return nil, err
		}
		f := &certFile{path: p[1], content: content}
		info, err := os.Stat(p[1])
		if err != nil {
			return nil, fmt.Errorf("%w; coturn's configuration must name files that are there", err)
		}
		if f.before, err = os.ReadFile(p[1]); err != nil {
			return nil, err
		}
		f.mode = info.Mode().Perm()
		owner := info.Sys().(*syscall.Stat_t)
		f.uid, f.gid = int(owner.Uid), int(owner.Gid)
		files = append(files, f)
	}
	return files, nil
}

func (files certFiles) differ() bool {
	for _, f := range files {
		if string(f.content) != string(f.before) {
			return true
		}
	}
	return false
}

func (files certFiles) write() error {
	for _, f := range files {
		if string(f.content) == string(f.before) {
			continue
		}
		f.changed = true
		if err := f.put(f.content); err != nil {
			return err
		}
	}
	return nil
}

// restore puts back what stood there.
func (files certFiles) restore() error {
	var errs []error
	for _, f := range files {
		if f.changed {
			errs = append(errs, f.put(f.before))
		}
	}
	return errors.Join(errs...)
}

// put replaces the content and keeps whose the file is, so that coturn can read it as before.
func (f *certFile) put(content []byte) error {
	path := f.path
	if target, err := os.Readlink(path); err == nil && target != "" {
		return fmt.Errorf("%s is a link to %s; name the file itself in turnserver.conf, or renew that one and give it as --cert", path, target)
	}
	return replace(path, content, f.mode, f.uid, f.gid)
}
