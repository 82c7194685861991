package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// Store is where a relay's secrets stand, as coturn.UserDB is.
type Store interface {
	Secrets(ctx context.Context, realm string) ([]turnauth.Secret, error)
	Add(ctx context.Context, realm string, secret turnauth.Secret) error
	Remove(ctx context.Context, realm string, secret turnauth.Secret) (bool, error)
}

// SecretOptions say what to rotate. Store, Realm, Old, New, TTL and StatePath are required.
type SecretOptions struct {
	Store    Store
	Realm    string
	Old, New turnauth.Secret
	// TTL is the longest that a credential lives.
	TTL time.Duration
	// StatePath is the file that says how far the rotation has come.
	StatePath string
	// Signers are told to switch. Nil: whoever signs is told by somebody else, and counts as switched once the new secret is added.
	Signers Signers
	// Until is the last stage to go through; empty means Remove.
	Until Stage
	// NoWait does what can be done now and leaves the rest to a later run.
	NoWait bool
	// Patience bounds the wait for signers to have and to use the new secret. 0 means 10 minutes.
	Patience time.Duration
	// Poll is how often signers are looked at. 0 means once a second.
	Poll time.Duration
	// Say is told what goes on, a line at a time. It may be nil.
	Say func(line string)
}

type rotation struct {
	SecretOptions
	kept  *kept
	state State
	items []verdict.Item
}

// Secret rotates a shared secret, from wherever it was left. What became of it is in the items; an error is of what could not be begun.
func Secret(ctx context.Context, o SecretOptions) ([]verdict.Item, error) {
	if o.Old.IsZero() || o.New.IsZero() || o.Old.Equal(o.New) {
		return nil, errors.New("rotate: needs an old and a new secret that differ")
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.Until == "" {
		o.Until = Remove
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Minute
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	k, err := hold(o.StatePath)
	if err != nil {
		return nil, err
	}
	defer k.release()
	r := &rotation{SecretOptions: o, kept: k}
	r.state = begin(o.Realm, o.Old, o.New)
	found, there, err := k.read()
	if err != nil {
		return nil, err
	}
	if there {
		if err := r.state.continues(found); err != nil {
			return nil, fmt.Errorf("rotate: %w", err)
		}
		r.state = found
		o.Say("going on with a rotation that was under way")
	}
	if !there {
		done, err := r.already(ctx)
		if done || err != nil {
			return r.items, err
		}
	}
	r.run(ctx)
	return r.items, nil
}

// already says whether the rotation was finished before.
func (r *rotation) already(ctx context.Context) (bool, error) {
	secrets, err := r.Store.Secrets(ctx, r.Realm)
	if err != nil {
		return false, err
	}
	old, next := holds(secrets, r.Old), holds(secrets, r.New)
	if next && !old {
		r.ok(Remove, "the new secret is in the database and the old one is not: nothing to do")
	}
	return next && !old, nil
}

func holds(secrets []turnauth.Secret, one turnauth.Secret) bool {
	for _, s := range secrets {
		if s.Equal(one) {
			return true
		}
	}
	return false
}

// run goes from stage to stage until the last one, a failure, or a wait that is not to be waited for.
func (r *rotation) run(ctx context.Context) {
	for {
		stage, left := r.state.Next(r.TTL, time.Now())
		var err error
		switch stage {
		case Add:
			err = r.add(ctx)
		case Switch:
			err = r.switchOver(ctx)
		case Wait:
			if r.NoWait {
				r.items = append(r.items, verdict.Item{
					Name: "rotate.wait", Group: r.Realm, Status: verdict.OK, Summary: fmt.Sprintf("%s left until the old secret can go; run again then", left.Round(time.Second)),
					Values: []verdict.Value{{Name: "left_seconds", Value: left.Seconds()}},
				})
				return
			}
			err = r.wait(ctx, left)
		case Remove:
			if err = r.remove(ctx); err == nil {
				return
			}
		}
		switch {
		case errors.Is(err, errAgain):
			continue
		case err != nil:
			r.failed(stage, err)
			return
		case stage == r.Until:
			r.Say("stopped here, as asked; run again without --until to go on")
			return
		}
	}
}

// errAgain means that the state has gone back to an earlier stage.
var errAgain = errors.New("an earlier stage has to be gone through again")

func (r *rotation) ok(stage Stage, format string, args ...any) {
	i := verdict.Item{Name: "rotate." + string(stage), Group: r.Realm, Status: verdict.OK, Summary: fmt.Sprintf(format, args...)}
	r.items = append(r.items, i)
	r.Say(i.Summary)
}

func (r *rotation) failed(stage Stage, err error) {
	i := verdict.Item{
		Name: "rotate." + string(stage), Group: r.Realm, Status: verdict.Fail, Severity: verdict.Medium, Summary: err.Error(),
		Fix: "callers are served meanwhile; mend it and run the same command again: it goes on from here",
	}
	if errors.Is(err, context.Canceled) {
		_, left := r.state.Next(r.TTL, time.Now())
		i.Summary = "interrupted; both secrets are good meanwhile"
		if left > 0 {
			i.Summary += fmt.Sprintf(", and %s are left of the wait", left.Round(time.Second))
		}
		i.Fix = "run the same command again: it goes on from here"
	}
	r.items = append(r.items, i)
}
