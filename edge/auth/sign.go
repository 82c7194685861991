package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"callmesh/turnctl/turnauth"
)

const (
	guestClaim     = "guest"
	moderatesClaim = "moderates"
)

// Signer makes HS256 tokens. It is safe for concurrent use.
type Signer struct {
	secret []byte
	now    func() time.Time
}

// NewSigner makes a Signer whose tokens a Verifier with the same secret accepts. now is the clock;
// nil for time.Now.
func NewSigner(secret turnauth.Secret, now func() time.Time) (*Signer, error) {
	if secret.IsZero() {
		return nil, errors.New("auth: nothing to sign with; give a shared secret")
	}
	key, err := secretKey(secret)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &Signer{secret: key, now: now}, nil
}

// Sign makes a token for user that is good for ttl (whole seconds, at least one). name may be
// empty: others then see the user's id. The error says which argument does not do, and is safe to
// show to whoever gave it.
func (s *Signer) Sign(user, name string, ttl time.Duration) (token string, expiresAt time.Time, err error) {
	return s.sign(Claims{Subject: user, Name: name}, ttl)
}

// SignModerator is Sign for someone who may kick from and lock these rooms; EveryRoom alone means
// all of them, and the mesh itself.
func (s *Signer) SignModerator(user, name string, ttl time.Duration, rooms []string) (token string, expiresAt time.Time, err error) {
	return s.sign(Claims{Subject: user, Name: name, Moderates: rooms}, ttl)
}

// SignGuest is Sign for someone who is known by nothing but a name; Claims.Guest is set.
func (s *Signer) SignGuest(user, name string, ttl time.Duration) (token string, expiresAt time.Time, err error) {
	return s.sign(Claims{Subject: user, Name: name, Guest: true}, ttl)
}

func (s *Signer) sign(c Claims, ttl time.Duration) (string, time.Time, error) {
	if err := checkSubject(c.Subject); err != nil {
		return "", time.Time{}, err
	}
	if ttl < time.Second {
		return "", time.Time{}, fmt.Errorf("ttl %s is too short; give a second or more, such as 1h", ttl)
	}
	now := s.now().Truncate(time.Second)
	exp := now.Add(ttl.Truncate(time.Second))
	b := jwt.NewBuilder().Subject(c.Subject).IssuedAt(now).Expiration(exp)
	if c.Name != "" {
		if err := checkName(c.Name); err != nil {
			return "", time.Time{}, err
		}
		b = b.Claim("name", c.Name)
	}
	if c.Guest {
		b = b.Claim(guestClaim, true)
	}
	if len(c.Moderates) > 0 {
		if err := checkModerates(c.Moderates); err != nil {
			return "", time.Time{}, err
		}
		b = b.Claim(moderatesClaim, c.Moderates)
	}
	tok, err := b.Build()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("auth: build token: %w", err)
	}
	signed, err := jwt.Sign(tok, jwt.WithKey(jwa.HS256(), s.secret))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("auth: sign token: %w", err)
	}
	return string(signed), exp, nil
}
