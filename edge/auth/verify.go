package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/turnctl/turnauth"
)

// Options says whom a Verifier trusts. At least one of Secret and JWKSURL must be set.
type Options struct {
	// Secret verifies HS256 tokens; at least MinSecretBytes long.
	Secret turnauth.Secret

	// JWKSURL is where the public keys for RS256, ES256 and EdDSA tokens are: https, or http on
	// a loopback address.
	JWKSURL string
	// JWKSIssuer, if set, must be the `iss` of every token verified by a key from JWKSURL.
	JWKSIssuer string
	// JWKSAudience, if set, must be among the `aud` of every such token. Set it whenever the
	// issuer signs tokens for other applications too: without it theirs are good here.
	JWKSAudience string

	// Client fetches the key set; nil for one with sane timeouts.
	Client *http.Client
	// Logger gets fetches and their failures, never a token; nil for none.
	Logger *slog.Logger
	// Registerer gets the metrics; nil for none.
	Registerer prometheus.Registerer
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	secret   []byte
	keys     *keySet // nil without a JWKS URL
	issuer   string
	audience string
	now      func() time.Time
	results  *prometheus.CounterVec
}

// NewVerifier makes a Verifier, and starts to fetch the key set if there is one to fetch; it does
// not wait for it. Close ends what runs in the background.
func NewVerifier(o Options) (*Verifier, error) {
	if o.Secret.IsZero() && o.JWKSURL == "" {
		return nil, errors.New("auth: nothing to verify tokens with; give a shared secret or a JWKS URL")
	}
	secret, err := secretKey(o.Secret)
	if err != nil && !o.Secret.IsZero() {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{
		secret: secret, issuer: o.JWKSIssuer, audience: o.JWKSAudience, now: o.Now,
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_auth_tokens_total",
			Help: "Tokens judged, by result: ok, expired, invalid, unavailable (no key set to judge by).",
		}, []string{"result"}),
	}
	if o.JWKSURL != "" {
		if v.keys, err = newKeySet(o); err != nil {
			return nil, err
		}
	}
	if o.Registerer != nil {
		cs := []prometheus.Collector{v.results}
		if v.keys != nil {
			cs = append(cs, v.keys.fetches)
		}
		for _, c := range cs {
			if err := o.Registerer.Register(c); err != nil {
				v.Close()
				return nil, fmt.Errorf("auth: register metrics: %w", err)
			}
		}
	}
	return v, nil
}

// Close ends a fetch under way and waits for it. Verify goes on with what is cached.
func (v *Verifier) Close() {
	if v.keys != nil {
		v.keys.close()
	}
}

// Verify judges a token. It waits, up to the end of ctx, only when a key must be fetched first. Its
// error is an *Error: ErrExpired, ErrInvalid or ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	c, err := v.verify(ctx, token)
	switch {
	case err == nil:
		v.results.WithLabelValues("ok").Inc()
	case errors.Is(err, ErrExpired):
		v.results.WithLabelValues("expired").Inc()
	case errors.Is(err, ErrUnavailable):
		v.results.WithLabelValues("unavailable").Inc()
	default:
		v.results.WithLabelValues("invalid").Inc()
	}
	return c, err
}

// header is what of a token's protected header is looked at.
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Critical  json.RawMessage `json:"crit"`
}

func (v *Verifier) verify(ctx context.Context, token string) (Claims, error) {
	if token == "" {
		return Claims{}, invalid("the token is missing", nil)
	}
	if len(token) > MaxTokenBytes {
		return Claims{}, invalid(fmt.Sprintf("the token has %d bytes; at most %d are allowed", len(token), MaxTokenBytes), nil)
	}
	h, err := parseHeader(token)
	if err != nil {
		return Claims{}, err
	}

	var payload []byte
	external := false
	switch h.Algorithm {
	case "HS256":
		if v.secret == nil {
			return Claims{}, invalid("HS256 tokens are not accepted here", nil)
		}
		payload, err = jws.VerifyCompactFast(v.secret, []byte(token), jwa.HS256())
	case "RS256", "ES256", "EdDSA":
		if v.keys == nil {
			return Claims{}, invalid(h.Algorithm+" tokens are not accepted here", nil)
		}
		var key publicKey
		if key, err = v.keys.find(ctx, h.Algorithm, h.KeyID); err != nil {
			return Claims{}, err
		}
		external = true
		payload, err = jws.VerifyCompactFast(key.raw, []byte(token), key.alg)
	default:
		return Claims{}, invalid("the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA", nil)
	}
	if err != nil {
		return Claims{}, invalid("the signature does not fit", err)
	}
	return v.claims(payload, external)
}

