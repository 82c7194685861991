package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// attacking collects what a relay that runs lets happen.
type attacking struct {
	Options
	ctx   context.Context
	addr  netip.AddrPort
	user  string
	items []verdict.Item
	// opened are all connections, until the end: were one closed, a later one could get its port, and the relay still knows who was there.
	opened []*turnclient.Client
	// silent says that the relay has left a request without an answer: it would leave the others, too, each for the whole wait.
	silent bool
}

func attack(ctx context.Context, o Options) []verdict.Item {
	// Each run, and the quota's trial, are users of their own: coturn takes an allocation off its user's quota a second or two after it was given back.
	a := &attacking{Options: o, ctx: ctx, user: "turnctl-audit-" + rand.Text()[:8]}
	defer func() {
		for _, c := range a.opened {
			c.Close()
		}
	}()
	var err error
	if a.addr, err = a.Target.resolve(ctx); err != nil {
		a.add("live", verdict.Unknown, "", "mend the name in --url", err.Error(), "no address is known of %s", a.Target.URL.Host)
		return a.items
	}
	if !a.anonymous() {
		return a.items
	}
	tries := []func(){a.guess, a.telnet, a.tlsVersions, a.dtlsVersions}
	if !a.Secret.IsZero() {
		tries = append(tries, func() { a.family(false) }, func() { a.family(true) }, a.connects, a.quota)
	}
	for n, try := range tries {
		if try(); a.silent && n < len(tries)-1 {
			a.add("live", verdict.Unknown, "", "try again; if it stays so, see what the relay's log says", "", "the relay answers no more, so the rest was not tried")
			return a.items
		}
	}
	if a.Secret.IsZero() {
		a.add("live.peers", verdict.Unknown, "", "give secret-file", "", "peers could not be tried without the relay's secret")
	}
	return a.items
}

func (a *attacking) add(name string, status verdict.Status, s verdict.Severity, fix, evidence, format string, args ...any) {
	a.items = append(a.items, verdict.Item{
		Name: name, Group: a.Target.URL.String(), Status: status, Severity: s, Summary: fmt.Sprintf(format, args...), Evidence: evidence, Fix: fix,
	})
}

// userTTL is how long the audit's own credentials are good for.
const userTTL = 10 * time.Minute

// allocation is a client with a relayed address.
type allocation struct {
	*turnclient.Client
	relayed netip.AddrPort
}

// ask makes a request with the credential, where there is one.
func (c allocation) ask(ctx context.Context, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
	if c.Credential.Username == "" {
		return c.Do(ctx, method, attributes...)
	}
	return c.Authed(ctx, method, attributes...)
}

// open allocates over the target's own transport, for UDP to peers.
func (a *attacking) open(secret turnauth.Secret, six bool) (allocation, error) {
	return a.allocate(a.Target.URL.Transport, secret, turnclient.Allocation(turnclient.RelayUDP, six))
}

// allocate dials, and allocates with a secret; none means without a credential.
func (a *attacking) allocate(t turnclient.Transport, secret turnauth.Secret, what []stun.Setter) (allocation, error) {
	for tries := 1; ; tries++ {
		c, err := a.allocateOnce(t, secret, what)
		a.silent = a.silent || errors.Is(err, turnclient.ErrNoAnswer)
		if !turnclient.Remembered(err) || tries == 4 {
			return c, err
		}
	}
}

func (a *attacking) allocateOnce(t turnclient.Transport, secret turnauth.Secret, what []stun.Setter) (allocation, error) {
	conn, err := turnclient.Dial(a.ctx, t, a.addr, a.Target.URL.Host, transactionTime)
	if err != nil {
		return allocation{}, err
	}
	c := allocation{Client: turnclient.New(conn, t, a.Timeout)}
	c.Retransmission = slowly
	a.opened = append(a.opened, c.Client)
	m, err := c.Do(a.ctx, stun.MethodAllocate, what...)
	if turnclient.Code(err) == 401 && !secret.IsZero() && c.Challenged(m) {
		if c.Credential, err = turnauth.Mint(secret, a.user, userTTL, time.Now()); err != nil {
			return allocation{}, err
		}
		m, err = c.Authed(a.ctx, stun.MethodAllocate, what...)
	}
	if err != nil {
		return allocation{}, err
	}
	c.relayed, _ = turnclient.Address(m, stun.AttrXORRelayedAddress)
	return c, nil
}

