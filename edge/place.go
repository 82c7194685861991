package edge

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// place is what a socket takes up, from before its upgrade until its reader ends: one of the edge's sockets, one of its address's, and until it
// has said hello, one of those that wait.
type place struct {
	edge    *Edge
	addr    *entry[netip.Addr] // nil: this machine's own, which has no limits
	greeted bool               // the reader's alone
}

// refusal is an HTTP answer to who can't be served now.
type refusal struct {
	status int
	why    string
	text   string
	wait   time.Duration // after which it may go better
}

// takePlace finds a place for one more socket, or says why there is none.
func (e *Edge) takePlace(r *http.Request) (*place, *refusal) {
	p := &place{edge: e, addr: e.addressOf(r)}
	no := p.takeAddress(time.Now())
	if no == nil {
		if no = e.takeSocket(); no != nil {
			p.freeAddress()
		}
	}
	if no != nil {
		e.addresses.leave(p.addr)
		return nil, no
	}
	return p, nil
}

func (p *place) takeAddress(now time.Time) *refusal {
	if p.addr == nil {
		return nil
	}
	l := &p.edge.limits.Address
	p.addr.mu.Lock()
	defer p.addr.mu.Unlock()
	ok, wait := p.addr.connects.take(now, 1, l.ConnectRate, l.ConnectBurst)
	switch {
	case !ok:
		return &refusal{http.StatusTooManyRequests, whyAddressRate, "too many connections a second from your address: wait a moment", wait}
	case p.addr.sockets >= l.Sockets:
		return &refusal{http.StatusTooManyRequests, whyAddressFull, "too many connections from your address: close some first", 10 * time.Second}
	case p.addr.waiting >= l.Waiting:
		return &refusal{http.StatusTooManyRequests, whyAddressWaiting, "too many connections from your address have not said hello: wait a moment", p.edge.limits.HelloTimeout}
	}
	p.addr.sockets++
	p.addr.waiting++
	return nil
}

func (p *place) freeAddress() {
	if p.addr == nil {
		return
	}
	p.addr.mu.Lock()
	defer p.addr.mu.Unlock()
	p.addr.sockets--
	p.addr.waiting--
}

func (e *Edge) takeSocket() *refusal {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.places >= e.limits.Sockets:
		return &refusal{http.StatusServiceUnavailable, whyFull, "this edge is full: connect to another", 10 * time.Second}
	case e.waiting >= e.limits.Waiting:
		return &refusal{http.StatusServiceUnavailable, whyWaiting, "this edge waits for too many to say hello: connect to another", e.limits.HelloTimeout}
	}
	e.places++
	e.waiting++
	return nil
}

// greet ends the waiting.
func (p *place) greet() {
	if p.greeted {
		return
	}
	p.greeted = true
	if p.addr != nil {
		p.addr.mu.Lock()
		p.addr.waiting--
		p.addr.mu.Unlock()
	}
	p.edge.mu.Lock()
	p.edge.waiting--
	p.edge.mu.Unlock()
}

// free gives the place back.
func (p *place) free() {
	p.greet()
	if p.addr != nil {
		p.addr.mu.Lock()
		p.addr.sockets--
		p.addr.mu.Unlock()
	}
	p.edge.addresses.leave(p.addr)
	p.edge.mu.Lock()
	p.edge.places--
	p.edge.mu.Unlock()
}

// retryAfter says when to come again, in whole seconds (RFC 9110, section 10.2.3).
func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
}
