package bus_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// watched follows the rulings until the test ends, and notes which rooms the changes were about.
func watched(t testing.TB, b *bus.Bus) (*bus.Rulings, *log) {
	t.Helper()
	l := &log{}
	rs := b.WatchRulings(func(r bus.Ruling) { l.add(string(r.Room)) })
	t.Cleanup(rs.Close)
	return rs, l
}

// known is watched, once all is known that was decided before.
func known(t testing.TB, b *bus.Bus) *bus.Rulings {
	t.Helper()
	rs, _ := watched(t, b)
	knows(t, rs)
	return rs
}

func knows(t testing.TB, rs *bus.Rulings) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := rs.Wait(ctx); err != nil || !rs.Ready() {
		t.Fatalf("the rulings are not known: %v, ready %t", err, rs.Ready())
	}
}

func rule(t testing.TB, rs *bus.Rulings, r bus.Ruling, keepOut time.Duration) bus.Ruling {
	t.Helper()
	r.By = "mod"
	r, err := rs.Rule(t.Context(), r, keepOut)
	if err != nil {
		t.Fatalf("ruling about %q in %q: %v", r.User, r.Room, err)
	}
	return r
}

func ban(t testing.TB, rs *bus.Rulings, room, user string, keepOut time.Duration) bus.Ruling {
	t.Helper()
	return rule(t, rs, bus.Ruling{Room: wire.RoomID(room), User: wire.UserID(user)}, keepOut)
}

// holds waits until a ruling is what all know.
func holds(t testing.TB, want bus.Ruling, all ...*bus.Rulings) {
	t.Helper()
	for i, rs := range all {
		eventually(t, fmt.Sprintf("process %d knows what was decided", i), func() error {
			if got := rs.User(want.Room, want.User); got != want {
				return fmt.Errorf("got %+v, want %+v", got, want)
			}
			return nil
		})
	}
}