func parseHeader(token string) (header, error) {
	var h header
	first, rest, ok := strings.Cut(token, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return h, invalid("this is not a token: a JWT has three parts with dots between", nil)
	}
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return h, invalid("the token's header cannot be read", err)
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, invalid("the token's header cannot be read", err)
	}
	if h.Critical != nil {
		return h, invalid("the token asks for extensions (crit) that are not known here", nil)
	}
	return h, nil
}

// claims reads what a verified token says. external tells that a key of the JWKS verified it.
func (v *Verifier) claims(payload []byte, external bool) (Claims, error) {
	tok := jwt.New()
	if !bytes.HasPrefix(bytes.TrimSpace(payload), []byte("{")) {
		return Claims{}, invalid("the token's claims cannot be read", nil)
	}
	if err := json.Unmarshal(payload, tok); err != nil {
		// Not the cause, which would put the values of claims into the log.
		return Claims{}, invalid("the token's claims cannot be read: exp, nbf and iat are numbers of seconds, sub and iss are texts", nil)
	}
	if external {
		if iss, _ := tok.Issuer(); v.issuer != "" && iss != v.issuer {
			return Claims{}, invalid("the token is from another issuer", nil)
		}
		if aud, _ := tok.Audience(); v.audience != "" && !slices.Contains(aud, v.audience) {
			return Claims{}, invalid("the token is meant for another audience", nil)
		}
	}

	exp, ok := tok.Expiration()
	if !ok || exp.Year() > 9999 {
		return Claims{}, invalid("the token has no usable expiry: exp is required", nil)
	}
	now := v.now()
	if !now.Before(exp) {
		return Claims{}, &Error{Reason: "the token has expired", kind: ErrExpired}
	}
	if nbf, ok := tok.NotBefore(); ok && nbf.After(now.Add(Leeway)) {
		return Claims{}, invalid("the token is not valid yet; check the clocks", nil)
	}
	if iat, ok := tok.IssuedAt(); ok && iat.After(now.Add(Leeway)) {
		return Claims{}, invalid("the token was issued in the future; check the clocks", nil)
	}

	c := Claims{ExpiresAt: exp}
	c.Subject, _ = tok.Subject()
	if err := checkSubject(c.Subject); err != nil {
		return Claims{}, invalid(err.Error(), nil)
	}
	c.Name = nameFrom(c.Subject)
	if tok.Has("name") {
		if err := tok.Get("name", &c.Name); err != nil {
			return Claims{}, invalid("name is not text", err)
		}
		if err := checkName(c.Name); err != nil {
			return Claims{}, invalid(err.Error(), nil)
		}
	}
	if tok.Has(guestClaim) {
		if err := tok.Get(guestClaim, &c.Guest); err != nil {
			return Claims{}, invalid("guest is not true or false", err)
		}
	}
	var err error
	if c.Moderates, err = moderates(tok); err != nil {
		return Claims{}, invalid(err.Error(), nil)
	}
	return c, nil
}

func moderates(tok jwt.Token) ([]string, error) {
	if !tok.Has(moderatesClaim) {
		return nil, nil
	}
	notAList := errors.New(`moderates is not a list of rooms; write it like ["lobby"], or ["*"] for every room`)
	var list []any
	if err := tok.Get(moderatesClaim, &list); err != nil || list == nil {
		return nil, notAList
	}
	rooms := make([]string, 0, min(len(list), MaxModerates+1))
	for _, item := range list {
		room, ok := item.(string)
		if !ok {
			return nil, notAList
		}
		rooms = append(rooms, room)
	}
	return rooms, checkModerates(rooms)
}

// secretKey gives the bytes that sign, or says why they would not do.
func secretKey(s turnauth.Secret) ([]byte, error) {
	if n := len(s.Reveal()); n < MinSecretBytes {
		return nil, fmt.Errorf("auth: the secret has %d bytes; HS256 needs at least %d, say from `openssl rand -base64 48`", n, MinSecretBytes)
	}
	return []byte(s.Reveal()), nil
}
