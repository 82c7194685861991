package wire

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The ids are distinct types, so that a public one (a peer's) can't be passed where a private one (a session's) is meant.
type (
	// RoomID names a room: 1 to [MaxRoomBytes] bytes of UTF-8 without control characters, compared byte for byte.
	RoomID string
	// UserID is the `sub` of a token: 1 to [MaxUserBytes] bytes of UTF-8 without control characters.
	UserID string
	// PeerID is a session's public id. The edge that greets a session makes it; it stays the same over resumes.
	PeerID string
	// SessionID names a session to the edges. It is told to its own client alone.
	SessionID string
	// CallID names a call; it begins with the caller's region, where the call is decided.
	CallID string
	// MoveCode is for what moves to another device; it begins with the region in which that waits.
	MoveCode string
	// EdgeID names one run of one edge. It is made anew at every start.
	EdgeID string
	// Region is a label on edges, NATS clusters and relays: see [ParseRegion].
	Region string
)

// Bounds of ids, in bytes.
const (
	MaxRoomBytes = 128
	MaxUserBytes = 128
	MaxKeyBytes  = 64
	peerIDLen    = 16
	sessionIDLen = 26
	moveCodeLen  = 26
)

// idEncoding is lower-case base32: safe as a NATS subject token, in a URL and when read out aloud.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func randomID(chars int) string {
	b := make([]byte, (chars*5+7)/8)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return idEncoding.EncodeToString(b)[:chars]
}

// NewPeerID returns a fresh random id of 80 bits.
func NewPeerID() PeerID { return PeerID(randomID(peerIDLen)) }

// NewSessionID returns a fresh random id of 130 bits.
func NewSessionID() SessionID { return SessionID(randomID(sessionIDLen)) }

// NewEdgeID returns a fresh random id of 60 bits.
func NewEdgeID() EdgeID { return EdgeID(randomID(12)) }

// NewRoomID returns a room name that nobody can guess, for calls that bring no room of their own.
func NewRoomID() RoomID { return RoomID("call-" + randomID(20)) }

// NewCallID returns a fresh call id that remembers the caller's region.
func NewCallID(r Region) CallID { return CallID(string(r) + "." + randomID(20)) }

// Region returns the region in which the call is decided, and whether the id has the form of a call id at all.
func (c CallID) Region() (Region, bool) { return regionOf(string(c), 20) }

// NewMoveCode returns a fresh code of 130 random bits.
func NewMoveCode(r Region) MoveCode { return MoveCode(string(r) + "." + randomID(moveCodeLen)) }

// Region returns the region in which the data waits, and whether it has the form of a code at all.
func (c MoveCode) Region() (Region, bool) { return regionOf(string(c), moveCodeLen) }

// regionOf reads `<region>.<so many characters of an id>`.
func regionOf(id string, chars int) (Region, bool) {
	region, rest, ok := strings.Cut(id, ".")
	if !ok || len(rest) != chars || !isID(rest) {
		return "", false
	}
	r, err := ParseRegion(region)
	return r, err == nil
}

// Valid reports whether the id has the form that [NewPeerID] makes. Nothing else may become part of a subject.
func (p PeerID) Valid() bool { return len(p) == peerIDLen && isID(string(p)) }

// Valid reports whether the id has the form that [NewSessionID] makes.
func (s SessionID) Valid() bool { return len(s) == sessionIDLen && isID(string(s)) }

func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// ParseRegion checks a region label: 1 to 32 of a-z, 0-9 and '-', beginning with a letter or digit.
func ParseRegion(s string) (Region, error) {
	if len(s) == 0 || len(s) > 32 || s[0] == '-' {
		return "", fmt.Errorf("region %.40q: want 1 to 32 of a-z, 0-9 and '-', not beginning with '-'", s)
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", fmt.Errorf("region %q: %q is not one of a-z, 0-9 and '-'", s, c)
		}
	}
	return Region(s), nil
}

// Validate returns a [CodeBadRequest] error unless the room id keeps the bounds of [RoomID].
func (r RoomID) Validate() error { return validText("room", string(r), MaxRoomBytes) }