func TestRulings(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 3)
	var all []*bus.Rulings
	var buses []*bus.Bus
	for i := range 3 {
		o := node(t, c.URL(i))
		o.Replicas = 3
		buses = append(buses, open(t, o))
	}
	for _, b := range buses {
		waitReady(t, b)
		all = append(all, known(t, b))
	}

	t.Run("about all that ids can be", func(t *testing.T) {
		long := strings.Repeat("é", 64)
		for i, m := range [][2]string{{"a", "b"}, {"a.b", "*"}, {">", "_"}, {"_", ">"}, {"", "b"}, {"", "ban.b"}, {"ban", "lock"}, {long, long}, {" ", "\"\\"}, {"房", "📞"}} {
			r := ban(t, all[i%3], m[0], m[1], time.Hour)
			if d := r.Until - r.At; d != time.Hour.Milliseconds() || !r.Bans(time.Now()) || r.Bans(time.Now().Add(time.Hour+time.Second)) {
				t.Errorf("%q: kept out for %d ms: %+v", m, d, r)
			}
			holds(t, r, all...)
		}
		if got := all[0].User("a", "*"); got != (bus.Ruling{}) {
			t.Errorf("nothing was decided, and %+v is known", got)
		}
	})

	t.Run("the later holds", func(t *testing.T) {
		first := ban(t, all[0], "later", "ann", time.Hour)
		second := ban(t, all[1], "later", "ann", time.Minute)
		holds(t, second, all...)
		third := rule(t, all[2], bus.Ruling{Room: "later", User: "ann", Peer: "abcdefghijklmnop"}, 0)
		holds(t, third, all...)
		if first.At >= second.At || second.At >= third.At || third.Until != 0 || third.Bans(time.Now()) {
			t.Errorf("decided at %d, %d, and %d until %d", first.At, second.At, third.At, third.Until)
		}
	})

	t.Run("locks", func(t *testing.T) {
		for i, locked := range []bool{true, false, true} {
			rule(t, all[i], bus.Ruling{Room: "vault", Locked: locked}, 0)
			for _, rs := range all {
				eventually(t, "the lock is known", func() error {
					if got := rs.Locked("vault"); got != locked {
						return fmt.Errorf("locked is %t", got)
					}
					return nil
				})
			}
		}
		if all[0].Locked("") || all[0].Locked("hall") {
			t.Error("what nobody locked is locked")
		}
	})

	t.Run("all at once", func(t *testing.T) {
		const each = 10
		var mu sync.Mutex
		var at []int64
		var wg sync.WaitGroup
		for i := range each * len(all) {
			wg.Go(func() {
				var r bus.Ruling
				eventually(t, "it is decided", func() (err error) { // whoever is outdone for five seconds, as on a busy machine, does not know, and says it again
					r, err = all[i%len(all)].Rule(t.Context(), bus.Ruling{Room: "race", User: "ann", By: "mod"}, time.Duration(i+1)*time.Minute)
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				at = append(at, r.At)
			})
		}
		wg.Wait()
		slices.Sort(at)
		if n := len(slices.Compact(at)); n != each*len(all) {
			t.Errorf("%d rulings have %d times", each*len(all), n)
		}
		o := node(t, c.URL(1))
		o.Replicas = 3 // or it takes two of three from every stream, while others go on
		fresh := known(t, ready(t, o))
		want := fresh.User("race", "ann")
		if want.At != slices.Max(at) {
			t.Errorf("the latest is of %d, and who comes later knows %+v", slices.Max(at), want)
		}
		holds(t, want, all...)
	})

	t.Run("who comes later knows all", func(t *testing.T) {
		for i := range 20 {
			r := ban(t, all[i%2], "before", fmt.Sprint("user", i), time.Hour)
			o := node(t, c.URL(2))
			o.Replicas = 3
			b := open(t, o)
			rs, _ := watched(t, b) // before there is a connection
			knows(t, rs)
			if got := rs.User("before", r.User); got != r {
				t.Fatalf("round %d: ready, and knows %+v, want %+v", i, got, r)
			}
			rs.Close()
			b.Close()
		}
	})

	t.Run("a node dies", func(t *testing.T) {
		c.Kill(2)
		eventually(t, "rulings go on", func() error {
			r, err := all[0].Rule(t.Context(), bus.Ruling{Room: "after", User: "ann", By: "mod"}, time.Hour)
			if err == nil {
				holds(t, r, all[:2]...)
			}
			return err
		})
		c.Restart(2)
		c.Await()
		r := ban(t, all[1], "after", "ben", time.Hour)
		holds(t, r, all...)
	})
}

func TestRulingsOfTwoRegions(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "asia")
	euBus := open(t, inRegion(t, m.Region("eu").URL(0), "eu"))
	asiaBus := open(t, inRegion(t, m.Region("asia").URL(0), "asia"))
	eu, _ := watched(t, euBus)
	asia, _ := watched(t, asiaBus)
	knowsBoth(t, euBus, asiaBus)
	knows(t, eu)
	knows(t, asia)
	holds(t, ban(t, eu, "r", "ann", time.Hour), eu, asia)
	holds(t, ban(t, asia, "r", "ann", time.Minute), eu, asia) // outweighs what stands in the other region's bucket
	kept := ban(t, eu, "r", "kim", time.Hour)
	holds(t, kept, asia)

	m.Isolate(bustest.Cut, "asia")
	inEU := ban(t, eu, "r", "ben", time.Hour)
	inAsia := ban(t, asia, "r", "cid", time.Hour)
	earlier := ban(t, eu, "r", "dan", time.Minute)
	eventually(t, "the clock goes on", func() error { // of two in the same millisecond, the stricter holds
		if now := time.Now().UnixMilli(); now <= earlier.At {
			return fmt.Errorf("it is %d", now)
		}
		return nil
	})
	later := rule(t, asia, bus.Ruling{Room: "r", User: "dan"}, 0)
	rule(t, asia, bus.Ruling{Room: "r", Locked: true}, 0)
	if got := asia.User("r", "kim"); got != kept {
		t.Errorf("a partition forgets what was known: %+v", got)
	}
	if got := asia.User("r", "ben"); got != (bus.Ruling{}) {
		t.Errorf("%+v came over no way", got)
	}
	m.Heal()
	m.Await()
	holds(t, inEU, eu, asia)
	holds(t, inAsia, eu, asia)
	holds(t, later, eu, asia)
	eventually(t, "the lock crosses", func() error {
		if !eu.Locked("r") {
			return errors.New("it is not locked")
		}
		return nil
	})

	t.Run("a region that can't be read", func(t *testing.T) {
		deleteBucket(t, m.Region("asia").URL(0), "cm_rooms_asia")
		b := ready(t, inRegion(t, m.Region("eu").URL(0), "eu"))
		start := time.Now()
		rs, _ := watched(t, b)
		if rs.Ready() {
			t.Error("ready before it has read anything")
		}
		knows(t, rs)
		if took := time.Since(start); took < time.Second {
			t.Errorf("a region that can't be read was waited for for %v", took)
		}
		if got := rs.User("r", "ben"); got != inEU {
			t.Errorf("its own region's ruling is %+v, want %+v", got, inEU)
		}
		// It is read once it can be.
		second := ready(t, inRegion(t, m.Region("asia").URL(0), "asia"))
		holds(t, ban(t, known(t, second), "r", "eve", time.Hour), rs)
	})
}

