package edge

import (
	"context"
	"errors"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Two users' lists hold what both said of each other (see [bus.Tie]), so each side is read in one place. A change is written to the list of who makes it,
// then to the other's, and only then both are read again, from all regions, and told as they stand: of two changes at once, the one that reads last has both.
// A user's own word is never written by another's session, but for the end of a contact, and for an invitation, which is the user's own word in a signed form.

// retold is for how long a change that stands already is told once more when it is asked for again: its first telling may have failed.
const retold = time.Minute

// pair is how two users stand to each other, in the list of each.
type pair struct{ mine, theirs bus.Tie }

// contacts lists the user's contacts.
func (e *Edge) contacts(ctx context.Context, s *session) (wire.ContactsOK, error) {
	if !e.bus.Ready() {
		return wire.ContactsOK{}, unavailable(errNotReady)
	}
	ties, err := e.bus.Ties(ctx, s.user.ID)
	if err != nil {
		return wire.ContactsOK{}, unavailable(err)
	}
	ok := wire.ContactsOK{Contacts: []wire.Contact{}}
	for i := range ties {
		if c := contactOf(&ties[i]); c.State != wire.ContactNone {
			ok.Contacts = append(ok.Contacts, c)
		}
	}
	return ok, nil
}

func contactOf(t *bus.Tie) wire.Contact {
	return wire.Contact{User: wire.User{ID: t.User, Name: t.Name}, State: t.State(), At: t.At()}
}

// contact changes how the session's user stands to another.
func (e *Edge) contact(ctx context.Context, s *session, a wire.ContactArgs) (wire.ContactOK, error) {
	if a.User == s.user.ID {
		return wire.ContactOK{}, wire.Errorf(wire.CodeBadRequest, "user: users are not their own contacts")
	}
	if !e.bus.Ready() {
		return wire.ContactOK{}, unavailable(errNotReady)
	}
	var inviter wire.User
	if a.Invite != "" {
		var err error
		if inviter, err = e.proofs.invited(a.Invite, time.Now()); err == nil && inviter.ID != a.User {
			err = wire.Errorf(wire.CodeGone, "the invitation is another user's")
		}
		if err != nil {
			return wire.ContactOK{}, err
		}
	}
	before, own, err := e.pairOf(ctx, s.user.ID, a.User)
	if err != nil {
		return wire.ContactOK{}, err
	}
	c := &change{edge: e, s: s, other: a.User, at: max(time.Now().UnixMilli(), before.mine.LastAt()+1, before.theirs.LastAt()+1), before: before, inviter: inviter}
	switch a.Action {
	case wire.ContactAdd:
		err = c.add(ctx, own)
	case wire.ContactRemove:
		err = c.part(ctx)
	case wire.ContactBlock:
		err = c.block(ctx)
	case wire.ContactUnblock:
		if before.mine.Mine == bus.WordBlock {
			err = c.part(ctx)
		}
	}
	if err != nil {
		return wire.ContactOK{}, contactError(err)
	}
	after, _, err := e.pairOf(ctx, s.user.ID, a.User)
	if err != nil {
		return wire.ContactOK{}, err
	}
	if (before.mine.Mine == bus.WordBlock) != (after.mine.Mine == bus.WordBlock) {
		e.tellBlocks(s.user.ID)
	}
	if err := c.tell(ctx, after); err != nil {
		return wire.ContactOK{}, unavailable(err)
	}
	return wire.ContactOK{Contact: contactOf(&after.mine)}, nil
}

// pairOf reads how two users stand to each other. own counts the contacts of each.
func (e *Edge) pairOf(ctx context.Context, mine, theirs wire.UserID) (p pair, own [2]int, err error) {
	for i, u := range [2]wire.UserID{mine, theirs} {
		ties, err := e.bus.Ties(ctx, u)
		if err != nil {
			return p, own, unavailable(err)
		}
		if own[i] = ties.Own(); i == 0 {
			p.mine = ties.Of(theirs)
		} else {
			p.theirs = ties.Of(mine)
		}
	}
	return p, own, nil
}

func contactError(err error) error {
	var refusal *wire.Error
	switch {
	case errors.As(err, &refusal):
		return err
	case errors.Is(err, bus.ErrFull):
		return wire.Errorf(wire.CodeTooLarge, "one of the two has as many contacts as the mesh remembers: remove some first").Because(err)
	}
	return unavailable(err)
}

// invite makes a code by which others become contacts of the session's user.
func (e *Edge) invite(s *session) wire.InviteOK {
	until := time.Now().Add(inviteLife).UnixMilli()
	return wire.InviteOK{Code: e.proofs.invites.seal(invitation{User: s.user, Expires: until}), ExpiresAt: until}
}

func (e *Edge) invited(a wire.InvitedArgs) (wire.InvitedOK, error) {
	user, err := e.proofs.invited(a.Code, time.Now())
	return wire.InvitedOK{User: user}, err
}

// blocks reports whether a user has blocked another, as far as the lists can be read now.
func (e *Edge) blocks(ctx context.Context, u, other wire.UserID) bool {
	ties, _ := e.blockList(ctx, u)
	t := ties.Of(other)
	return t.Mine == bus.WordBlock
}

// blockList returns the user's list as far as it can be read now, and whether that is all of it: a region that is cut off must not end all calls.
func (e *Edge) blockList(ctx context.Context, u wire.UserID) (ties bus.Ties, all bool) {
	ties, err := e.bus.Ties(ctx, u)
	if err != nil && e.complaints.Allow() {
		e.log.Warn("contacts can't be read; somebody who is blocked may not be kept away for now", "error", err)
	}
	return ties, err == nil
}
