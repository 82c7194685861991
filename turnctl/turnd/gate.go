package turnd

import (
	"net"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"callmesh/turnctl/turnauth"
)

// gate decides who may use the relay.
type gate struct {
	realm   string
	secrets func() []turnauth.Secret
	udp     *lastRequest
	tcp     *listener
	metrics *metrics
}

// authenticate is the server's auth handler: it gives the key that the request must be signed with,
// and the server checks that it is. The second of the two is why a key must be chosen before it is
// known to fit; with several secrets the request itself, kept aside as it was read, tells which.
func (g *gate) authenticate(ra *turn.RequestAttributes) (user string, key []byte, ok bool) {
	expiry, user, err := turnauth.ParseUsername(ra.Username)
	secrets := g.secrets()
	if err != nil || ra.Realm != g.realm || len(secrets) == 0 {
		g.metrics.refused.WithLabelValues(refusedCredentials).Inc()
		return "", nil, false
	}
	// Only a new allocation needs a credential that is still good.
	if ra.Method == stun.MethodAllocate && turnauth.Expired(expiry, time.Now()) {
		g.metrics.refused.WithLabelValues(refusedExpired).Inc()
		return "", nil, false
	}
	if user == "" {
		user = ra.Username
	}
	for i, s := range secrets {
		if s.IsZero() {
			continue
		}
		key = turnauth.Key(ra.Username, ra.Realm, turnauth.Password(s, ra.Username))
		if i == len(secrets)-1 || g.fits(ra.SrcAddr, key) {
			break
		}
	}
	if key == nil {
		g.metrics.refused.WithLabelValues(refusedCredentials).Inc()
		return "", nil, false
	}
	return user, key, true
}

// judged is told what came of checking a request by the key from authenticate.
func (g *gate) judged(_, _ net.Addr, _, _, _ string, _ string, ok bool) {
	if !ok {
		g.metrics.refused.WithLabelValues(refusedCredentials).Inc()
	}
}

func (g *gate) fits(client net.Addr, key []byte) bool {
	var raw []byte
	if client.Network() == "udp" {
		raw = g.udp.of(client)
	} else {
		raw = g.tcp.lastOf(client)
	}
	m := &stun.Message{Raw: raw}
	return raw != nil && m.Decode() == nil && stun.MessageIntegrity(key).Check(m) == nil
}

// lastRequest keeps a copy of the latest STUN request that a socket read, which is the one being
// handled: the server reads and handles in turn.
type lastRequest struct {
	// mu guards the following.
	mu   sync.Mutex
	from string
	raw  []byte
}

func (l *lastRequest) keep(from net.Addr, b []byte) {
	// A request has the two class bits of its type clear (RFC 8489, section 5); data has others.
	if len(b) < 20 || b[0]&0xc1 != 0 || b[1]&0x10 != 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from, l.raw = from.String(), append(l.raw[:0], b...)
}

func (l *lastRequest) of(from net.Addr) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.raw == nil || l.from != from.String() {
		return nil
	}
	return append([]byte(nil), l.raw...)
}
