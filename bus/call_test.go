package bus_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

func missed(call wire.CallID, at int64) bus.KeptCall {
	return bus.KeptCall{Missed: wire.Missed{Call: call, From: wire.User{ID: "ann", Name: "Ann"}, Media: "video", At: at}}
}

// take empties the user's lists of all regions and returns what was in them, oldest first.
func take(t testing.TB, b *bus.Bus, u wire.UserID) []bus.KeptCall {
	t.Helper()
	var all []bus.KeptCall
	for region := range b.KeptCalls(t.Context(), u) {
		var taken []bus.KeptCall
		err := b.ChangeKept(t.Context(), region, u, func(list []bus.KeptCall) []bus.KeptCall {
			taken = list
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		all = append(all, taken...)
	}
	slices.SortFunc(all, func(a, b bus.KeptCall) int { return cmp.Compare(a.At, b.At) })
	return all
}

func TestKeptCalls(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	if got := take(t, b, "bob"); len(got) != 0 {
		t.Errorf("a user whom nobody called: %v, want none", got)
	}
	add := func(u wire.UserID, c bus.KeptCall) {
		t.Helper()
		if err := b.KeepCall(t.Context(), u, c); err != nil {
			t.Fatal(err)
		}
	}
	const bound, extra = 50, 5
	var last bus.KeptCall
	for i := range bound + extra {
		last = missed(wire.NewCallID("eu"), int64(i))
		add("b.*.>\x00 😀", last) // any user
	}
	again := last
	again.Rings = true
	add("b.*.>\x00 😀", again) // as an edge may that is not sure
	add("carol", missed(wire.NewCallID("eu"), 1))
	got := take(t, b, "b.*.>\x00 😀")
	if len(got) != bound || got[0].At != extra || got[bound-1] != last {
		t.Errorf("%d kept calls, want the latest %d: %v", len(got), bound, got)
	}
	if got := take(t, b, "b.*.>\x00 😀"); len(got) > 0 {
		t.Errorf("told twice: %v", got)
	}
	other := missed(wire.NewCallID("eu"), 7)
	add("b.*.>\x00 😀", last)
	add("b.*.>\x00 😀", other)
	if err := b.DropCalls(t.Context(), "eu", "b.*.>\x00 😀", last.Call, wire.NewCallID("eu")); err != nil {
		t.Fatal(err)
	}
	if got := take(t, b, "b.*.>\x00 😀"); !slices.Equal(got, []bus.KeptCall{other}) {
		t.Errorf("after one was dropped: %v", got)
	}
	if got := take(t, b, "carol"); len(got) != 1 {
		t.Errorf("another user's: %v", got)
	}
	wantErr(t, "KeepCall", b.KeepCall(t.Context(), "bob", missed("eu.*", 1)), bus.ErrNotFound)
}

func TestPairs(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	for _, value := range []string{"first", "second"} {
		if err := b.SetPair(t.Context(), "a\x20*", "b.>", []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.GetPair(t.Context(), "eu", "a\x20*", "b.>"); err != nil || string(got) != value {
			t.Errorf("read %q, %v, want %q", got, err, value)
		}
	}
	_, err := b.GetPair(t.Context(), "eu", "b.>", "a\x20*")
	wantErr(t, "the other direction", err, bus.ErrNotFound)
}

// TestAFullBucketLetsTheOldestGo looks at the policy: to fill the buckets takes minutes. A bucket that refuses what is new would let whoever
// fills it keep everybody else from calling.
func TestAFullBucketLetsTheOldestGo(t *testing.T) {
	t.Parallel()
	url := bustest.Cluster(t, 1).URL(0)
	ready(t, node(t, url))
	ready(t, node(t, url)) // a second edge finds the buckets there, and leaves them so
	js := raw(t, url)
	for _, bucket := range []string{"cm_calls_eu", "cm_missed_eu"} {
		s, err := js.Stream(t.Context(), "KV_"+bucket)
		if err != nil {
			t.Fatal(err)
		}
		if cfg := s.CachedInfo().Config; cfg.Discard != jetstream.DiscardOld || cfg.MaxBytes <= 0 {
			t.Errorf("%s: discards %v at %d bytes, want the oldest at a bound", bucket, cfg.Discard, cfg.MaxBytes)
		}
	}
	// What stays for good must not go by others' doing.
	contacts, err := js.Stream(t.Context(), "KV_cm_contacts_eu")
	if err != nil {
		t.Fatal(err)
	}
	if cfg := contacts.CachedInfo().Config; cfg.Discard != jetstream.DiscardNew || cfg.MaxBytes <= 0 || cfg.MaxAge != 0 {
		t.Errorf("contacts: discards %v at %d bytes and after %v, want the new at a bound", cfg.Discard, cfg.MaxBytes, cfg.MaxAge)
	}
}
