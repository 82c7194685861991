package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"callmesh/edge/auth"
	"callmesh/turnctl/turnauth"
)

var (
	start  = time.Unix(1_760_000_000, 0)
	secret = turnauth.NewSecret("0123456789abcdef0123456789abcdef")
)

func clock() time.Time { return start }

func newVerifier(t testing.TB, o auth.Options) *auth.Verifier {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	v, err := auth.NewVerifier(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// sign makes a token of any claims and header, which Signer would not.
func sign(t testing.TB, alg jwa.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return signRaw(t, alg, key, kid, payload)
}

func signRaw(t testing.TB, alg jwa.SignatureAlgorithm, key any, kid string, payload []byte) string {
	t.Helper()
	h := jws.NewHeaders()
	if kid != "" {
		if err := h.Set("kid", kid); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(h)))
	if err != nil {
		t.Fatal(err)
	}
	return string(tok)
}

func wantError(t *testing.T, err, kind error, reason string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	var e *auth.Error
	if !errors.As(err, &e) || e.Reason != reason {
		t.Errorf("reason %q, want %q", e.Reason, reason)
	}
}

func TestSignAndVerify(t *testing.T) {
	s, err := auth.NewSigner(secret, clock)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, auth.Options{Secret: secret})

	tok, exp, err := s.Sign("alice", "Alice 小明", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Verify(t.Context(), tok)
	if err != nil {
		t.Fatal(err)
	}
	if want := (auth.Claims{Subject: "alice", Name: "Alice 小明", ExpiresAt: start.Add(time.Hour).UTC()}); !reflect.DeepEqual(got, want) || !exp.Equal(got.ExpiresAt) {
		t.Errorf("got %+v until %s, want %+v", got, exp, want)
	}

	tok, _, err = s.SignGuest("guest-1", "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = v.Verify(t.Context(), tok); err != nil || !got.Guest || got.Name != "guest-1" {
		t.Errorf("got %+v, %v: want a guest named by the subject", got, err)
	}
}

func TestModerator(t *testing.T) {
	s, err := auth.NewSigner(secret, clock)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, auth.Options{Secret: secret})
	for _, tt := range []struct {
		moderates []string
		is, isNot []string // an empty one stands for the mesh
	}{
		{nil, nil, []string{"lobby", "*", ""}},
		{[]string{"lobby", "房间"}, []string{"lobby", "房间"}, []string{"Lobby", "attic", "*", ""}},
		{[]string{auth.EveryRoom}, []string{"lobby", "*", ""}, nil},
	} {
		tok, _, err := s.SignModerator("alice", "", time.Hour, tt.moderates)
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Verify(t.Context(), tok)
		if err != nil || !slices.Equal(c.Moderates, tt.moderates) {
			t.Errorf("moderates %q, %v; want %q", c.Moderates, err, tt.moderates)
		}
		for _, room := range tt.is {
			if !c.Moderator(room) {
				t.Errorf("a moderator of %q does not moderate %q", tt.moderates, room)
			}
		}
		for _, room := range tt.isNot {
			if c.Moderator(room) {
				t.Errorf("a moderator of %q moderates %q", tt.moderates, room)
			}
		}
	}
	if _, _, err := s.SignModerator("alice", "", time.Hour, []string{"*", "lobby"}); err == nil {
		t.Error("signed what Verify would refuse")
	}
}

