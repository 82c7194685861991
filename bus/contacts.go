package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// A user's contacts are one list in a bucket of each region in which it was changed. Who changes it writes to the own region, and everybody reads all
// regions: of what one side said the later counts, wherever it was written. So a user finds them in every region, and two edges that change
// one list at once change it one after another, or each its region's.
const (
	// contactBytes bounds a region's contacts. They are not let go for newer ones, as other buckets' entries are: once they are full, nothing changes.
	contactBytes = 512 << 20
	// maxAsks and maxOver bound what others, who have a user's id and nothing more, can put into its list, and askBytes and overBytes its size: the
	// latest stay. With ownBytes of the user's own it fits into a message, which NATS bounds at 128 KiB.
	maxAsks   = 64
	maxOver   = 128
	askBytes  = 16 << 10
	overBytes = 16 << 10
	ownBytes  = 80 << 10
)

// Word is what one user last said of being another's contact.
type Word string

// The words. Nobody is told of [WordBlock].
const (
	WordNone  Word = ""
	WordAdd   Word = "add"
	WordBlock Word = "block"
)

// Tie is how two users stand to each other, in the list of one of them.
type Tie struct {
	User wire.UserID `json:"u"`
	// Name is what the other was last known to be called, and NamedAt since when.
	Name    string `json:"n,omitempty"`
	NamedAt int64  `json:"na,omitempty"`
	// Mine is the word of the list's owner and Theirs that of the other, with their times in Unix ms.
	Mine     Word  `json:"m,omitempty"`
	MineAt   int64 `json:"ma,omitempty"`
	Theirs   Word  `json:"t,omitempty"`
	TheirsAt int64 `json:"ta,omitempty"`
}

// State is what the list's owner sees.
func (t *Tie) State() wire.ContactState {
	switch {
	case t.Mine == WordBlock:
		return wire.ContactBlocked
	case t.Mine == WordAdd && t.Theirs == WordAdd:
		return wire.ContactMutual
	case t.Mine == WordAdd:
		return wire.ContactAsked
	case t.Theirs == WordAdd:
		return wire.ContactAsks
	}
	return wire.ContactNone
}

// At is since when, in Unix ms. What somebody says who is blocked does not show.
func (t *Tie) At() int64 {
	if t.Mine == WordBlock {
		return t.MineAt
	}
	return t.LastAt()
}

// LastAt is when either last said something.
func (t *Tie) LastAt() int64 { return max(t.MineAt, t.TheirsAt) }

// SayMine sets the word of the list's owner, unless a later one stands.
func (t *Tie) SayMine(w Word, at int64) { t.merge(&Tie{Mine: w, MineAt: at}) }

// SayTheirs sets the word of the other, unless a later one stands.
func (t *Tie) SayTheirs(w Word, at int64) { t.merge(&Tie{Theirs: w, TheirsAt: at}) }

// Call notes what the other is called.
func (t *Tie) Call(name string, at int64) { t.merge(&Tie{Name: name, NamedAt: at}) }

// merge takes over what is later. Of two at the same time the more guarded one counts, so that all come to the same.
func (t *Tie) merge(o *Tie) {
	if o.Name != "" && cmp.Or(cmp.Compare(o.NamedAt, t.NamedAt), cmp.Compare(o.Name, t.Name)) > 0 {
		t.Name, t.NamedAt = o.Name, o.NamedAt
	}
	if outsays(o.Mine, o.MineAt, t.Mine, t.MineAt) {
		t.Mine, t.MineAt = o.Mine, o.MineAt
	}
	if outsays(o.Theirs, o.TheirsAt, t.Theirs, t.TheirsAt) {
		t.Theirs, t.TheirsAt = o.Theirs, o.TheirsAt
	}
}

func outsays(w Word, at int64, before Word, beforeAt int64) bool {
	guarded := map[Word]int{WordAdd: 0, WordNone: 1, WordBlock: 2}
	return cmp.Or(cmp.Compare(at, beforeAt), cmp.Compare(guarded[w], guarded[before])) > 0
}

// Ties is a user's list.
type Ties []Tie

// Of returns how the user stands to another, which may be not at all.
func (ts Ties) Of(u wire.UserID) Tie {
	if i := ts.index(u); i >= 0 {
		return ts[i]
	}
	return Tie{User: u}
}

// With returns the list with a tie in the place of the one to the same user.
func (ts Ties) With(t Tie) Ties {
	if i := ts.index(t.User); i >= 0 {
		ts[i] = t
		return ts
	}
	return append(ts, t)
}

func (ts Ties) index(u wire.UserID) int {
	return slices.IndexFunc(ts, func(t Tie) bool { return t.User == u })
}

// size is about what the tie takes in the bucket, in bytes. No character of an id or a name takes more than twice its bytes in JSON.
func (t *Tie) size() int { return 110 + 2*len(t.User) + 2*len(t.Name) }