func deleteBucket(t *testing.T, url, name string) {
	t.Helper()
	if err := raw(t, url).DeleteKeyValue(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// raw is JetStream without a bus.
func raw(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// What is decided while a process is cut off holds there once it is back, in the same moment in which it is ready again.
func TestRulingsAfterABlip(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	p := bustest.NewProxy(t, strings.TrimPrefix(c.URL(0), "nats://"))
	here := known(t, ready(t, node(t, c.URL(0))))
	b := ready(t, node(t, "nats://"+p.Addr()))
	there := known(t, b)
	for i, mode := range []bustest.Mode{bustest.Cut, bustest.Blackhole} {
		old := ban(t, here, "r", fmt.Sprint("old", i), time.Hour)
		holds(t, old, there)
		p.Set(mode)
		eventually(t, "the process notices", func() error {
			if b.Ready() {
				return errors.New("it is ready")
			}
			return nil
		})
		if _, err := there.Rule(t.Context(), bus.Ruling{Room: "r", User: "x"}, time.Hour); !errors.Is(err, bus.ErrUnavailable) {
			t.Errorf("a ruling without a bus: %v", err)
		}
		if got := there.User("r", old.User); got != old {
			t.Errorf("without a bus nothing holds: %+v", got)
		}
		r := ban(t, here, "r", fmt.Sprint("new", i), time.Hour)
		p.Heal()
		waitReady(t, b)
		knows(t, there)
		if got := there.User("r", r.User); got != r {
			t.Errorf("back, and knows %+v, want %+v", got, r)
		}
	}
	// Whoever is never told anything of its own region lets nobody in.
	deleteBucket(t, c.URL(0), "cm_rooms_eu")
	late, _ := watched(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := late.Wait(ctx); !errors.Is(err, bus.ErrUnavailable) || late.Ready() {
		t.Errorf("without its own region's bucket: %v, ready %t", err, late.Ready())
	}
}

func TestRulingsAreBoundedAndEnd(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	rs, changes := watched(t, ready(t, node(t, c.URL(0))))
	knows(t, rs)
	const most = 1024
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < most; i += 8 {
				ban(t, rs, "full", fmt.Sprint("user", i), time.Hour)
			}
		})
	}
	wg.Wait()
	if _, err := rs.Rule(t.Context(), bus.Ruling{Room: "full", User: "one more"}, time.Hour); !errors.Is(err, bus.ErrFull) {
		t.Errorf("one ruling more: %v", err)
	}
	ban(t, rs, "full", "user7", 0) // what stands can be decided anew
	ban(t, rs, "another", "user7", time.Hour)
	rule(t, rs, bus.Ruling{Room: "locked", Locked: true}, 0)
	rule(t, rs, bus.Ruling{Room: "unlocked"}, 0)
	changes.await(t, append(slices.Repeat([]string{"full"}, most+1), "another", "locked", "unlocked")...)

	if rs.Sweep(time.Now().Add(bus.RulingLife - time.Hour)); !rs.Locked("locked") || rs.User("full", "user8") == (bus.Ruling{}) {
		t.Error("a ruling is forgotten before its day is over")
	}
	if rs.Sweep(time.Now().Add(bus.RulingLife + time.Minute)); rs.Locked("locked") || rs.User("full", "user8") != (bus.Ruling{}) {
		t.Error("a ruling is remembered after its day")
	}
	if got := changes.list(); len(got) != most+5 || got[len(got)-1] != "locked" {
		t.Errorf("of the lock that ended, nothing was told: %d changes", len(got))
	}
	ban(t, rs, "full", "one more", time.Hour)
}

// Who can write into the bucket, and writes what no edge would, breaks nothing.
func TestRulingsPassOverRubbish(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	var said syncedText
	o := node(t, c.URL(0))
	o.Logger = said.logger()
	rs := known(t, ready(t, o))
	kv, err := raw(t, c.URL(0)).KeyValue(t.Context(), "cm_rooms_eu")
	if err != nil {
		t.Fatal(err)
	}
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	good := fmt.Sprintf(`{"at":%d,"until":%d,"by":"mod"}`, time.Now().UnixMilli(), time.Now().Add(time.Hour).UnixMilli())
	rubbish := [][2]string{
		{"x", good},
		{"_.lock", `{"at":1,"locked":true}`},
		{"!.lock", ""},
		{b64("r") + ".ban", good},
		{b64("r") + ".ban.", good},
		{b64("r") + ".ban." + b64("a\n"), good},
		{b64("r") + ".ban." + b64("ann") + ".x", good},
		{b64("a\x00") + ".ban." + b64("ann"), good},
		{b64(strings.Repeat("r", 129)) + ".lock", good},
		{b64("r") + ".ban." + b64("ann"), `[]`},
		{b64("r") + ".ban." + b64("ben"), `rubbish`},
		{b64("r") + ".ban." + b64("old"), `{"at":1,"until":9999999999999}`},
	}
	wrote := 0
	for _, kvp := range rubbish {
		if _, err := kv.PutString(t.Context(), kvp[0], kvp[1]); err == nil { // some are no keys
			wrote++
		}
	}
	if wrote < 8 {
		t.Fatalf("only %d of %d were written", wrote, len(rubbish))
	}
	if _, err := kv.PutString(t.Context(), b64("r")+".ban."+b64("good"), good); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what follows the rubbish holds", func() error {
		if !rs.User("r", "good").Bans(time.Now()) {
			return errors.New("it does not")
		}
		return nil
	})
	if err := kv.Delete(t.Context(), b64("r")+".ban."+b64("good")); err != nil {
		t.Fatal(err)
	}
	r := ban(t, rs, "r", "ann", time.Hour) // over what is there, and can't be read
	holds(t, r, known(t, ready(t, node(t, c.URL(0)))))
	for _, user := range []wire.UserID{"ben", "old", "a\n"} {
		if got := rs.User("r", user); got != (bus.Ruling{}) {
			t.Errorf("rubbish holds: %+v", got)
		}
	}
	if !strings.Contains(said.String(), "can't be read and does not hold here") {
		t.Error("nobody was told of the rubbish")
	}
}
