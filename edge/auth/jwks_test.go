package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"callmesh/edge/auth"
)

// issuer is a real JWKS endpoint whose keys can be changed and which can be down.
type issuer struct {
	*httptest.Server
	mu      sync.Mutex
	set     []byte
	down    bool
	fetches int
}

func newIssuer(t testing.TB) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.fetches++
		if i.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(i.set)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(t testing.TB, keys map[string]any) {
	t.Helper()
	set := jwk.NewSet()
	for kid, k := range keys {
		key, ok := k.(jwk.Key)
		if !ok {
			var err error
			if key, err = jwk.Import(k); err != nil {
				t.Fatal(err)
			}
		}
		if err := key.Set("kid", kid); err != nil {
			t.Fatal(err)
		}
		if err := set.AddKey(key); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set = b
}

func (i *issuer) goDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// tick is a clock that stands until it is moved.
type tick struct {
	mu sync.Mutex
	t  time.Time
}

func (c *tick) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *tick) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func claims(sub string) map[string]any {
	return map[string]any{"sub": sub, "exp": start.Add(time.Hour).Unix()}
}

func public(k crypto.Signer) any { return k.Public() }

func TestAsymmetricAlgorithms(t *testing.T) {
	r, e, d := rsaKey(t, 2048), ecKey(t, elliptic.P256()), edKey(t)
	iss := newIssuer(t)
	iss.publish(t, map[string]any{"r": public(r), "e": public(e), "d": public(d)})
	v := newVerifier(t, auth.Options{JWKSURL: iss.URL})

	for _, tt := range []struct {
		kid string
		alg jwa.SignatureAlgorithm
		key any
	}{{"r", jwa.RS256(), r}, {"e", jwa.ES256(), e}, {"d", jwa.EdDSA(), d}, {"", jwa.ES256(), e}} {
		c, err := v.Verify(t.Context(), sign(t, tt.alg, tt.key, tt.kid, claims("alice")))
		if err != nil || c.Subject != "alice" {
			t.Errorf("%s with kid %q: %+v, %v", tt.alg, tt.kid, c, err)
		}
	}
	_, err := v.Verify(t.Context(), sign(t, jwa.ES256(), ecKey(t, elliptic.P256()), "e", claims("alice")))
	wantError(t, err, auth.ErrInvalid, "the signature does not fit")
	_, err = v.Verify(t.Context(), sign(t, jwa.HS256(), []byte(secret.Reveal()), "", claims("alice")))
	wantError(t, err, auth.ErrInvalid, "HS256 tokens are not accepted here")
	if n := iss.count(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

// A public key is no secret: whoever takes its bytes for an HS256 secret must get nowhere, nor may
// a key set bring a shared secret of its own.
func TestAlgorithmConfusion(t *testing.T) {
	r := rsaKey(t, 2048)
	iss := newIssuer(t)
	planted := []byte("a symmetric key planted in the set, 32+")
	iss.publish(t, map[string]any{"r": public(r), "s": planted})
	v := newVerifier(t, auth.Options{JWKSURL: iss.URL, Secret: secret})

	der, err := x509.MarshalPKIXPublicKey(r.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "modulus": r.N.Bytes(), "planted": planted,
	} {
		for _, kid := range []string{"r", "s", ""} {
			_, err := v.Verify(t.Context(), sign(t, jwa.HS256(), key, kid, claims("admin")))
			t.Run(name+" "+kid, func(t *testing.T) { wantError(t, err, auth.ErrInvalid, "the signature does not fit") })
		}
	}
	// Both ways to trust a token are in force together.
	for alg, key := range map[jwa.SignatureAlgorithm]any{jwa.HS256(): []byte(secret.Reveal()), jwa.RS256(): r} {
		if _, err := v.Verify(t.Context(), sign(t, alg, key, "r", claims("alice"))); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestWeakAndForeignKeysArePassedOver(t *testing.T) {
	enc := ecKey(t, elliptic.P256())
	encJWK, err := jwk.Import(enc.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := encJWK.Set("use", "enc"); err != nil {
		t.Fatal(err)
	}
	e := ecKey(t, elliptic.P256())
	keys := map[string]any{"384": public(ecKey(t, elliptic.P384())), "enc": encJWK, "e": public(e)}
	iss := newIssuer(t)
	iss.publish(t, keys)
	v := newVerifier(t, auth.Options{JWKSURL: iss.URL})
	if _, err := v.Verify(t.Context(), sign(t, jwa.ES256(), e, "e", claims("alice"))); err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), sign(t, jwa.ES256(), enc, "enc", claims("alice")))
	wantError(t, err, auth.ErrInvalid, "the token is signed with a key that is not in the key set")
}

func TestRotation(t *testing.T) {
	one, two := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	iss := newIssuer(t)
	iss.publish(t, map[string]any{"1": public(one)})
	c := &tick{t: start}
	v := newVerifier(t, auth.Options{JWKSURL: iss.URL, Now: c.now})
	first := sign(t, jwa.ES256(), one, "1", claims("alice"))
	second := sign(t, jwa.ES256(), two, "2", claims("alice"))
	verify := func(tok string) error { _, err := v.Verify(t.Context(), tok); return err }

	if err := verify(first); err != nil {
		t.Fatal(err)
	}
	// However often the unknown key is asked for, the issuer feels it once in a while only.
	for range 20 {
		wantError(t, verify(second), auth.ErrInvalid, "the token is signed with a key that is not in the key set")
	}
	if n := iss.count(); n != 1 {
		t.Errorf("%d fetches at once, want 1", n)
	}
	iss.publish(t, map[string]any{"1": public(one), "2": public(two)})
	c.add(6 * time.Second)
	if err := verify(second); err != nil {
		t.Errorf("a new key is not picked up: %v", err)
	}
	if err := verify(first); err != nil {
		t.Errorf("the old key, still published, is forgotten: %v", err)
	}

	// Withdrawn, it is refused once the cache has been renewed in the background.
	iss.publish(t, map[string]any{"2": public(two)})
	c.add(11 * time.Minute)
	before := iss.count()
	if err := verify(first); err != nil {
		t.Errorf("a stale cache makes a caller wait or fail: %v", err)
	}
	eventually(t, func() bool { return iss.count() > before && errors.Is(verify(first), auth.ErrInvalid) })
}

func TestIssuerDown(t *testing.T) {
	one, two := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	iss := newIssuer(t)
	iss.goDown(true)
	c := &tick{t: start}
	v := newVerifier(t, auth.Options{JWKSURL: iss.URL, Now: c.now})
	first := sign(t, jwa.ES256(), one, "1", claims("alice"))

	_, err := v.Verify(t.Context(), first)
	wantError(t, err, auth.ErrUnavailable, "the signing keys cannot be fetched now; try again")

	iss.publish(t, map[string]any{"1": public(one)})
	iss.goDown(false)
	c.add(6 * time.Second)
	if _, err := v.Verify(t.Context(), first); err != nil {
		t.Fatalf("the issuer is back, and still: %v", err)
	}

	iss.goDown(true)
	c.add(30 * time.Minute)
	for range 3 {
		if _, err := v.Verify(t.Context(), first); err != nil {
			t.Fatalf("with the key cached: %v", err)
		}
	}
	_, err = v.Verify(t.Context(), sign(t, jwa.ES256(), two, "2", claims("alice")))
	wantError(t, err, auth.ErrUnavailable, "the signing keys cannot be fetched now; try again")
}

func TestIssuerAndAudience(t *testing.T) {
	e := ecKey(t, elliptic.P256())
	iss := newIssuer(t)
	iss.publish(t, map[string]any{"e": public(e)})
	v := newVerifier(t, auth.Options{JWKSURL: iss.URL, JWKSIssuer: "https://id", JWKSAudience: "callmesh", Secret: secret})
	with := func(extra map[string]any) map[string]any {
		m := claims("alice")
		maps.Copy(m, extra)
		return m
	}
	_, err := v.Verify(t.Context(), sign(t, jwa.ES256(), e, "e", with(map[string]any{"iss": "https://id", "aud": []string{"other", "callmesh"}})))
	if err != nil {
		t.Error(err)
	}
	_, err = v.Verify(t.Context(), sign(t, jwa.ES256(), e, "e", with(map[string]any{"iss": "https://id", "aud": "other"})))
	wantError(t, err, auth.ErrInvalid, "the token is meant for another audience")
	_, err = v.Verify(t.Context(), sign(t, jwa.ES256(), e, "e", with(map[string]any{"aud": "callmesh"})))
	wantError(t, err, auth.ErrInvalid, "the token is from another issuer")
	// Tokens of the edge's own name neither.
	if _, err := v.Verify(t.Context(), sign(t, jwa.HS256(), []byte(secret.Reveal()), "", claims("guest"))); err != nil {
		t.Error(err)
	}
}

func TestFetchIsGuarded(t *testing.T) {
	e := ecKey(t, elliptic.P256())
	tok := sign(t, jwa.ES256(), e, "e", claims("alice"))
	weak := base64.RawURLEncoding.EncodeToString(rsaKey(t, 1024).N.Bytes())
	for name, h := range map[string]http.HandlerFunc{
		"weak keys only": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"RSA","kid":"e","e":"AQAB","n":"` + weak + `"}]}`))
		},
		"redirect to plain http": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/jwks", http.StatusFound)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) },
		"no keys": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			v := newVerifier(t, auth.Options{JWKSURL: srv.URL})
			_, err := v.Verify(t.Context(), tok)
			wantError(t, err, auth.ErrUnavailable, "the signing keys cannot be fetched now; try again")
		})
	}
}

// Close must not wait for an issuer that does not answer.
func TestCloseEndsAFetch(t *testing.T) {
	entered := make(chan struct{})
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer srv.Close()
	defer close(release)
	v, err := auth.NewVerifier(auth.Options{JWKSURL: srv.URL, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	begun := time.Now()
	v.Close()
	if d := time.Since(begun); d > 3*time.Second {
		t.Errorf("Close took %s", d)
	}
	_, err = v.Verify(t.Context(), sign(t, jwa.ES256(), ecKey(t, elliptic.P256()), "e", claims("alice")))
	wantError(t, err, auth.ErrUnavailable, "the signing keys cannot be fetched now; try again")
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("did not come about within 10 s")
		}
	}
}
