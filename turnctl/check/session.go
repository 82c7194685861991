package check

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// ttl is how long the credentials of a check are good: longer than any check, and short for whoever should find one.
const ttl = 10 * time.Minute

// challenge asks for an allocation as a stranger, who must be told to say who they are (RFC 8489, section 9.2.4).
func (l *ladder) challenge(i *verdict.Item) {
	m, err := l.client.Do(l.ctx, stun.MethodAllocate, turnclient.Allocation(turnclient.RelayUDP, l.addr.Addr().Is6())...)
	switch {
	case err == nil:
		fail(i, verdict.Critical, nil, "put use-auth-secret and static-auth-secret=... into turnserver.conf, and take no-auth out",
			"anonymous relay: it relays for anybody, without a credential")
		_, _ = l.client.Do(l.ctx, stun.MethodRefresh, turnclient.Lifetime(0))
	case turnclient.Code(err) == 401 && l.client.Challenged(m):
		l.learn(m)
		i.Summary = fmt.Sprintf("strangers are refused (401), the realm is %q", string(l.client.Realm))
		if l.o.Realm != "" && string(l.client.Realm) != l.o.Realm {
			warn(i, verdict.Medium, "put realm="+l.o.Realm+" into turnserver.conf, or mend --realm", "the realm is %q, not %q", string(l.client.Realm), l.o.Realm)
		}
	case turnclient.Code(err) == 401:
		fail(i, verdict.Critical, err, "put realm=... into turnserver.conf", "the relay asks for a credential and tells no realm and nonce")
	case m != nil:
		l.refused(i, err)
	default:
		l.silent(i, err)
	}
}

// allocate asks for a relayed address with a credential (RFC 8656, section 7).
func (l *ladder) allocate(i *verdict.Item) {
	if l.o.Secret.IsZero() {
		i.Status, i.Summary = verdict.Unknown, "no shared secret was given, so nothing beyond this can be tried"
		return
	}
	c, err := l.mint(l.o.Secret, l.user, ttl)
	if err != nil {
		i.Status, i.Summary = verdict.Unknown, err.Error()
		return
	}
	l.client.Credential = c
	start := time.Now()
	m, err := l.patiently()
	for n := 1; n < sockets && turnclient.Remembered(err) && l.fresh() == nil; n++ {
		start = time.Now()
		m, err = l.patiently()
	}
	// What is refused for want of room was not refused for its credential.
	l.accepted = err == nil || turnclient.LetIn(turnclient.Code(err))
	took := time.Since(start)
	switch {
	case turnclient.Code(err) == 508 && took > searched:
		fail(i, verdict.Critical, err, "see by whom they are taken (ss -ulnp), and give coturn a range that is its own",
			"the relay's ports are used up: no allocation is to be had, and it searched for %s, serving nobody meanwhile", took.Round(100*time.Millisecond))
		return
	case errors.Is(err, turnclient.ErrNoAnswer):
		fail(i, verdict.Critical, err, "see whether coturn is short of time (top), and by whom the ports from min-port to max-port are taken (ss -ulnp)",
			"no answer to Allocate within %s, and the challenge was answered", took.Round(100*time.Millisecond))
		return
	case err != nil:
		l.refused(i, err)
		return
	}
	l.learn(m)
	var ok bool
	if l.relayed, ok = turnclient.Address(m, stun.AttrXORRelayedAddress); !ok {
		fail(i, verdict.Critical, nil, "", "the answer lacks XOR-RELAYED-ADDRESS")
		return
	}
	life, _ := turnclient.LifetimeOf(m)
	i.Summary = fmt.Sprintf("relayed address %s for %s", l.relayed, life)
	if took > l.o.Timeout {
		warn(i, verdict.Medium, "see whether coturn is short of time (top)", "relayed address %s, and only after %s", l.relayed, took.Round(100*time.Millisecond))
	}
}

const (
	// allocateTime bounds the wait for Allocate, and searched is more than one takes while there are ports. Where others hold coturn's ports it tries
	// 65,535 times before it says 508: 2 to 5 s on a machine with nothing else to do.
	allocateTime = 10 * time.Second
	searched     = time.Second
)

// patiently makes the Allocate with the time that it may take: of a short Timeout, as agents have, four times that. It is not asked often meanwhile, since
// coturn goes through its ports again for each copy.
func (l *ladder) patiently() (*stun.Message, error) {
	c := l.client
	timeout, between := c.Timeout, c.Retransmission
	defer func() { c.Timeout, c.Retransmission = timeout, between }()
	c.Timeout, c.Retransmission = max(timeout, min(4*timeout, allocateTime)), min(timeout/2, searched)
	return c.Authed(l.ctx, stun.MethodAllocate, turnclient.Allocation(turnclient.RelayUDP, l.addr.Addr().Is6())...)
}

// refused says what an error response means and what to do.
func (l *ladder) refused(i *verdict.Item, err error) {
	const conf = " in turnserver.conf"
	switch turnclient.Code(err) {
	case 401:
		fail(i, verdict.Critical, err, "use the relay's static-auth-secret (turnadmin -S lists those in its database), and see that its clock is right",
			"wrong secret: the relay refuses a credential that was minted with it just now")
	case 403:
		fail(i, verdict.Critical, err, "start coturn again if the drain is over", "the relay takes no new allocations: it is being drained, or forbids them")
	case 437, 441:
		fail(i, verdict.High, err, "try again in a minute", "the relay takes this client for another, or has lost its allocation")
	case 440:
		fail(i, verdict.High, err, "add a relay-ip of this family"+conf+", or take the URL away", "the relay has no relayed addresses of this family")
	case 442:
		fail(i, verdict.Critical, err, "take no-udp-relay out"+conf, "the relay does not relay UDP")
	case 486:
		fail(i, verdict.Critical, err, "raise total-quota and user-quota"+conf+", or add a relay", "the quota is full: no allocation is to be had")
	case 508:
		fail(i, verdict.Critical, err, "widen min-port to max-port"+conf+", or add a relay", "the relay's ports are used up: no allocation is to be had")
	case 300:
		fail(i, verdict.High, err, "give callers the other relay's URL", "the relay sends callers to another one, which browsers do not follow")
	case 438:
		fail(i, verdict.High, err, "", "the relay calls the nonce stale that it has just given")
	case 0:
		if errors.Is(err, turnclient.ErrUnsigned) {
			fail(i, verdict.Critical, err, "", "the answer is not signed by who knows the secret")
			return
		}
		fail(i, verdict.Critical, err, "", "no answer to the request (%s)", turnclient.Words(err, l.o.Timeout))
	default:
		fail(i, verdict.High, err, "", "the relay refuses the request")
	}
}

// refresh prolongs the allocation (RFC 8656, section 8).
func (l *ladder) refresh(i *verdict.Item) {
	m, err := l.client.Authed(l.ctx, stun.MethodRefresh, turnclient.Lifetime(10*time.Minute))
	if err != nil {
		l.refused(i, err)
		return
	}
	life, _ := turnclient.LifetimeOf(m)
	i.Summary = fmt.Sprintf("prolonged for %s", life)
	if life < time.Minute {
		warn(i, verdict.Medium, "raise max-allocate-lifetime in turnserver.conf", "allocations are prolonged for %s only", life)
	}
}

// deallocate ends the allocation (RFC 8656, section 8.2).
func (l *ladder) deallocate(i *verdict.Item) {
	if _, err := l.client.Authed(l.ctx, stun.MethodRefresh, turnclient.Lifetime(0)); err != nil {
		l.refused(i, err)
		return
	}
	i.Summary = "the allocation is given back"
}
