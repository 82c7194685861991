package bus_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// say sets the words in one user's list.
func say(t testing.TB, b *bus.Bus, u, other wire.UserID, mine, theirs bus.Word, at int64) {
	t.Helper()
	err := b.ChangeTies(t.Context(), u, func(ts bus.Ties) (bus.Ties, error) {
		tie := ts.Of(other)
		tie.SayMine(mine, at)
		tie.SayTheirs(theirs, at)
		return ts.With(tie), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func stateOf(t testing.TB, b *bus.Bus, u, other wire.UserID) wire.ContactState {
	t.Helper()
	ts, err := b.Ties(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	tie := ts.Of(other)
	return tie.State()
}

func TestTieHoldsTheLaterWord(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	const user = "b.*.>\x00 😀" // any
	for _, step := range []struct {
		mine, theirs bus.Word
		at           int64
		want         wire.ContactState
	}{
		{bus.WordAdd, bus.WordNone, 10, wire.ContactAsked},
		{bus.WordAdd, bus.WordAdd, 20, wire.ContactMutual},
		{bus.WordNone, bus.WordNone, 15, wire.ContactMutual}, // too late
		{bus.WordAdd, bus.WordNone, 20, wire.ContactAsked},   // of two at once the more guarded
		{bus.WordAdd, bus.WordAdd, 20, wire.ContactAsked},
		{bus.WordBlock, bus.WordAdd, 30, wire.ContactBlocked},
		{bus.WordAdd, bus.WordAdd, 30, wire.ContactBlocked},
		{bus.WordNone, bus.WordNone, 40, wire.ContactNone},
		{bus.WordNone, bus.WordAdd, 50, wire.ContactAsks},
	} {
		say(t, b, user, "ann", step.mine, step.theirs, step.at)
		if got := stateOf(t, b, user, "ann"); got != step.want {
			t.Errorf("after %q, %q at %d it is %s, want %s", step.mine, step.theirs, step.at, got, step.want)
		}
	}
	if got := stateOf(t, b, "ann", user); got != wire.ContactNone {
		t.Errorf("the other's list says %s", got)
	}
}

// TestAListIsChangedAtOnce: nobody's change is lost to another's.
func TestAListIsChangedAtOnce(t *testing.T) {
	t.Parallel()
	url := bustest.Cluster(t, 1).URL(0)
	edges := []*bus.Bus{ready(t, node(t, url)), ready(t, node(t, url))}
	const each = 20
	var wg sync.WaitGroup
	for i, b := range edges {
		wg.Go(func() {
			for n := range each {
				say(t, b, "ann", wire.UserID(fmt.Sprint(i, "-", n)), bus.WordAdd, bus.WordNone, int64(n+1))
			}
		})
	}
	wg.Wait()
	ts, err := edges[0].Ties(t.Context(), "ann")
	if err != nil || len(ts) != 2*each {
		t.Errorf("%d ties, %v, want %d", len(ts), err, 2*each)
	}
}

// TestStrangersFillNobodysList: the latest who ask stay, and the owner's own contacts all do.
func TestStrangersFillNobodysList(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	const asks, over, extra = 64, 128, 9
	err := b.ChangeTies(t.Context(), "ann", func(ts bus.Ties) (bus.Ties, error) {
		for i := range over + extra {
			ts = append(ts,
				bus.Tie{User: wire.UserID(fmt.Sprint("asks", i)), Theirs: bus.WordAdd, TheirsAt: int64(i + 1)},
				bus.Tie{User: wire.UserID(fmt.Sprint("over", i)), MineAt: int64(i + 1), TheirsAt: int64(i + 1)},
				bus.Tie{User: wire.UserID(fmt.Sprint("own", i)), Mine: bus.WordAdd, MineAt: int64(i + 1)})
		}
		return ts, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ts, err := b.Ties(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(ts), asks+over+over+extra; got != want || ts.Own() != over+extra {
		t.Errorf("%d ties, %d of them own, want %d and %d", got, ts.Own(), want, over+extra)
	}
	if first, last := ts.Of("asks0"), ts.Of(wire.UserID(fmt.Sprint("asks", over+extra-1))); first.State() != wire.ContactNone || last.State() != wire.ContactAsks {
		t.Errorf("the oldest who asks is %s, the latest %s", first.State(), last.State())
	}
	long := strings.Repeat("\"", 120)
	err = b.ChangeTies(t.Context(), "ann", func(ts bus.Ties) (bus.Ties, error) {
		for i := range over {
			ts = append(ts, bus.Tie{User: wire.UserID(fmt.Sprint(long, i)), Name: long, Theirs: bus.WordAdd, TheirsAt: int64(i + 1000)})
		}
		return ts, nil
	})
	if err != nil {
		t.Errorf("long names keep the list from being stored: %v", err)
	}
	wantErr(t, "own contacts of the longest", b.ChangeTies(t.Context(), "ann", func(ts bus.Ties) (bus.Ties, error) {
		for i := range 200 {
			ts = append(ts, bus.Tie{User: wire.UserID(fmt.Sprint(long, i, "own")), Name: long, Mine: bus.WordAdd, MineAt: 2})
		}
		return ts, nil
	}), bus.ErrFull)
	ts, err = b.Ties(t.Context(), "ann")
	if err != nil || ts.Own() != over+extra {
		t.Errorf("%d own ties are left, %v", ts.Own(), err)
	}
	refusal := errors.New("no")
	wantErr(t, "a change that is refused", b.ChangeTies(t.Context(), "ann", func(bus.Ties) (bus.Ties, error) { return nil, refusal }), refusal)
	if again, err := b.Ties(t.Context(), "ann"); err != nil || len(again) != len(ts) {
		t.Errorf("after that there are %d ties, %v", len(again), err)
	}
}

func TestTiesInTwoRegions(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "asia")
	eu, asia := open(t, inRegion(t, m.Region("eu").URL(0), "eu")), open(t, inRegion(t, m.Region("asia").URL(0), "asia"))
	waitReady(t, eu)
	knowsBoth(t, eu, asia)
	say(t, eu, "ann", "bob", bus.WordAdd, bus.WordNone, 10)
	say(t, asia, "ann", "bob", bus.WordAdd, bus.WordAdd, 20)
	say(t, asia, "ann", "cid", bus.WordBlock, bus.WordNone, 20)
	say(t, eu, "ann", "cid", bus.WordNone, bus.WordNone, 30)
	for _, b := range []*bus.Bus{eu, asia} {
		for other, want := range map[wire.UserID]wire.ContactState{"bob": wire.ContactMutual, "cid": wire.ContactNone} {
			if got := stateOf(t, b, "ann", other); got != want {
				t.Errorf("in %s, %s is %s, want %s", b.Region(), other, got, want)
			}
		}
	}
}

func TestAMoveIsTakenOnce(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "asia")
	eu, asia := open(t, inRegion(t, m.Region("eu").URL(0), "eu")), open(t, inRegion(t, m.Region("asia").URL(0), "asia"))
	waitReady(t, eu)
	knowsBoth(t, eu, asia)
	for round := range 10 {
		code, _, err := eu.KeepMove(t.Context(), []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		got := make([]string, 4)
		for i := range got {
			wg.Go(func() {
				data, err := []*bus.Bus{eu, asia}[i%2].TakeMove(t.Context(), code)
				if got[i] = string(data); err != nil && !errors.Is(err, bus.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		taken := 0
		for _, data := range got {
			if data == "secret" {
				taken++
			}
		}
		if taken != 1 {
			t.Errorf("round %d: %d of %d have it", round, taken, len(got))
		}
		_, err = asia.TakeMove(t.Context(), code)
		wantErr(t, "once more", err, bus.ErrNotFound)
	}
	for _, code := range []wire.MoveCode{"", "eu", wire.NewMoveCode("eu"), wire.NewMoveCode("mars"), "eu.>", "eu.*", "eu.aaaaaaaaaaaaaaaaaaaaaaaaa.", "eu.aaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		_, err := asia.TakeMove(t.Context(), code)
		wantErr(t, "the code "+string(code), err, bus.ErrNotFound)
	}
}
