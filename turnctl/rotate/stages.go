package rotate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"callmesh/turnctl/verdict"
)

func (r *rotation) add(ctx context.Context) error {
	before, err := r.Store.Secrets(ctx, r.Realm)
	if err != nil {
		return err
	}
	if err := r.Store.Add(ctx, r.Realm, r.New); err != nil {
		return err
	}
	after, err := r.Store.Secrets(ctx, r.Realm)
	if err != nil {
		return err
	}
	if !holds(after, r.New) {
		return errors.New("the new secret was added and cannot be read back; is another program writing the database?")
	}
	r.state.Added = time.Now()
	if err := r.kept.write(r.state); err != nil {
		return err
	}
	r.ok(Add, "the new secret is in the database beside the old one; coturn takes both from now on")
	if !holds(before, r.Old) {
		r.items = append(r.items, verdict.Item{
			Name: "rotate.old", Group: r.Realm, Status: verdict.Warn, Severity: verdict.Medium,
			Summary: "the old secret is not in the database: it stands in turnserver.conf, in another realm, or nowhere",
			Fix:     "if a line static-auth-secret in turnserver.conf holds it, take the line out after the wait and restart coturn when it is empty (turnctl drain)",
		})
	}
	return nil
}

// switchOver has everybody sign with the new secret, and marks since when they all do.
func (r *rotation) switchOver(ctx context.Context) error {
	if r.Signers != nil {
		ctx, cancel := context.WithTimeoutCause(ctx, r.Patience, errPatience)
		defer cancel()
		if err := r.until(ctx, "these do not hold the new secret yet; add it as a line to their turn-secret-file", r.Signers.Lacking); err != nil {
			return err
		}
		if err := r.Signers.Switch(ctx, r.state.New); err != nil {
			return err
		}
		if err := r.until(ctx, "these still go by another secret; add the new one as a line to the secret-file of the relay's turnctl watch", r.Signers.Behind); err != nil {
			return err
		}
	}
	r.state.Switched = time.Now()
	if err := r.kept.write(r.state); err != nil {
		return err
	}
	if r.Signers == nil {
		r.ok(Switch, "have whoever makes credentials sign with the new secret now: credentials made with the old one are refused in %s", r.TTL)
	} else {
		r.ok(Switch, "every edge signs with the new secret (id %s)", r.state.New)
	}
	return nil
}

var errPatience = errors.New("patience is at its end")

// until waits until nobody is named any more.
func (r *rotation) until(ctx context.Context, why string, named func(key string) []string) error {
	said := ""
	tick := time.NewTicker(r.Poll)
	defer tick.Stop()
	for {
		names := strings.Join(named(r.state.New), ", ")
		if names == "" {
			return nil
		}
		if names != said {
			r.Say(why + ": " + names)
			said = names
		}
		if r.NoWait {
			return fmt.Errorf("%s: %s", why, names)
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errPatience) {
				return fmt.Errorf("%s (waited %s): %s", why, r.Patience, names)
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// wait lets the old credentials expire. Somebody who falls back to the old secret makes it begin anew.
func (r *rotation) wait(ctx context.Context, left time.Duration) error {
	r.Say(fmt.Sprintf("waiting %s for credentials made with the old secret to expire; may be interrupted and run again", left.Round(time.Second)))
	over := time.NewTimer(left)
	defer over.Stop()
	tick := time.NewTicker(r.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			if err := r.steady(); err != nil {
				return err
			}
			r.ok(Wait, "credentials made with the old secret have expired")
			return nil
		case <-tick.C:
			if err := r.steady(); err != nil {
				return err
			}
		}
	}
}

// steady goes back to the switch when somebody signs with another secret again, or could do nothing else.
func (r *rotation) steady() error {
	if r.Signers == nil {
		return nil
	}
	names := append(r.Signers.Lacking(r.state.New), r.Signers.Behind(r.state.New)...)
	if len(names) == 0 {
		return nil
	}
	r.Say("not all sign with the new secret any more, so the wait begins again once they do: " + strings.Join(names, ", "))
	r.state.Switched = time.Time{}
	if err := r.kept.write(r.state); err != nil {
		return err
	}
	return errAgain
}

func (r *rotation) remove(ctx context.Context) error {
	if err := r.steady(); err != nil {
		return err
	}
	secrets, err := r.Store.Secrets(ctx, r.Realm)
	if err != nil {
		return err
	}
	if !holds(secrets, r.New) {
		r.state.Added, r.state.Switched = time.Time{}, time.Time{}
		r.Say("the new secret is not in the database any more, so it is added again")
		return errors.Join(errAgain, r.kept.write(r.state))
	}
	there, err := r.Store.Remove(ctx, r.Realm, r.Old)
	if err != nil {
		return err
	}
	if err := r.kept.end(); err != nil {
		return err
	}
	if there {
		r.ok(Remove, "the old secret is gone from the database; only the new one is good")
	} else {
		r.ok(Remove, "the old secret is not in the database; if turnserver.conf holds it as static-auth-secret, take it out there")
	}
	return nil
}
