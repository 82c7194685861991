package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// refreshAfter is the age at which a key set is fetched again in the background. Withdrawn
	// keys stay good that long.
	refreshAfter = 10 * time.Minute
	// fetchEvery bounds how often tokens can make the edge fetch: anyone can write a key id
	// into a header, and the issuer must not feel it.
	fetchEvery = 5 * time.Second
	// fetchTimeout is for one fetch, redirects included. It is below the 10 s that a client has
	// for its hello.
	fetchTimeout = 8 * time.Second
	maxKeySet    = 1 << 20 // bytes
)

// keySet caches the public keys of a JWKS URL. A set that was fetched once is used until a newer
// one comes, however long the URL is out of reach: calls must not depend on it being up.
type keySet struct {
	url       string
	client    *http.Client
	ownClient bool
	log       *slog.Logger
	now       func() time.Time
	fetches   *prometheus.CounterVec

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	// mu guards the following.
	mu      sync.Mutex
	keys    []publicKey // nil until the first fetch that worked
	fetched time.Time   // when keys came
	tried   time.Time   // when the last fetch began
	lastErr error       // what it came to
	flight  chan struct{}
	closed  bool
}

func newKeySet(o Options) (*keySet, error) {
	if err := CheckJWKSURL(o.JWKSURL); err != nil {
		return nil, fmt.Errorf("auth: JWKS URL: %w", err)
	}
	// A transport of its own, so that close can end its idle connections and nobody else's.
	client := http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), Timeout: fetchTimeout}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= 3 {
			return errors.New("more than 3 redirects")
		}
		return safeURL(req.URL)
	}
	k := &keySet{
		url: o.JWKSURL, client: &client, ownClient: o.Client == nil, log: o.Logger, now: o.Now,
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_auth_jwks_fetches_total",
			Help: "Fetches of the JWKS URL, by result: ok, failed.",
		}, []string{"result"}),
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.mu.Lock()
	defer k.mu.Unlock()
	k.startLocked()
	return k, nil
}

// CheckJWKSURL says what is wrong with a URL as Options.JWKSURL, nil if nothing.
func CheckJWKSURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("%q is not a URL; write it like https://id.example.org/jwks.json", s)
	}
	return safeURL(u)
}

// safeURL refuses what a stranger on the way could answer in the issuer's place.
func safeURL(u *url.URL) error {
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	loopback := host == "localhost" || (err == nil && ip.Unmap().IsLoopback())
	switch {
	case host == "":
		return fmt.Errorf("%q names no host; write it like https://id.example.org/jwks.json", u.Redacted())
	case u.Scheme == "https", u.Scheme == "http" && loopback:
		return nil
	}
	return fmt.Errorf("%q is not safe from tampering; use https (http only on localhost)", u.Redacted())
}

// find gives the key that must have signed a token with this algorithm and key id, fetching if none
// is known. Its error is an *Error.
func (k *keySet) find(ctx context.Context, alg, kid string) (publicKey, error) {
	k.mu.Lock()
	key, ok := choose(k.keys, alg, kid)
	if ok {
		if k.now().Sub(k.fetched) > refreshAfter {
			k.startLocked() // nobody waits for it
		}
		k.mu.Unlock()
		return key, nil
	}
	flight := k.startLocked()
	k.mu.Unlock()

	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return publicKey{}, &Error{Reason: "the signing keys took too long to fetch; try again", kind: ErrUnavailable, cause: ctx.Err()}
		}
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := choose(k.keys, alg, kid); ok {
		return key, nil
	}
	if k.lastErr != nil || k.keys == nil {
		// The key may well be a new one that cannot be seen now.
		return publicKey{}, &Error{Reason: "the signing keys cannot be fetched now; try again", kind: ErrUnavailable, cause: k.lastErr}
	}
	if kid == "" {
		return publicKey{}, invalid("the token names no key (kid), and there is not exactly one that it could be", nil)
	}
	return publicKey{}, invalid("the token is signed with a key that is not in the key set", nil)
}

// startLocked begins a fetch, unless one runs (then it gives that one) or the last is too recent
// (then nil). The channel is closed when the fetch is over.
func (k *keySet) startLocked() <-chan struct{} {
	if k.flight != nil {
		return k.flight
	}
	now := k.now()
	if k.closed || (!k.tried.IsZero() && now.Sub(k.tried) < fetchEvery) {
		return nil
	}
	done := make(chan struct{})
	k.flight, k.tried = done, now
	k.wg.Go(func() {
		keys, err := k.fetch()
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.lastErr = err; err == nil {
			k.keys, k.fetched = keys, k.now()
			k.fetches.WithLabelValues("ok").Inc()
			k.log.Debug("fetched the key set", "keys", len(keys))
		} else if !k.closed {
			k.fetches.WithLabelValues("failed").Inc()
			k.log.Warn("cannot fetch the key set; going on with the cached one", "cached", len(k.keys), "error", err)
		}
		k.flight = nil
		close(done)
	})
	return done
}

func (k *keySet) fetch() ([]publicKey, error) {
	ctx, cancel := context.WithTimeout(k.ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := k.client.Do(req)
	if err != nil {
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			return nil, fmt.Errorf("no answer within %s", fetchTimeout)
		}
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the JWKS URL answers %s; it must answer 200 with a key set", res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxKeySet {
		return nil, fmt.Errorf("the key set is longer than %d bytes", maxKeySet)
	}
	return parseKeys(body)
}

func (k *keySet) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.cancel()
	k.wg.Wait()
	if k.ownClient {
		k.client.CloseIdleConnections()
	}
}
