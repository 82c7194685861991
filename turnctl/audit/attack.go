package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// attacking collects what a relay that runs lets happen.
type attacking struct {
	Options
	ctx   context.Context
	items []verdict.Item
}

func attack(ctx context.Context, o Options) []verdict.Item {
	a := &attacking{Options: o, ctx: ctx}
	if !a.anonymous() {
		return a.items
	}
	a.guess()
	a.telnet()
	a.tlsVersions()
	if a.Secret.IsZero() {
		a.add("live.peers", verdict.Unknown, "", "give secret-file", "", "peers could not be tried without the relay's secret")
		return a.items
	}
	a.family(family4)
	a.family(family6)
	a.quota()
	return a.items
}

func (a *attacking) add(name string, status verdict.Status, s verdict.Severity, fix, evidence, format string, args ...any) {
	a.items = append(a.items, verdict.Item{
		Name: name, Group: a.Target.URL, Status: status, Severity: s, Summary: fmt.Sprintf(format, args...), Evidence: evidence, Fix: fix,
	})
}

// userTTL is how long the audit's own credentials are good for.
const userTTL = 10 * time.Minute

// open dials, and allocates with a secret; none means without credentials.
func (a *attacking) open(secret turnauth.Secret, family byte) (*client, error) {
	c, err := dial(a.ctx, *a.Target)
	if err != nil {
		return nil, err
	}
	if !secret.IsZero() {
		if c.user, err = turnauth.Mint(secret, "turnctl-audit", userTTL, time.Now()); err != nil {
			c.close()
			return nil, err
		}
	}
	if err := c.allocate(a.ctx, family); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// drop ends an allocation; one that could not be given back ends by itself within ten minutes.
func (a *attacking) drop(c *client) {
	_ = c.release(a.ctx)
	c.close()
}

// anonymous asks for an allocation without credentials; it says whether there is a relay at all.
func (a *attacking) anonymous() bool {
	c, err := a.open(turnauth.Secret{}, family4)
	var no refusal
	switch {
	case err == nil:
		a.drop(c)
		a.add("auth.anonymous", verdict.Fail, verdict.Critical, "use-auth-secret", "Allocate without credentials: success", "anybody may relay through it, without credentials")
	case errors.As(err, &no) && no.code == 401:
		a.add("auth.required", verdict.OK, "", "", no.Error(), "nobody relays without credentials")
	case errors.As(err, &no):
		a.add("auth.required", verdict.Unknown, "", "", no.Error(), "the relay refused an allocation, and not for want of credentials")
	default:
		a.add("live", verdict.Unknown, "", "start it, or give another --url", err.Error(), "no relay answers at %s", a.Target.URL)
		return false
	}
	return true
}

// guess tries the secrets that everybody knows.
func (a *attacking) guess() {
	for i, s := range guesses() {
		c, err := a.open(s, family4)
		var no refusal
		if err == nil || errors.As(err, &no) && no.code != 401 { // past the credentials: 486 and 508 are refusals of who is let in
			if c != nil {
				a.drop(c)
			}
			if a.was("auth.anonymous") {
				return // it takes any
			}
			a.add("auth.default-secret", verdict.Fail, verdict.Critical, "turnctl rotate, to one from: openssl rand -base64 32",
				fmt.Sprintf("guess %d of %d was taken", i+1, len(guesses())), "the shared secret stands in examples: anybody can make credentials")
			return
		}
		if !errors.As(err, &no) {
			a.add("auth.default-secret", verdict.Unknown, "", "", err.Error(), "well-known secrets could not be tried")
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
	var held []*client
	defer func() {
		for _, c := range held {
			a.drop(c)
		}
	}()
	for len(held) < a.Allocations {
		c, err := a.open(a.Secret, family4)
		if err == nil {
			held = append(held, c)
			continue
		}
		var no refusal
		switch errors.As(err, &no); no.code {
		case 486:
			a.add("quota.user", verdict.OK, "", "", no.Error(), "a user may have %d allocations", len(held))
		case 508:
			a.add("quota.user", verdict.Fail, verdict.High, "user-quota=100", no.Error(), "one user took every port of the relay: %d", len(held))
		default:
			a.add("quota.user", verdict.Unknown, "", "", err.Error(), "the quota could not be tried beyond %d allocations", len(held))
		}
		return
	}
	a.add("quota.user", verdict.Fail, verdict.High, "user-quota=100", fmt.Sprintf("%d allocations at a time, none refused", len(held)),
		"one user may take as much of the relay as it has, as far as was tried")
}
