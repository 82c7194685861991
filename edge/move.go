package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"callmesh/bus"
	"callmesh/bus/wire"
)

const (
	// maxMoveData bounds what moves to another device at once, in characters.
	maxMoveData = 4096
	// moveBodyBytes bounds the body around it.
	moveBodyBytes = maxMoveData + 256
)

// MoveOK answers POST /v1/move.
type MoveOK struct {
	Code      wire.MoveCode `json:"code"`
	ExpiresAt int64         `json:"expiresAt"` // Unix ms
}

// MovedOK answers POST /v1/moved.
type MovedOK struct {
	Data string `json:"data"`
}

// move keeps what a user's device gives to another one, for the one that brings the code first. The edge can make nothing of it.
func (e *Edge) move(w http.ResponseWriter, r *http.Request) {
	a := &e.limits.Address
	if !e.mayPost(w, r, whatMove, "moves", a.MoveRate, a.MoveBurst, movesOf) {
		return
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := e.opts.Verifier.Verify(r.Context(), token)
	if !ok || err != nil {
		no := wire.Errorf(wire.CodeUnauthorized, "want an Authorization header with Bearer and a token")
		if ok {
			no = tokenError(err)
		}
		e.refused(whatMove, whyToken)
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750, section 3
		status := http.StatusUnauthorized
		if no.Code == wire.CodeUnavailable {
			status = http.StatusServiceUnavailable
		}
		answerError(w, status, no)
		return
	}
	if no := e.welcome(claims); no != nil {
		e.refused(whatMove, whyBanned)
		answerError(w, http.StatusForbidden, no)
		return
	}
	var body struct {
		Data string `json:"data"`
	}
	if err := readBody(w, r, moveBodyBytes, &body); err != nil || !isBase64URL(body.Data) {
		answerError(w, http.StatusBadRequest, wire.Errorf(wire.CodeBadRequest, `want one object {"data":"…"} with 1 to %d characters of base64url`, maxMoveData))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	code, until, err := e.bus.KeepMove(ctx, []byte(body.Data))
	if err != nil {
		e.moveFailed(w, err)
		return
	}
	answerJSON(w, http.StatusOK, MoveOK{Code: code, ExpiresAt: until.UnixMilli()})
}

// moved gives the data of a code to the first that asks.
func (e *Edge) moved(w http.ResponseWriter, r *http.Request) {
	a := &e.limits.Address
	if !e.mayPost(w, r, whatMove, "moves", a.MoveRate, a.MoveBurst, movesOf) {
		return
	}
	var body struct {
		Code wire.MoveCode `json:"code"`
	}
	if err := readBody(w, r, e.limits.GuestBytes, &body); err != nil || body.Code == "" {
		answerError(w, http.StatusBadRequest, wire.Errorf(wire.CodeBadRequest, `want one object {"code":"…"} of at most %d bytes`, e.limits.GuestBytes))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	data, err := e.bus.TakeMove(ctx, body.Code)
	switch {
	case errors.Is(err, bus.ErrNotFound):
		e.refused(whatMove, whyEnded)
		answerError(w, http.StatusGone, wire.Errorf(wire.CodeGone, "nothing waits under this code, or no longer: make another one on the other device"))
	case err != nil:
		e.moveFailed(w, err)
	default:
		answerJSON(w, http.StatusOK, MovedOK{Data: string(data)})
	}
}

func (e *Edge) moveFailed(w http.ResponseWriter, err error) {
	if e.complaints.Allow() {
		e.log.Warn("a move to another device failed", "error", err)
	}
	e.refused(whatMove, whyBus)
	answerError(w, http.StatusServiceUnavailable, unavailable(err))
}

func isBase64URL(s string) bool {
	if s == "" || len(s) > maxMoveData {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
