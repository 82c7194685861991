// Package auth decides who a session belongs to: it checks the token that a client brings, and
// signs tokens for guests and for operators.
//
// A token is a JSON Web Token in compact form (RFC 7519, RFC 7515). There are two ways to trust one,
// which can be in force together and never mix:
//
//   - HS256, with a secret shared with whoever signs (Options.Secret);
//   - RS256, ES256 and EdDSA, with public keys fetched from a JWKS URL (Options.JWKSURL, RFC 7517).
//
// The algorithm in the token's header chooses only between these two. A public key never verifies
// an HS256 token, the shared secret never verifies anything else, and no other algorithm, `none`
// included, is known here, whatever a key set says.
//
// What a token must hold: `sub` (the user, 1 to 128 bytes) and `exp`; `name` (1 to 64 characters)
// is shown to others and falls back to the user. Neither may hold control characters. `moderates`
// lists the rooms that the user moderates, or is ["*"] for every room; left out, there are none.
package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxTokenBytes bounds a token; a longer one is refused unread.
	MaxTokenBytes = 8 << 10
	// MaxSubjectBytes bounds Claims.Subject.
	MaxSubjectBytes = 128
	// MaxNameRunes bounds Claims.Name, in characters.
	MaxNameRunes = 64
	// MinSecretBytes is the shortest shared secret: HS256 wants a key at least as long as its
	// hash (RFC 7518, section 3.2).
	MinSecretBytes = 32
	// MaxModerates bounds Claims.Moderates.
	MaxModerates = 64
	// MaxRoomBytes bounds each room in Claims.Moderates.
	MaxRoomBytes = 128
	// EveryRoom stands in Claims.Moderates, alone, for all rooms and for the mesh itself.
	EveryRoom = "*"
	// Leeway is how far apart the clocks of signer and edge may be when `nbf` and `iat` are
	// compared. `exp` gets none: a session must not outlive what its token says.
	Leeway = 30 * time.Second
)

// Claims is what a token says that the edge relies on.
type Claims struct {
	Subject   string    // the user's id, unique within the deployment
	Name      string    // what others see
	ExpiresAt time.Time // the session must bring a fresh token by then
	Guest     bool      // signed by the edge for someone who only gave a name
	Moderates []string  // the rooms in which the user may kick and lock; [EveryRoom] alone: all, and the mesh itself
}

// Moderator reports whether the user moderates the room; an empty one stands for the whole mesh.
func (c Claims) Moderator(room string) bool {
	return slices.Equal(c.Moderates, []string{EveryRoom}) || room != "" && slices.Contains(c.Moderates, room)
}

var (
	// ErrExpired means that the token was good once; a fresh one is all that is needed.
	ErrExpired = errors.New("auth: token expired")
	// ErrInvalid means that the token was never good here.
	ErrInvalid = errors.New("auth: token invalid")
	// ErrUnavailable means that the token could not be judged, because the key set that could
	// tell is out of reach. It says nothing about the token.
	ErrUnavailable = errors.New("auth: keys unavailable")
)

// Error is what Verify fails with. errors.Is tells ErrExpired, ErrInvalid and ErrUnavailable apart.
type Error struct {
	// Reason is for whoever brought the token: it says what is wrong and holds nothing of the
	// token, of a key, or of the network behind the edge.
	Reason string
	kind   error
	cause  error
}

// Error gives the whole story, for the log.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %s", e.kind, e.Reason, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.kind, e.Reason)
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error { return []error{e.kind, e.cause} }

func invalid(reason string, cause error) error {
	return &Error{Reason: reason, kind: ErrInvalid, cause: cause}
}

// checkSubject and checkName are shared by Verify and Sign, so that an edge cannot sign what it
// would refuse.
func checkSubject(sub string) error {
	switch {
	case sub == "":
		return errors.New("the token names no user: sub is missing or empty")
	case len(sub) > MaxSubjectBytes:
		return fmt.Errorf("sub has %d bytes; at most %d are allowed", len(sub), MaxSubjectBytes)
	case !utf8.ValidString(sub) || strings.ContainsFunc(sub, unicode.IsControl):
		return errors.New("sub has control characters or is not UTF-8; use printable text")
	}
	return nil
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("name is empty; leave it out or give 1 to 64 characters")
	case utf8.RuneCountInString(name) > MaxNameRunes:
		return fmt.Errorf("name has %d characters; at most %d are allowed", utf8.RuneCountInString(name), MaxNameRunes)
	case !clean(name):
		return errors.New("name has control characters or is not UTF-8; use printable text")
	}
	return nil
}

func checkModerates(rooms []string) error {
	if len(rooms) > MaxModerates {
		return fmt.Errorf("moderates lists %d rooms; at most %d are allowed, or %q alone for every room", len(rooms), MaxModerates, EveryRoom)
	}
	for _, room := range rooms {
		switch {
		case room == EveryRoom && len(rooms) > 1:
			return fmt.Errorf("moderates has %q among others; it stands alone, for every room", EveryRoom)
		case room == "" || len(room) > MaxRoomBytes:
			return fmt.Errorf("moderates has a room of %d bytes; want 1 to %d", len(room), MaxRoomBytes)
		case !utf8.ValidString(room) || strings.ContainsFunc(room, unicode.IsControl):
			return errors.New("moderates has a room with control characters or that is not UTF-8; no room is called so")
		}
	}
	return nil
}

// clean refuses, besides control characters, the invisible ones that turn the direction of the
// text around them, with which one name can be made to look like another.
func clean(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

// nameFrom makes a name of a subject for tokens that bring none; a subject can be longer.
func nameFrom(sub string) string {
	if utf8.RuneCountInString(sub) <= MaxNameRunes {
		return sub
	}
	return string([]rune(sub)[:MaxNameRunes-1]) + "…"
}
