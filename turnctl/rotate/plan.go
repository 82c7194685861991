// Package rotate replaces what relays are trusted by, without a caller noticing: the shared secret from which TURN credentials are made, and the TLS
// certificate of a running coturn.
//
// A secret goes through four stages, each safe to repeat and to be interrupted in:
//
//	add     the new one stands beside the old one in coturn's user database; coturn takes both at once, without a restart
//	switch  whoever mints credentials signs with the new one: edges are told so through the bus, by the secret's id and never the secret itself
//	wait    until every credential that was made with the old one has expired
//	remove  the old one goes; allocations that exist go on, since coturn asks for the secret at an allocation's first authentication only
//
// How far it has come stands in a file beside the database, which holds ids and times, no secret.
package rotate

import (
	"fmt"
	"time"

	"callmesh/turnctl/turnauth"
)

// Stage is a part of a rotation.
type Stage string

// The stages, in their order.
const (
	Add    Stage = "add"
	Switch Stage = "switch"
	Wait   Stage = "wait"
	Remove Stage = "remove"
)

// rounding is added to the wait: expiries of credentials are rounded up to whole seconds (turnauth.Mint).
const rounding = time.Second

// State is how far a rotation has come. The zero times are of what was not done yet.
type State struct {
	Realm string `json:"realm"`
	// Old and New name the secrets (turnauth.KeyID).
	Old string `json:"old"`
	New string `json:"new"`
	// Added is when the new secret was first in the database, Switched since when everybody signs with it.
	Added    time.Time `json:"added,omitzero"`
	Switched time.Time `json:"switched,omitzero"`
}

// begin is the state of a rotation that has not begun.
func begin(realm string, old, next turnauth.Secret) State {
	return State{Realm: realm, Old: turnauth.KeyID(old), New: turnauth.KeyID(next)}
}

// Next is the stage that a rotation is in, and how much of a wait is left.
func (s State) Next(ttl time.Duration, now time.Time) (stage Stage, left time.Duration) {
	switch {
	case s.Added.IsZero():
		return Add, 0
	case s.Switched.IsZero():
		return Switch, 0
	}
	if left := s.Switched.Add(ttl + rounding).Sub(now); left > 0 {
		return Wait, min(left, ttl+rounding) // a clock that was set back must not make it longer
	}
	return Remove, 0
}

// continues says whether a rotation that was found under way is the one that is asked for.
func (s State) continues(found State) error {
	if found.Realm == s.Realm && found.Old == s.Old && found.New == s.New {
		return nil
	}
	return fmt.Errorf("another rotation is under way here, in realm %s from secret %s to %s (asked for: realm %s, %s to %s); finish it with its own secrets first",
		found.Realm, found.Old, found.New, s.Realm, s.Old, s.New)
}
