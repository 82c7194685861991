package rotate

import (
	"context"
	"log/slog"
	"time"

	"callmesh/turnctl/turnauth"
)

// FollowOptions say what a relay's database is to follow. All but Logger and Retry are required.
type FollowOptions struct {
	Store Store
	Realm string
	// Had are the secrets that the file held when the database was last made to hold them.
	Had []turnauth.Secret
	// Now are those that it holds now, of which Changed tells that they may be others.
	Now     func() []turnauth.Secret
	Changed <-chan struct{}
	// Retry is how long to wait before what failed is tried again. 0 means 5 s.
	Retry  time.Duration
	Logger *slog.Logger
}

// Follow has a relay take each secret that comes into a file, and no longer take one that leaves it, until ctx ends: where nobody runs [Secret] beside the
// relay, as in a cluster, whoever changes the file rotates. A secret that was never in the file stays, since a rotation may have put it there.
func Follow(ctx context.Context, o FollowOptions) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Retry == 0 {
		o.Retry = 5 * time.Second
	}
	// What changed before anybody looked was told of by nobody.
	retry := time.After(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.Changed:
		case <-retry:
		}
		retry = nil
		if err := o.follow(ctx); err != nil && ctx.Err() == nil {
			o.Logger.Warn("the relay's secrets could not be changed; trying again", "error", err, "in", o.Retry)
			retry = time.After(o.Retry)
		}
	}
}

// follow adds before it removes: callers are better served by a secret too many than by none.
func (o *FollowOptions) follow(ctx context.Context) error {
	now := o.Now()
	for _, s := range now {
		if holds(o.Had, s) {
			continue
		}
		if err := o.Store.Add(ctx, o.Realm, s); err != nil {
			return err
		}
		o.Had = append(o.Had[:len(o.Had):len(o.Had)], s)
		o.Logger.Info("the relay takes one more secret", "id", turnauth.KeyID(s))
	}
	for _, s := range o.Had {
		if holds(now, s) {
			continue
		}
		if _, err := o.Store.Remove(ctx, o.Realm, s); err != nil {
			return err
		}
		o.Logger.Info("the relay takes this secret no more", "id", turnauth.KeyID(s))
	}
	o.Had = now
	return nil
}