// Validate returns a [CodeBadRequest] error unless the user id keeps the bounds of [UserID].
func (u UserID) Validate() error { return validText("user", string(u), MaxUserBytes) }

func validText(what, s string, limit int) error {
	switch {
	case s == "":
		return Errorf(CodeBadRequest, "%s is empty: want 1 to %d bytes", what, limit)
	case len(s) > limit:
		return Errorf(CodeBadRequest, "%s has %d bytes: want 1 to %d", what, len(s), limit)
	case !utf8.ValidString(s):
		return Errorf(CodeBadRequest, "%s is not valid UTF-8", what)
	}
	for _, c := range s {
		if c < 0x20 || c >= 0x7f && c < 0xa0 {
			return Errorf(CodeBadRequest, "%s contains the control character U+%04X", what, c)
		}
	}
	return nil
}

// PlainText makes what programs and strangers said fit for a record: at most so many bytes of UTF-8, with blanks for control characters.
func PlainText(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

// Source names one edge's stream of events into one room or into one user's inbox. Events of a source are numbered from 1 without holes.
// A source is random and never used again, not even after a restart.
type Source uint64

// NewSource returns a fresh random source.
func NewSource() Source {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:])
		if s := Source(binary.BigEndian.Uint64(b[:])); s != 0 {
			return s
		}
	}
}

const sourceLen = 13

func (s Source) append(dst []byte) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(s))
	return idEncoding.AppendEncode(dst, b[:])
}

// String is the source's form on the wire: 13 characters of base32.
func (s Source) String() string { return string(s.append(nil)) }

// MarshalText implements [encoding.TextMarshaler], so that a source can be the key of a JSON object.
func (s Source) MarshalText() ([]byte, error) { return s.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Source) UnmarshalText(text []byte) error {
	if len(text) != sourceLen {
		return fmt.Errorf("source %q: want %d characters", text, sourceLen)
	}
	var b [8]byte
	if _, err := idEncoding.Decode(b[:], text); err != nil {
		return fmt.Errorf("source %q: %w", text, err)
	}
	// Decode passes over line breaks and spare bits, so two texts could name one source.
	var canonical [sourceLen]byte
	if idEncoding.Encode(canonical[:], b[:]); string(canonical[:]) != string(text) {
		return fmt.Errorf("source %q is not in its canonical form", text)
	}
	*s = Source(binary.BigEndian.Uint64(b[:]))
	return nil
}

// Mid names one event: `<source>:<n>`.
type Mid struct {
	Source Source
	N      uint64
}

// String is the mid's form on the wire.
func (m Mid) String() string { return string(m.append(nil)) }

func (m Mid) append(dst []byte) []byte {
	dst = m.Source.append(dst)
	dst = append(dst, ':')
	return strconv.AppendUint(dst, m.N, 10)
}

// MarshalText implements [encoding.TextMarshaler].
func (m Mid) MarshalText() ([]byte, error) { return m.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *Mid) UnmarshalText(text []byte) error {
	parsed, err := ParseMid(string(text))
	if err == nil {
		*m = parsed
	}
	return err
}

// IsZero lets a mid be left out of JSON with omitzero.
func (m Mid) IsZero() bool { return m == Mid{} }

var errMid = errors.New("want <source>:<n>")

// ParseMid reads the form that [Mid.String] writes.
func ParseMid(s string) (Mid, error) {
	source, n, ok := strings.Cut(s, ":")
	if !ok {
		return Mid{}, fmt.Errorf("mid %q: %w", s, errMid)
	}
	var m Mid
	if err := m.Source.UnmarshalText([]byte(source)); err != nil {
		return Mid{}, fmt.Errorf("mid %q: %w", s, err)
	}
	num, err := strconv.ParseUint(n, 10, 64)
	if err != nil || n[0] == '0' { // numbers begin at 1, and have one form
		return Mid{}, fmt.Errorf("mid %q: %w", s, errMid)
	}
	m.N = num
	return m, nil
}
