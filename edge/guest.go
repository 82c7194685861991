package edge

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// guestSecretBytes is how long the secret is by which a guest stays the same person.
const guestSecretBytes = 32

// GuestOK answers POST /v1/guest.
type GuestOK struct {
	Token     string    `json:"token"`
	User      wire.User `json:"user"`
	ExpiresAt int64     `json:"expiresAt"` // Unix ms
}

// guest gives somebody who only has a name a user id of their own and a token for it: with a secret always the same id, on every edge.
func (e *Edge) guest(w http.ResponseWriter, r *http.Request) {
	if e.opts.Guests == nil && e.originAllowed(r) && !e.draining.Load() {
		e.refused(whatGuest, whyOff)
		answerError(w, http.StatusForbidden, wire.Errorf(wire.CodeForbidden, "guests are not allowed here: sign in"))
		return
	}
	if !e.mayPost(w, r, whatGuest, "guests", e.limits.Address.GuestRate, e.limits.Address.GuestBurst, guestsOf) {
		return
	}
	var body struct {
		Name   string  `json:"name"`
		Secret *string `json:"secret"`
	}
	if err := readBody(w, r, e.limits.GuestBytes, &body); err != nil {
		answerError(w, http.StatusBadRequest, wire.Errorf(wire.CodeBadRequest, `want one object {"name":"…"} of at most %d bytes`, e.limits.GuestBytes))
		return
	}
	user := wire.UserID("guest-" + string(wire.NewPeerID()))
	if body.Secret != nil {
		secret, err := base64.RawURLEncoding.Strict().DecodeString(*body.Secret)
		if err != nil || len(secret) != guestSecretBytes || strings.ContainsAny(*body.Secret, "\r\n") { // which the decoder passes over
			answerError(w, http.StatusBadRequest, wire.Errorf(wire.CodeBadRequest, "secret: want %d bytes in base64url without padding", guestSecretBytes))
			return
		}
		user = e.proofs.guestID(secret)
	}
	name, nameErr := guestName(body.Name)
	if nameErr != nil {
		e.refused(whatGuest, whyName)
		answerError(w, http.StatusBadRequest, nameErr)
		return
	}
	token, expires, err := e.opts.Guests.SignGuest(string(user), name, e.opts.GuestTTL)
	if err != nil {
		message := "name: want 1 to 64 characters without control characters"
		if a := (*auth.Error)(nil); errors.As(err, &a) {
			message = a.Reason
		}
		e.refused(whatGuest, whyName)
		answerError(w, http.StatusBadRequest, wire.Errorf(wire.CodeBadRequest, "%s", message))
		return
	}
	answerJSON(w, http.StatusOK, GuestOK{Token: token, User: wire.User{ID: user, Name: name}, ExpiresAt: expires.UnixMilli()})
}
