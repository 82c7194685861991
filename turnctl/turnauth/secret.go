package turnauth

import (
	"crypto/hmac"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret holds a shared secret and shows it to nobody who does not ask by Reveal: not to fmt with
// any verb, not to slog, not to JSON, YAML or text encoders, and not through a struct that it is
// a field of. The zero value is no secret.
type Secret struct {
	// A pointer, because fmt cannot call methods on the unexported fields of a struct that it
	// prints: what it then shows of a Secret inside is an address.
	value *string
}

// NewSecret wraps s. An empty s gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns what is kept, the empty string if nothing.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says whether there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal compares in a time that does not depend on the contents. (== would compare addresses.)
func (s Secret) Equal(o Secret) bool { return hmac.Equal([]byte(s.Reveal()), []byte(o.Reveal())) }

func (s Secret) redacted() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// String gives a placeholder, or nothing if there is no secret.
func (s Secret) String() string { return s.redacted() }

// Format gives the placeholder for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.redacted()) }

// LogValue gives slog the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.redacted()) }

// MarshalText gives encoders the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.redacted()), nil }