// full reports whether the list's owner has no room for more.
func (ts Ties) full() bool {
	n := 0
	for i := range ts {
		if ts[i].Mine != WordNone {
			n += ts[i].size()
		}
	}
	return n > ownBytes
}

// Own counts the ties that the list's owner has said something for: who merely asks is none.
func (ts Ties) Own() (n int) {
	for i := range ts {
		if ts[i].Mine != WordNone {
			n++
		}
	}
	return n
}

// merge joins two lists of one user, latest first, and drops what is more than others may put in.
func (ts Ties) merge(others ...Ties) Ties {
	at := make(map[wire.UserID]int, len(ts))
	all := make(Ties, 0, len(ts))
	for _, list := range append([]Ties{ts}, others...) {
		for _, t := range list {
			if i, ok := at[t.User]; ok {
				all[i].merge(&t)
				continue
			}
			at[t.User] = len(all)
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b Tie) int { return cmp.Or(cmp.Compare(b.At(), a.At()), cmp.Compare(a.User, b.User)) })
	asks, over, inAsks, inOver := 0, 0, 0, 0
	return slices.DeleteFunc(all, func(t Tie) bool {
		switch t.State() {
		case wire.ContactAsks:
			asks++
			inAsks += t.size()
			return asks > maxAsks || inAsks > askBytes
		case wire.ContactNone: // stands against what another region may still say
			over++
			inOver += t.size()
			return over > maxOver || inOver > overBytes
		}
		return false
	})
}

func contactsBucket(r wire.Region) string { return "cm_contacts_" + string(r) }

func (b *Bus) contactsConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: contactsBucket(b.opts.Region), Description: "callmesh: contacts",
		Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxBytes: contactBytes,
	}
}

// Ties returns a user's list, as all regions have it together, the latest change first. It is [ErrUnavailable] if one of them can't be read, and what it
// returns is then not all there is.
func (b *Bus) Ties(ctx context.Context, u wire.UserID) (Ties, error) {
	list, err := b.tiesOf(ctx, u, b.regions.list())
	return Ties(nil).merge(list...), err
}

// ChangeTies replaces the user's list in the own region by what change makes of all regions' together, again whenever somebody else was quicker. An
// error of change ends it; change may do with its argument what it likes. [ErrFull] if the user's own would take too many bytes.
func (b *Bus) ChangeTies(ctx context.Context, u wire.UserID, change func(Ties) (Ties, error)) error {
	own := b.opts.Region
	kv, err := b.bucket(ctx, contactsBucket(own))
	if err != nil {
		return err
	}
	abroad, err := b.tiesOf(ctx, u, slices.DeleteFunc(b.regions.list(), func(r wire.Region) bool { return r == own }))
	if err != nil {
		return err
	}
	for {
		stored, seq, err := b.tiesIn(ctx, own, u)
		if err != nil {
			return err
		}
		before := stored.merge(abroad...)
		after, err := change(slices.Clone(before))
		if err != nil {
			return err
		}
		if after = after.merge(); slices.Equal(before, after) {
			return nil
		}
		if after.full() && !before.full() {
			return ErrFull
		}
		value := wire.AppendJSON(nil, after)
		if _, err = kv.Update(ctx, userKey(u), value, seq); err == nil {
			return nil
		}
		if !conflicts(err) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// tiesOf reads the user's list of some regions. With an error it returns those that were read.
func (b *Bus) tiesOf(ctx context.Context, u wire.UserID, regions []wire.Region) (all []Ties, err error) {
	if len(b.regions.list()) == 0 {
		return nil, fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
	}
	var mu sync.Mutex // guards all and err
	var wg sync.WaitGroup
	for _, region := range regions {
		wg.Go(func() {
			readErr := b.reach(ctx, region, func(ctx context.Context) error {
				list, _, err := b.tiesIn(ctx, region, u)
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					all = append(all, list)
				}
				return err
			})
			if readErr != nil {
				mu.Lock()
				defer mu.Unlock()
				err = errors.Join(err, fmt.Errorf("contacts of region %s: %w", region, readErr))
			}
		})
	}
	wg.Wait()
	return all, err
}

// tiesIn reads from the leader, as [Bus.keptIn] does.
func (b *Bus) tiesIn(ctx context.Context, region wire.Region, u wire.UserID) (list Ties, seq uint64, err error) {
	bucket := contactsBucket(region)
	last, err := b.lastOf(ctx, "KV_"+bucket, "$KV."+bucket+"."+userKey(u))
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamNotFound && region != b.opts.Region {
		return nil, 0, nil // its edges know no contacts yet
	}
	if err != nil {
		return nil, 0, err
	}
	if len(last.Data) > 0 {
		if err := json.Unmarshal(last.Data, &list); err != nil {
			return nil, 0, fmt.Errorf("%w: a list of contacts: %w", ErrUnavailable, err)
		}
	}
	return list, last.Seq, nil
}