// drop gives allocations back, in a time that is short for them all: one that could not be given back ends by itself within ten minutes.
func (a *attacking) drop(list ...allocation) {
	ctx, cancel := context.WithTimeout(a.ctx, a.Timeout)
	defer cancel()
	for _, c := range list {
		c.Timeout = min(a.Timeout, transactionTime)
		_, _ = c.ask(ctx, stun.MethodRefresh, turnclient.Lifetime(0))
	}
}

// refusal is an error response in err; nil for others.
func refusal(err error) *turnclient.RefusalError {
	var no *turnclient.RefusalError
	errors.As(err, &no)
	return no
}

// anonymous asks for an allocation without credentials; it says whether there is a relay at all.
func (a *attacking) anonymous() bool {
	c, err := a.open(turnauth.Secret{}, a.addr.Addr().Is6())
	no := refusal(err)
	switch {
	case err == nil:
		a.drop(c)
		a.add("auth.anonymous", verdict.Fail, verdict.Critical, "use-auth-secret", "Allocate without credentials: success", "anybody may relay through it, without credentials")
	case no != nil && no.Code == 401:
		a.add("auth.required", verdict.OK, "", "", no.Error(), "nobody relays without credentials")
	case no != nil:
		a.add("auth.required", verdict.Unknown, "", "", no.Error(), "the relay refused an allocation, and not for want of credentials")
	default:
		a.add("live", verdict.Unknown, "", "start it, or give another --url", turnclient.Words(err, a.Timeout), "no relay answers at %s", a.Target.URL)
		return false
	}
	return true
}

// guess tries the secrets that everybody knows.
func (a *attacking) guess() {
	if a.was("auth.anonymous") {
		return // it takes any
	}
	for i, s := range guesses() {
		c, err := a.open(s, a.addr.Addr().Is6())
		if err == nil || turnclient.LetIn(turnclient.Code(err)) {
			if err == nil {
				a.drop(c)
			}
			a.add("auth.default-secret", verdict.Fail, verdict.Critical, "turnctl rotate, to one from: openssl rand -base64 32",
				fmt.Sprintf("guess %d of %d was taken", i+1, len(guesses())), "the shared secret stands in examples: anybody can make credentials")
			return
		}
		if turnclient.Code(err) != 401 {
			a.add("auth.default-secret", verdict.Unknown, "", "", turnclient.Words(err, a.Timeout), "well-known secrets could not be tried")
			return
		}
	}
	a.add("auth.default-secret", verdict.OK, "", "", "", "none of %d well-known secrets is taken", len(guesses()))
}

// was says whether a finding was made.
func (a *attacking) was(name string) bool {
	for _, i := range a.items {
		if i.Name == name && i.Status == verdict.Fail {
			return true
		}
	}
	return false
}

// quota takes allocations until one is refused.
func (a *attacking) quota() {
	if a.Allocations <= 0 {
		a.add("quota.user", verdict.Skipped, "", "", "", "not asked for (--allocations 0)")
		return
	}
	a.user += "-quota"
	var held []allocation
	defer func() { a.drop(held...) }()
	for len(held) < a.Allocations {
		c, err := a.open(a.Secret, a.addr.Addr().Is6())
		if err == nil {
			held = append(held, c)
			continue
		}
		switch turnclient.Code(err) {
		case 486:
			a.add("quota.user", verdict.OK, "", "", err.Error(), "a user may have %d allocations", len(held))
		case 508:
			a.add("quota.user", verdict.Fail, verdict.High, "user-quota=100", err.Error(), "one user took every port of the relay: %d", len(held))
		default:
			a.add("quota.user", verdict.Unknown, "", "", turnclient.Words(err, a.Timeout), "the quota could not be tried beyond %d allocations", len(held))
		}
		return
	}
	a.add("quota.user", verdict.Fail, verdict.High, "user-quota=100", fmt.Sprintf("%d allocations at a time, none refused", len(held)),
		"one user may take as much of the relay as it has, as far as was tried")
}
