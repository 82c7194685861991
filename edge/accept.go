package edge

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// originAllowed lets the page's own origin in, those that are configured, and clients that are no browsers and send none. "null", which a
// sandboxed frame or a file sends, is a foreign origin like any other.
func (e *Edge) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	origin := origins[0]
	if len(origins) > 1 {
		return false
	}
	if e.configured(origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return strings.EqualFold(u.Scheme, scheme) && strings.EqualFold(u.Host, r.Host)
}

// configured reports whether the operator has allowed an origin.
func (e *Edge) configured(origin string) bool {
	return slices.ContainsFunc(e.opts.AllowedOrigins, func(o string) bool { return strings.EqualFold(o, origin) })
}

// shared lets the pages of configured origins read an answer (Fetch §3.3, the CORS protocol), without cookies, of which there are none. A page
// of another site can so do what it needs for a call; /v1/move is for the edge's own page.
func (e *Edge) shared(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origins := r.Header.Values("Origin"); len(origins) == 1 && e.configured(origins[0]) {
			w.Header().Set("Access-Control-Allow-Origin", origins[0])
			w.Header().Set("Access-Control-Expose-Headers", "Retry-After") // of a 429; no page of another origin would see it
		}
		answer(w, r)
	}
}

// preflight answers a browser that asks whether a page of another origin may post JSON.
func (e *Edge) preflight(w http.ResponseWriter, _ *http.Request) {
	if w.Header().Get("Access-Control-Allow-Origin") == "" {
		e.refused(whatGuest, whyOrigin)
		http.Error(w, "this origin may not connect here: ask the operator to allow it", http.StatusForbidden)
		return
	}
	w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// websocket upgrades a request to a socket and gives it a goroutine of its own, so that net/http's can end and its buffers go.
func (e *Edge) websocket(w http.ResponseWriter, r *http.Request) {
	refuse := func(no *refusal) {
		e.refused(whatConnect, no.why)
		if no.wait > 0 {
			retryAfter(w, no.wait)
		}
		http.Error(w, no.text, no.status)
	}
	switch {
	case !e.originAllowed(r):
		refuse(&refusal{status: http.StatusForbidden, why: whyOrigin, text: "this origin may not connect here: ask the operator to allow it"})
		return
	case !offers(r, wire.Subprotocol):
		refuse(&refusal{status: http.StatusBadRequest, why: whyProtocol, text: "want a WebSocket that offers the subprotocol " + wire.Subprotocol})
		return
	case e.draining.Load():
		refuse(&refusal{status: http.StatusServiceUnavailable, why: whyDraining, text: "this edge is about to shut down: connect to another"})
		return
	}
	place, no := e.takePlace(r)
	if no != nil {
		refuse(no)
		return
	}
	var sock *socket
	over := &takeover{ResponseWriter: w}
	var pings bucket // the reader's alone, which starts below
	control := func() bool {
		ok, _ := pings.take(time.Now(), 1, e.limits.PingRate, e.limits.PingBurst)
		if !ok {
			e.refused(whatFrame, whyControl)
			sock.close(wire.CloseFlooding, "too many ping or pong frames")
		}
		return ok
	}
	ws, err := websocket.Accept(over, r, &websocket.AcceptOptions{
		OnPingReceived:     func(context.Context, []byte) bool { return control() },
		OnPongReceived:     func(context.Context, []byte) { control() },
		Subprotocols:       []string{wire.Subprotocol},
		InsecureSkipVerify: true, // the origin was checked above, more strictly
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		place.free()
		return // Accept has answered
	}
	ws.SetReadLimit(-1) // socket.read has the limit, and the close code of the contract
	sock = newSocket(e, ws, over.conn, place)
	e.mu.Lock()
	e.sockets[sock] = struct{}{}
	e.mu.Unlock()
	if !e.own(func(context.Context) { e.read(sock) }) {
		sock.settle()
	}
	if e.ctx.Err() != nil {
		sock.cut() // the edge came to its end meanwhile
	}
}

func offers(r *http.Request, subprotocol string) bool {
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(v, ",") {
			if strings.TrimSpace(p) == subprotocol {
				return true
			}
		}
	}
	return false
}
