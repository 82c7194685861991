package edge

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"callmesh/bus/wire"
)

// mayPost refuses, and answers, what no request beside the socket may: from another site's page, of an edge that is about to stop, or too often from
// one address. what and name are for the metrics and for people.
func (e *Edge) mayPost(w http.ResponseWriter, r *http.Request, what, name string, rate float64, burst int, pick func(*account) *bucket) bool {
	if !e.originAllowed(r) {
		e.refused(what, whyOrigin)
		answerError(w, http.StatusForbidden, wire.Errorf(wire.CodeForbidden, "this origin may not ask for %s here", name))
		return false
	}
	if e.draining.Load() {
		retryAfter(w, time.Second)
		answerError(w, http.StatusServiceUnavailable, wire.Errorf(wire.CodeUnavailable, "this edge is about to shut down: ask another"))
		return false
	}
	if ok, wait := e.takeFrom(r, rate, burst, pick); !ok {
		e.refused(what, whyAddressRate)
		retryAfter(w, wait)
		answerError(w, http.StatusTooManyRequests, wire.Errorf(wire.CodeRateLimited, "too many %s a second from your address: wait a moment", name))
		return false
	}
	return true
}

// takeFrom takes one from a bucket of a request's address, or tells how long it would have to wait.
func (e *Edge) takeFrom(r *http.Request, rate float64, burst int, pick func(*account) *bucket) (ok bool, wait time.Duration) {
	addr := e.addressOf(r)
	if addr == nil {
		return true, 0
	}
	defer e.addresses.leave(addr)
	addr.mu.Lock()
	defer addr.mu.Unlock()
	return pick(&addr.account).take(time.Now(), 1, rate, burst)
}

// readBody reads one JSON object of at most limit bytes into v, and nothing else.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil && dec.Decode(&struct{}{}) != io.EOF {
		err = errors.New("something follows the object")
	}
	return err
}
