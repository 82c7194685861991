package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// RelayID names a relay within its region: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit.
type RelayID string

// KeyID names a TURN secret without telling it: 16 hexadecimal digits, the head of an HMAC-SHA256 that the secret keys. What it lets somebody try who
// guesses secrets, every credential lets its bearer try as well.
type KeyID string

// Bounds of what is said about a relay.
const (
	MaxRelayBytes = 4 << 10
	MaxRelayURLs  = 8
	MaxRelayKeys  = 8
	MaxURLBytes   = 256
	maxWhyBytes   = 128
	keyIDLen      = 16
	// MinRelayLease and MaxRelayLease bound how long what an agent said of its relay holds unless it says it again.
	MinRelayLease = 2 * time.Second
	MaxRelayLease = 2 * time.Minute
)

// RelayHealth is whether a relay is of use to callers.
type RelayHealth string

// The healths of relays.
const (
	RelayHealthy RelayHealth = "healthy"
	RelayFailing RelayHealth = "failing"
)

// Relay is what the agent beside a relay says of it: a value in the bucket `cm_relays_<region>`, under the key `relay.<id>`.
type Relay struct {
	ID     RelayID `json:"-"` // the key's
	Region Region  `json:"-"` // the bucket's
	// URLs are those that work, as in RFC 7065. A failing relay has none.
	URLs []string `json:"urls"`
	// Down are those that do not.
	Down []RelayDown `json:"down,omitempty"`
	// Realm of its credentials.
	Realm  string      `json:"realm,omitempty"`
	Health RelayHealth `json:"health"`
	// ForMs is for how long it has been so when this was said, in ms: durations need no two clocks to agree.
	ForMs int64 `json:"forMs"`
	// Why is the name of the check's item that failed; empty for a healthy relay.
	Why string `json:"why,omitempty"`
	// Key names the secret with which the last check passed, or was tried.
	Key KeyID `json:"key,omitempty"`
	// Load is how many allocations there are, and Capacity how many there can be; -1: not known.
	Load     int `json:"load"`
	Capacity int `json:"capacity"`
	// LeaseMs is how long this holds unless it is said again, in ms.
	LeaseMs int64 `json:"leaseMs"`
	// Software is what the relay says that it is, and Agent the version of who says all this.
	Software string `json:"software,omitempty"`
	Agent    string `json:"agent,omitempty"`
}

// RelayDown is a URL that does not work, and the name of the check's item that says so.
type RelayDown struct {
	URL string `json:"url"`
	Why string `json:"why"`
}

// Lease is how long what was said holds.
func (r *Relay) Lease() time.Duration { return time.Duration(r.LeaseMs) * time.Millisecond }

// Full reports whether the relay is known to take no more allocations.
func (r *Relay) Full() bool { return r.Capacity >= 0 && r.Load >= r.Capacity }

// Free is which share of the capacity is free, from 0 to 1; 1 if that is not known.
func (r *Relay) Free() float64 {
	if r.Capacity < 0 || r.Load < 0 {
		return 1
	}
	if r.Load >= r.Capacity {
		return 0
	}
	return float64(r.Capacity-r.Load) / float64(r.Capacity)
}

// ParseRelay reads a relay's value, as a reader of the bus does: everything in it is bounded and checked.
func ParseRelay(id RelayID, region Region, value []byte) (Relay, error) {
	if len(value) > MaxRelayBytes {
		return Relay{}, fmt.Errorf("relay: %d bytes: want at most %d", len(value), MaxRelayBytes)
	}
	var r Relay
	if err := json.Unmarshal(value, &r); err != nil {
		return Relay{}, fmt.Errorf("relay: %w", err)
	}
	r.ID, r.Region = id, region
	return r, r.Validate()
}

// Validate says what is wrong with what is said of a relay.
func (r *Relay) Validate() error {
	if _, err := ParseRelayID(string(r.ID)); err != nil {
		return err
	}
	if _, err := ParseRegion(string(r.Region)); err != nil {
		return err
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("relay %s: %w", r.ID, fmt.Errorf(format, args...))
	}
	if n := len(r.URLs) + len(r.Down); n < 1 || n > MaxRelayURLs {
		return wrong("%d URLs: want 1 to %d", n, MaxRelayURLs)
	}
	for _, u := range r.URLs {
		if _, err := ParseRelayURL(u); err != nil {
			return wrong("%w", err)
		}
	}
	for _, d := range r.Down {
		if _, err := ParseRelayURL(d.URL); err != nil {
			return wrong("%w", err)
		}
		if err := shortText("why", d.Why); err != nil {
			return wrong("%w", err)
		}
	}
	switch {
	case r.Health != RelayHealthy && r.Health != RelayFailing:
		return wrong("health %.20q: want %s or %s", r.Health, RelayHealthy, RelayFailing)
	case (r.Health == RelayHealthy) != (len(r.URLs) > 0):
		return wrong("%s with %d URLs that work", r.Health, len(r.URLs))
	case r.ForMs < 0:
		return wrong("%s for %d ms: want 0 or more", r.Health, r.ForMs)
	case r.Load < -1 || r.Capacity < -1:
		return wrong("load %d of %d: want -1 for what is not known, or 0 and more", r.Load, r.Capacity)
	case r.LeaseMs < MinRelayLease.Milliseconds() || r.LeaseMs > MaxRelayLease.Milliseconds():
		return wrong("a lease of %d ms: want %d to %d", r.LeaseMs, MinRelayLease.Milliseconds(), MaxRelayLease.Milliseconds())
	case r.Key != "" && !r.Key.Valid():
		return wrong("key %.20q: want %d hexadecimal digits", r.Key, keyIDLen)
	}
	for _, f := range []struct{ name, text string }{{"realm", r.Realm}, {"why", r.Why}, {"software", r.Software}, {"agent", r.Agent}} {
		if err := shortText(f.name, f.text); err != nil {
			return wrong("%w", err)
		}
	}
	return nil
}

// shortText checks what is shown to operators.
func shortText(what, s string) error {
	if s == "" {
		return nil
	}
	return validText(what, s, maxWhyBytes)
}

// Valid reports whether the id has the form of one.
func (k KeyID) Valid() bool {
	for i := range len(k) {
		if c := k[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(k) == keyIDLen
}

// ParseRelayID checks a relay's name.
func ParseRelayID(s string) (RelayID, error) {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0) || i >= 63 {
			return "", fmt.Errorf("relay %.40q: want 1 to 63 of a-z, 0-9 and '-', not beginning with '-'", s)
		}
	}
	if s == "" {
		return "", errors.New("a relay without a name: want 1 to 63 of a-z, 0-9 and '-'")
	}
	return RelayID(s), nil
}

// RelayIDOf makes a name out of a host's: what can't stand in one becomes '-'.
func RelayIDOf(host string) RelayID {
	id := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(host))
	return RelayID(strings.Trim(id[:min(len(id), 63)], "-"))
}
