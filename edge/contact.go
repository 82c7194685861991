package edge

import (
	"context"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// change is what a session does to its user's contact with another.
type change struct {
	edge    *Edge
	s       *session
	other   wire.UserID
	at      int64 // Unix ms; later than all that was said before
	before  pair
	inviter wire.User // whose invitation it brings; zero if none
}

// in changes one of the two lists; say is given the tie there. One that says the same after it is not written.
func (c *change) in(ctx context.Context, list, to wire.UserID, say func(*bus.Tie)) error {
	return c.edge.bus.ChangeTies(ctx, list, func(ts bus.Ties) (bus.Ties, error) {
		t := ts.Of(to)
		was := t
		if say(&t); t == was {
			return ts, nil
		}
		return ts.With(t), nil
	})
}

func (c *change) inMine(ctx context.Context, say func(*bus.Tie)) error {
	return c.in(ctx, c.s.user.ID, c.other, say)
}

func (c *change) inTheirs(ctx context.Context, say func(*bus.Tie)) error {
	return c.in(ctx, c.other, c.s.user.ID, say)
}

// add asks, or accepts. own counts the contacts that both have.
func (c *change) add(ctx context.Context, own [2]int) error {
	invited := c.inviter.ID != ""
	limit := c.edge.limits.Contacts
	if c.before.mine.Mine == bus.WordNone && own[0] >= limit {
		return wire.Errorf(wire.CodeTooLarge, "the user has %d contacts, which is the limit: remove some first", own[0])
	}
	if invited && c.before.theirs.Mine == bus.WordNone && own[1] >= limit {
		return wire.Errorf(wire.CodeTooLarge, "the user who invites has as many contacts as one may")
	}
	if c.before.mine.Theirs != bus.WordAdd && c.before.theirs.Mine != bus.WordAdd && !invited {
		if err := c.edge.mayAsk(c.s); err != nil {
			return err
		}
	}
	err := c.inMine(ctx, func(t *bus.Tie) {
		theirs := t.Theirs
		if invited || c.before.theirs.Mine == bus.WordAdd { // who was blocked has asked without a trace here
			theirs = bus.WordAdd
		}
		t.Call(c.inviter.Name, c.at)
		c.say(t, bus.WordAdd, theirs)
	})
	if err != nil {
		return err
	}
	return c.inTheirs(ctx, func(t *bus.Tie) {
		if t.Mine == bus.WordBlock {
			return // and its user hears nothing of it
		}
		mine := t.Mine
		if invited {
			mine = bus.WordAdd
		}
		t.Call(c.s.user.Name, c.at)
		c.say(t, mine, bus.WordAdd)
	})
}

// say sets those words that are others than before: each keeps the time at which it was said.
func (c *change) say(t *bus.Tie, mine, theirs bus.Word) {
	if mine != t.Mine {
		t.SayMine(mine, c.at)
	}
	if theirs != t.Theirs {
		t.SayTheirs(theirs, c.at)
	}
}

// part ends it, on both sides. Who is blocked by the other stays so.
func (c *change) part(ctx context.Context) error {
	if err := c.inMine(ctx, func(t *bus.Tie) { c.say(t, bus.WordNone, bus.WordNone) }); err != nil {
		return err
	}
	return c.inTheirs(ctx, func(t *bus.Tie) {
		mine := bus.WordNone
		if t.Mine == bus.WordBlock {
			mine = t.Mine
		}
		c.say(t, mine, bus.WordNone)
	})
}

// block says nothing in the other's list, where it could be seen.
func (c *change) block(ctx context.Context) error {
	if c.before.mine.Mine == bus.WordNone {
		ties, err := c.edge.bus.Ties(ctx, c.s.user.ID)
		if err != nil {
			return err
		}
		if n := ties.Own(); n >= c.edge.limits.Contacts {
			return wire.Errorf(wire.CodeTooLarge, "the user has %d contacts, which is the limit: remove some first", n)
		}
	}
	return c.inMine(ctx, func(t *bus.Tie) { c.say(t, bus.WordBlock, bus.WordNone) })
}

// tell tells both users' sessions what is new for them. Neither hears anything of the other that it has blocked, or that has blocked it.
func (c *change) tell(ctx context.Context, after pair) error {
	if c.news(&c.before.mine, &after.mine) {
		if err := c.edge.tellContact(ctx, c.s.user.ID, &after.mine); err != nil {
			return err
		}
	}
	if after.mine.Mine != bus.WordBlock && after.theirs.Mine != bus.WordBlock && c.news(&c.before.theirs, &after.theirs) {
		return c.edge.tellContact(ctx, c.other, &after.theirs)
	}
	return nil
}

func (c *change) news(before, after *bus.Tie) bool {
	return before.State() != after.State() || after.At() > time.Now().Add(-retold).UnixMilli()
}

func (e *Edge) tellContact(ctx context.Context, to wire.UserID, t *bus.Tie) error {
	c := contactOf(t)
	return e.toUserWait(ctx, to, &outgoing{event: wire.EvContact, frame: func(dst []byte, mid wire.Mid, _ int64) []byte {
		return wire.AppendJSON(dst, wire.ContactEvent{Head: wire.Head{Ev: wire.EvContact, Mid: mid, At: c.At}, User: c.User, State: c.State})
	}})
}

// mayAsk bounds what reaches users who have not agreed to it. A client that is gone meanwhile has asked in vain anyway.
func (e *Edge) mayAsk(s *session) error {
	sock := s.socket.Load()
	if sock == nil {
		return unavailable(errNotReady)
	}
	l, a, now := &e.limits, &e.limits.Address, time.Now()
	if !allowed(sock.addr, now, a.AskRate, a.AskBurst, strangeOf) {
		return e.tooMany(whatContact, "asks of strangers", whyAddressRate, a.AskRate)
	}
	return e.ratedUser(whatContact, "asks of strangers", now, sock, l.AskRate, l.AskBurst, strangeOf)
}