func TestClaims(t *testing.T) {
	reg := prometheus.NewRegistry()
	v := newVerifier(t, auth.Options{Secret: secret, Registerer: reg})
	exp := start.Add(time.Hour).Unix()
	tests := []struct {
		name   string
		claims map[string]any
		kind   error
		reason string
	}{
		{"minimal", map[string]any{"sub": "a", "exp": exp}, nil, ""},
		{"longest", map[string]any{"sub": strings.Repeat("a", 128), "name": strings.Repeat("名", 64), "exp": exp}, nil, ""},
		{"fraction in exp", map[string]any{"sub": "a", "exp": float64(exp) + 0.5}, nil, ""},
		{"nbf within leeway", map[string]any{"sub": "a", "exp": exp, "nbf": start.Add(auth.Leeway).Unix()}, nil, ""},
		{"iat within leeway", map[string]any{"sub": "a", "exp": exp, "iat": start.Add(auth.Leeway).Unix()}, nil, ""},
		{"no exp", map[string]any{"sub": "a"}, auth.ErrInvalid, "the token has no usable expiry: exp is required"},
		{"exp beyond all years", map[string]any{"sub": "a", "exp": 1e15}, auth.ErrInvalid, "the token has no usable expiry: exp is required"},
		{"expired", map[string]any{"sub": "a", "exp": start.Unix()}, auth.ErrExpired, "the token has expired"},
		{"nbf later", map[string]any{"sub": "a", "exp": exp, "nbf": start.Unix() + 31}, auth.ErrInvalid, "the token is not valid yet; check the clocks"},
		{"iat later", map[string]any{"sub": "a", "exp": exp, "iat": start.Unix() + 31}, auth.ErrInvalid, "the token was issued in the future; check the clocks"},
		{"no sub", map[string]any{"exp": exp}, auth.ErrInvalid, "the token names no user: sub is missing or empty"},
		{"sub null", map[string]any{"sub": nil, "exp": exp}, auth.ErrInvalid, "the token names no user: sub is missing or empty"},
		{"sub a number", map[string]any{"sub": 7, "exp": exp}, auth.ErrInvalid, "the token's claims cannot be read: exp, nbf and iat are numbers of seconds, sub and iss are texts"},
		{"sub too long", map[string]any{"sub": strings.Repeat("a", 129), "exp": exp}, auth.ErrInvalid, "sub has 129 bytes; at most 128 are allowed"},
		{"sub with NUL", map[string]any{"sub": "a\x00", "exp": exp}, auth.ErrInvalid, "sub has control characters or is not UTF-8; use printable text"},
		{"sub with C1", map[string]any{"sub": "a\u0085", "exp": exp}, auth.ErrInvalid, "sub has control characters or is not UTF-8; use printable text"},
		{"name empty", map[string]any{"sub": "a", "name": " ", "exp": exp}, auth.ErrInvalid, "name is empty; leave it out or give 1 to 64 characters"},
		{"name too long", map[string]any{"sub": "a", "name": strings.Repeat("名", 65), "exp": exp}, auth.ErrInvalid, "name has 65 characters; at most 64 are allowed"},
		{"name with a line break", map[string]any{"sub": "a", "name": "a\nb", "exp": exp}, auth.ErrInvalid, "name has control characters or is not UTF-8; use printable text"},
		{"name turned around", map[string]any{"sub": "a", "name": "a\u202eb", "exp": exp}, auth.ErrInvalid, "name has control characters or is not UTF-8; use printable text"},
		{"name a list", map[string]any{"sub": "a", "name": []string{"x"}, "exp": exp}, auth.ErrInvalid, "name is not text"},
		{"guest a word", map[string]any{"sub": "a", "guest": "yes", "exp": exp}, auth.ErrInvalid, "guest is not true or false"},
		{"moderates nothing", map[string]any{"sub": "a", "moderates": []string{}, "exp": exp}, nil, ""},
		{"moderates many", map[string]any{"sub": "a", "moderates": slices.Repeat([]string{"房间"}, 64), "exp": exp}, nil, ""},
		{"moderates everything", map[string]any{"sub": "a", "moderates": []string{"*"}, "exp": exp}, nil, ""},
		{"moderates too many", map[string]any{"sub": "a", "moderates": slices.Repeat([]string{"r"}, 65), "exp": exp}, auth.ErrInvalid, `moderates lists 65 rooms; at most 64 are allowed, or "*" alone for every room`},
		{"moderates everything and a room", map[string]any{"sub": "a", "moderates": []string{"*", "r"}, "exp": exp}, auth.ErrInvalid, `moderates has "*" among others; it stands alone, for every room`},
		{"moderates a word", map[string]any{"sub": "a", "moderates": "r", "exp": exp}, auth.ErrInvalid, `moderates is not a list of rooms; write it like ["lobby"], or ["*"] for every room`},
		{"moderates null", map[string]any{"sub": "a", "moderates": nil, "exp": exp}, auth.ErrInvalid, `moderates is not a list of rooms; write it like ["lobby"], or ["*"] for every room`},
		{"moderates true", map[string]any{"sub": "a", "moderates": true, "exp": exp}, auth.ErrInvalid, `moderates is not a list of rooms; write it like ["lobby"], or ["*"] for every room`},
		{"moderates a number", map[string]any{"sub": "a", "moderates": []any{"r", 1}, "exp": exp}, auth.ErrInvalid, `moderates is not a list of rooms; write it like ["lobby"], or ["*"] for every room`},
		{"moderates a nameless room", map[string]any{"sub": "a", "moderates": []string{""}, "exp": exp}, auth.ErrInvalid, "moderates has a room of 0 bytes; want 1 to 128"},
		{"moderates a long room", map[string]any{"sub": "a", "moderates": []string{strings.Repeat("r", 129)}, "exp": exp}, auth.ErrInvalid, "moderates has a room of 129 bytes; want 1 to 128"},
		{"moderates a room with NUL", map[string]any{"sub": "a", "moderates": []string{"r\x00"}, "exp": exp}, auth.ErrInvalid, "moderates has a room with control characters or that is not UTF-8; no room is called so"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), sign(t, jwa.HS256(), []byte(secret.Reveal()), "", tt.claims))
			if tt.kind == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantError(t, err, tt.kind, tt.reason)
		})
	}
	want := `# HELP callmesh_auth_tokens_total Tokens judged, by result: ok, expired, invalid, unavailable (no key set to judge by).
# TYPE callmesh_auth_tokens_total counter
callmesh_auth_tokens_total{result="expired"} 1
callmesh_auth_tokens_total{result="invalid"} 25
callmesh_auth_tokens_total{result="ok"} 8
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestBadTokens(t *testing.T) {
	v := newVerifier(t, auth.Options{Secret: secret})
	claims := map[string]any{"sub": "a", "exp": start.Add(time.Hour).Unix()}
	good := sign(t, jwa.HS256(), []byte(secret.Reveal()), "", claims)
	b64 := base64.RawURLEncoding.EncodeToString
	_, body, _ := strings.Cut(good, ".")
	payload, mac, _ := strings.Cut(body, ".")

	tests := []struct {
		name, token, reason string
	}{
		{"empty", "", "the token is missing"},
		{"too long", strings.Repeat("a", auth.MaxTokenBytes+1), "the token has 8193 bytes; at most 8192 are allowed"},
		{"two parts", "a.b", "this is not a token: a JWT has three parts with dots between"},
		{"five parts", "a.b.c.d.e", "this is not a token: a JWT has three parts with dots between"},
		{"JSON form", `{"payload":"a.b.c"}`, "the token's header cannot be read"},
		{"header no JSON", b64([]byte("x")) + "." + body, "the token's header cannot be read"},
		{"alg none", b64([]byte(`{"alg":"none"}`)) + "." + payload + ".", "the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA"},
		{"alg none in capitals", b64([]byte(`{"alg":"NONE"}`)) + "." + payload + ".", "the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA"},
		{"no alg", b64([]byte(`{}`)) + "." + body, "the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA"},
		{"HS512", sign(t, jwa.HS512(), bytes.Repeat([]byte("k"), 64), "", claims), "the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA"},
		{"RS256 without a key set", b64([]byte(`{"alg":"RS256"}`)) + "." + body, "RS256 tokens are not accepted here"},
		{"crit", b64([]byte(`{"alg":"HS256","crit":["b64"],"b64":false}`)) + "." + body, "the token asks for extensions (crit) that are not known here"},
		{"wrong secret", sign(t, jwa.HS256(), []byte("another secret of thirty-two or more bytes"), "", claims), "the signature does not fit"},
		{"no signature", b64([]byte(`{"alg":"HS256"}`)) + "." + payload + ".", "the signature does not fit"},
		{"claims changed", b64([]byte(`{"alg":"HS256"}`)) + "." + b64([]byte(`{"sub":"admin"}`)) + "." + mac, "the signature does not fit"},
		{"claims no object", signRaw(t, jwa.HS256(), []byte(secret.Reveal()), "", []byte(`[1]`)), "the token's claims cannot be read"},
		{"claims null", signRaw(t, jwa.HS256(), []byte(secret.Reveal()), "", []byte(`null`)), "the token's claims cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), tt.token)
			wantError(t, err, auth.ErrInvalid, tt.reason)
		})
	}
}

func TestOptionsRefused(t *testing.T) {
	tests := []struct {
		name string
		o    auth.Options
		want string
	}{
		{"nothing", auth.Options{}, "auth: nothing to verify tokens with; give a shared secret or a JWKS URL"},
		{"short secret", auth.Options{Secret: turnauth.NewSecret("short")}, "auth: the secret has 5 bytes; HS256 needs at least 32, say from `openssl rand -base64 48`"},
		{"plain http", auth.Options{JWKSURL: "http://id.example.org/k"}, `auth: JWKS URL: "http://id.example.org/k" is not safe from tampering; use https (http only on localhost)`},
		{"a host like localhost", auth.Options{JWKSURL: "http://localhost.example.org/k"}, `auth: JWKS URL: "http://localhost.example.org/k" is not safe from tampering; use https (http only on localhost)`},
		{"file", auth.Options{JWKSURL: "file:///etc/passwd"}, `auth: JWKS URL: "file:///etc/passwd" names no host; write it like https://id.example.org/jwks.json`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := auth.NewVerifier(tt.o); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	if _, err := auth.NewSigner(turnauth.NewSecret("short"), nil); err == nil {
		t.Error("a short secret signs")
	}
	if _, err := auth.NewSigner(turnauth.Secret{}, nil); err == nil {
		t.Error("no secret signs")
	}
	s, err := auth.NewSigner(secret, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		user, name string
		ttl        time.Duration
		want       string
	}{
		{"", "A", time.Hour, "the token names no user: sub is missing or empty"},
		{"a", "A\n", time.Hour, "name has control characters or is not UTF-8; use printable text"},
		{"a", "A", time.Millisecond, "ttl 1ms is too short; give a second or more, such as 1h"},
	} {
		if _, _, err := s.Sign(tt.user, tt.name, tt.ttl); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := []byte(secret.Reveal())
	v := newVerifier(f, auth.Options{Secret: secret})
	b64 := base64.RawURLEncoding.EncodeToString
	f.Add(`{"alg":"HS256"}`, `{"sub":"a","name":"b","exp":1760003600}`, true)
	f.Add(`{"alg":"none"}`, `{"sub":"a","exp":1760003600}`, true)
	f.Add(`{"alg":"HS256","crit":["exp"]}`, `{"sub":"\u0000","exp":1e400}`, true)
	f.Add(`{"alg":"RS256","kid":"x"}`, `{"sub":["a"],"exp":"1760003600","nbf":-1}`, false)
	f.Fuzz(func(t *testing.T, header, payload string, signed bool) {
		token := b64([]byte(header)) + "." + b64([]byte(payload)) + "."
		if signed {
			// The signature fits, so that what follows it is fuzzed too.
			tok := signRaw(t, jwa.HS256(), key, "", []byte(payload))
			token = tok
		}
		c, err := v.Verify(t.Context(), token)
		if err != nil {
			var e *auth.Error
			if !errors.As(err, &e) || e.Reason == "" {
				t.Fatalf("%q: error %v has no reason", token, err)
			}
			return
		}
		if !signed {
			t.Fatalf("%q: accepted without a signature", token)
		}
		if c.Subject == "" || len(c.Subject) > auth.MaxSubjectBytes || c.Name == "" || !start.Before(c.ExpiresAt) {
			t.Fatalf("%q: accepted as %+v", token, c)
		}
	})
}
