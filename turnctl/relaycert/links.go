package relaycert

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// Links are the names by which coturn reads its certificate and key: links to the files, or to a stand-in while coturn could load nothing from those.
// Without something to load when it starts, coturn 4.6.1 does not listen for TLS at all, and no signal makes it do so later.
type Links struct {
	cert, key string // the files
	conf      string

	mu sync.Mutex // guards the following
	// given is what coturn was last told to read, which it goes on with when files turn bad; without a leaf it is the stand-in.
	given Pair
}

// NewLinks makes nothing yet. The links stand beside coturn's configuration, by names that begin with its own.
func NewLinks(conf, cert, key string) *Links { return &Links{cert: cert, key: key, conf: conf} }

// Names are what coturn's configuration is to name.
func (l *Links) Names() (cert, key string) { return l.conf + ".crt", l.conf + ".key" }

// ErrStandsIn is of links that lead to a stand-in, so that nobody can tell by them which files are followed.
var ErrStandsIn = errors.New("coturn has a stand-in for its certificate; put a good one, and its key, into the files that tls-cert and tls-key of the relay name, and it reads them by itself")

// Behind gives the files that a configuration's cert and pkey stand for: those themselves, unless they are the links of that configuration.
// The error is [ErrStandsIn], or one of [fs.ErrNotExist] for links that are not there.
func Behind(conf, cert, key string) (certFile, keyFile string, err error) {
	if conf, err = filepath.Abs(conf); err != nil {
		return "", "", fmt.Errorf("relaycert: %w", err)
	}
	l := NewLinks(conf, cert, key)
	if ownCert, ownKey := l.Names(); cert != ownCert || key != ownKey {
		return cert, key, nil
	}
	if certFile, err = os.Readlink(cert); err == nil {
		keyFile, err = os.Readlink(key)
	}
	if err != nil {
		return "", "", fmt.Errorf("relaycert: %w", err)
	}
	if standIn, _ := l.standIn(); certFile == standIn {
		return "", "", ErrStandsIn
	}
	return certFile, keyFile, nil
}

// Start makes the links for a coturn that is about to start.
func (l *Links) Start(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair, _ := Look(l.cert, l.key, now)
	if pair.Leaf == nil {
		pair = Pair{}
	}
	return l.link(pair)
}

// State is how a relay is off for TLS.
type State struct {
	// Serves is the certificate that coturn has; nil: the stand-in.
	Serves *x509.Certificate
	// Down is why callers refuse what coturn has; nil while they need not.
	Down *Error
	// Files is what is wrong with the files, of which coturn may have had better ones.
	Files *Error
}

// Look looks at the files while coturn runs, and says whether coturn is to read them again: they hold another pair, which it can load, or again is set.
func (l *Links) Look(now time.Time, again bool) (s State, reread bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair, wrong := Look(l.cert, l.key, now)
	if pair.Leaf != nil && (again || !bytes.Equal(pair.Cert, l.given.Cert) || !bytes.Equal(pair.Key, l.given.Key)) {
		reread, err = true, l.link(pair)
	}
	s = State{Serves: l.given.Leaf, Files: wrong}
	if s.Down = wrong; s.Serves != nil {
		s.Down = OfTime(s.Serves, l.cert, now)
	}
	return s, reread, err
}

// link points the names at the files of a pair, or at a stand-in. The lock is held.
func (l *Links) link(pair Pair) error {
	cert, key := l.Names()
	if cert == l.cert || key == l.key {
		return fmt.Errorf("relaycert: %s and %s are what coturn's own links are to be called; keep the certificate elsewhere", cert, key)
	}
	toCert, toKey := l.cert, l.key
	if pair.Leaf == nil {
		toCert, toKey = l.standIn()
		if err := writeStandIn(toCert, toKey); err != nil {
			return fmt.Errorf("relaycert: %w", err)
		}
	}
	for name, to := range map[string]string{cert: toCert, key: toKey} {
		if err := renameio.Symlink(to, name); err != nil {
			return fmt.Errorf("relaycert: %w", err)
		}
	}
	l.given = pair
	return nil
}

func (l *Links) standIn() (cert, key string) {
	return l.conf + ".standin.crt", l.conf + ".standin.key"
}

// Remove takes the links away, and what stood in.
func (l *Links) Remove() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	cert, key := l.Names()
	standInCert, standInKey := l.standIn()
	for _, path := range []string{cert, key, standInCert, standInKey} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
