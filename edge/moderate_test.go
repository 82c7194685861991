package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

const keptOut = "a moderator keeps you out of this room until "

func seconds(n int) *int { return &n }

// kick returns until when, and checks that it is what was asked for.
func kick(t *testing.T, mod *edgetest.Client, a wire.KickArgs) int64 {
	t.Helper()
	before := time.Now()
	until := edgetest.Must[wire.KickOK](mod, wire.OpKick, a).Until
	want := 600 * time.Second
	if a.ForSeconds != nil {
		want = time.Duration(*a.ForSeconds) * time.Second
	}
	if want == 0 {
		if until != 0 {
			t.Errorf("a kick that keeps nobody out holds until %d", until)
		}
		return 0
	}
	if got := time.UnixMilli(until); got.Before(before.Add(want-time.Second)) || got.After(time.Now().Add(want+time.Second)) {
		t.Errorf("a kick of %v holds until %v, %v from now", want, got, time.Until(got))
	}
	return until
}

// barred waits until the client can't join the room: an edge that has not heard of a ruling yet lets it in, and removes it then.
func barred(t *testing.T, c *edgetest.Client, room wire.RoomID, message string) {
	t.Helper()
	edgetest.Eventually(t, "joining is refused", func() bool {
		a := c.Do(wire.OpJoin, wire.JoinArgs{Room: room})
		if a.Error != nil && (a.Error.Code != wire.CodeForbidden || !strings.HasPrefix(a.Error.Message, message)) {
			t.Fatalf("joining gets %v, want forbidden: %s", a.Error, message)
		}
		return a.Error != nil
	})
	wantError(t, "a post after that", c.Do(wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(`1`)}), wire.CodeNotInRoom, "")
}

// admitted waits until the client can join the room again.
func admitted(t *testing.T, c *edgetest.Client, room wire.RoomID) wire.JoinOK {
	t.Helper()
	var ok wire.JoinOK
	edgetest.Eventually(t, "joining is possible", func() bool {
		a := c.Do(wire.OpJoin, wire.JoinArgs{Room: room})
		return a.Error == nil && json.Unmarshal(a.OK, &ok) == nil
	})
	return ok
}

func seesKicked(c, peer *edgetest.Client) {
	edgetest.Await(c, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == peer.Peer() && e.Reason == wire.ReasonKicked })
}

func TestKickHoldsOnEveryEdge(t *testing.T) {
	m := three(t)
	for i, by := range []string{"peer", "user"} {
		t.Run(by, func(t *testing.T) {
			room, user := wire.RoomID("by "+by), "eve of "+by
			mod := edgetest.Moderator(t, m.Edges[0], "mod", string(room))
			eve, device := edgetest.Connect(t, m.Edges[1], user), edgetest.Connect(t, m.Edges[2], user)
			ann := edgetest.Connect(t, m.Edges[2], "ann")
			for _, c := range []*edgetest.Client{ann, eve, device} {
				if ok := edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: room}); ok.Moderator || ok.Locked {
					t.Errorf("who is no moderator is told %+v", ok)
				}
			}
			if ok := edgetest.Must[wire.JoinOK](mod, wire.OpJoin, wire.JoinArgs{Room: room}); !ok.Moderator || ok.Locked || len(ok.Peers) != 3 {
				t.Fatalf("the moderator is told %+v", ok)
			}
			meet(ann, eve)
			args := wire.KickArgs{Room: room, Peer: eve.Peer()}
			if by == "user" {
				args = wire.KickArgs{Room: room, User: wire.UserID(user), ForSeconds: seconds(3600)}
			}
			until := kick(t, mod, args)
			for _, c := range []*edgetest.Client{eve, device} {
				seesKicked(ann, c)
				seesKicked(mod, c)
				ev := edgetest.Await[wire.KickedEvent](c, wire.EvKicked, nil)
				if ev.Room != room || ev.Until != until {
					t.Errorf("the kicked session is told %+v, want until %d", ev, until)
				}
				var members map[string]any
				noError(t, json.Unmarshal(c.Events(wire.EvKicked)[0].Raw, &members))
				if len(members) != 5 {
					t.Errorf("it is told more than it should: %v", members)
				}
				wantError(t, "a post by who was kicked", c.Do(wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(`1`)}), wire.CodeNotInRoom, "")
			}
			for _, n := range m.Edges {
				barred(t, edgetest.Connect(t, n, user), room, keptOut+time.UnixMilli(until).UTC().Format(time.RFC3339))
			}
			barred(t, eve, room, keptOut)
			join(eve, "elsewhere")
			ben := edgetest.Connect(t, m.Edges[1], "ben")
			join(ben, room)
			meet(mod, ben) // on whose edge the next one joins
			again := edgetest.Connect(t, m.Edges[0], "ann")
			if got := join(again, room); slices.Contains(got, eve.Peer()) || slices.Contains(got, device.Peer()) || len(got) != 3 {
				t.Errorf("after the kick the room has %v", got)
			}
			// It is lifted by whoever moderates, on whatever edge.
			kick(t, edgetest.Moderator(t, m.Edges[2], "another", "*"), wire.KickArgs{Room: room, User: wire.UserID(user), ForSeconds: seconds(0)})
			admitted(t, edgetest.Connect(t, m.Edges[i], user), room)
		})
	}
	wantMetrics(t, m.Edges[0], "callmesh_edge_kicks_total", `callmesh_edge_kicks_total{from="room"} 2`)
	wantMetrics(t, m.Edges[1], "callmesh_edge_kicked_total", `callmesh_edge_kicked_total{from="room"} 2`)
}

// wantMetrics looks for lines in an edge's metric.
func wantMetrics(t *testing.T, n *edgetest.Node, name string, lines ...string) {
	t.Helper()
	families, err := n.Registry.Gather()
	noError(t, err)
	var got strings.Builder
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			if f.GetName() == name {
				var labels []string
				for _, label := range metric.GetLabel() {
					labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
				}
				fmt.Fprintf(&got, "%s{%s} %g\n", name, strings.Join(labels, ","), metric.GetCounter().GetValue())
			}
		}
	}
	for _, line := range lines {
		if !strings.Contains(got.String(), line+"\n") {
			t.Errorf("want %s among\n%s", line, got.String())
		}
	}
}

func TestKickThatKeepsNobodyOut(t *testing.T) {
	m := oneNode(t, 2)
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "r")
	eve, device := edgetest.Connect(t, m.Edges[1], "eve"), edgetest.Connect(t, m.Edges[1], "eve")
	for _, c := range []*edgetest.Client{eve, device, mod} {
		join(c, "r")
	}
	kick(t, mod, wire.KickArgs{Room: "r", Peer: eve.Peer(), ForSeconds: seconds(0)})
	if ev := edgetest.Await[wire.KickedEvent](eve, wire.EvKicked, nil); ev.Until != 0 {
		t.Errorf("who may come back is told %+v", ev)
	}
	seesKicked(mod, eve)
	say(t, device, "r", 0, 1) // the other device stays
	join(eve, "r")
	meet(device, eve)
	if got := device.Events(wire.EvKicked); len(got) > 0 {
		t.Errorf("the other device was told %s", got[0].Raw)
	}
	// To come back and then to be lost is no reason to be out again.
	eve.Cut()
	if again := eve.Resume(m.Edges[0]); len(again.Hello.Rooms) != 1 || len(again.Events(wire.EvKicked)) > 0 {
		t.Errorf("who came back resumes into %+v", again.Hello.Rooms)
	}
	kick(t, mod, wire.KickArgs{Room: "r", User: "eve", ForSeconds: seconds(0)})
	edgetest.Await[wire.KickedEvent](device, wire.EvKicked, nil)
	join(device, "r")
	kick(t, mod, wire.KickArgs{Room: "r", User: "nobody", ForSeconds: seconds(0)})
}

func TestBanEnds(t *testing.T) {
	m := oneNode(t, 2)
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "r")
	eve := edgetest.Connect(t, m.Edges[1], "eve")
	kick(t, mod, wire.KickArgs{Room: "r", User: "eve", ForSeconds: seconds(3600)}) // who is not there
	barred(t, eve, "r", keptOut)
	// A later kick replaces the one before it, a shorter one too.
	until := kick(t, mod, wire.KickArgs{Room: "r", User: "eve", ForSeconds: seconds(2)})
	admitted(t, eve, "r")
	if now := time.Now().UnixMilli(); now < until {
		t.Errorf("let in %d ms before the ban ended", until-now)
	}
	kick(t, mod, wire.KickArgs{Room: "r", User: "eve", ForSeconds: seconds(3600)})
	edgetest.Await[wire.KickedEvent](eve, wire.EvKicked, nil)
	kick(t, mod, wire.KickArgs{Room: "r", User: "eve", ForSeconds: seconds(1)})
	admitted(t, eve, "r")
}

func TestKickFromTheMesh(t *testing.T) {
	m := three(t)
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "*")
	ann := edgetest.Connect(t, m.Edges[2], "ann")
	eve, lost := edgetest.Connect(t, m.Edges[1], "eve"), edgetest.Connect(t, m.Edges[2], "eve")
	for _, c := range []*edgetest.Client{ann, eve, lost} {
		join(c, "r")
	}
	meet(ann, eve)
	lost.Cut()
	until := kick(t, mod, wire.KickArgs{User: "eve", ForSeconds: seconds(3600)})
	wantClose(t, "the kicked session", eve, wire.CloseForbidden, "a moderator has removed you")
	seesKicked(ann, eve)
	seesKicked(ann, lost)
	message := "a moderator keeps you out until " + time.UnixMilli(until).UTC().Format(time.RFC3339)
	for i, n := range m.Edges {
		edgetest.Eventually(t, fmt.Sprint("hello is refused on edge ", i), func() bool {
			c, a := hello(t, n, wire.HelloArgs{Token: token(t, "eve")})
			if a.Error == nil {
				c.Close()
				return false
			}
			wantError(t, "hello", a, wire.CodeForbidden, message)
			wantClose(t, "hello", c, wire.CloseForbidden, message)
			return true
		})
		for _, old := range []*edgetest.Client{eve, lost} {
			c, a := old.TryResume(n)
			wantError(t, "resume", a, wire.CodeForbidden, message)
			wantClose(t, "resume", c, wire.CloseForbidden, message)
		}
	}
	wantMetrics(t, m.Edges[0], "callmesh_edge_refused_total", `callmesh_edge_refused_total{what="hello",why="banned"} 3`)
	wantMetrics(t, m.Edges[1], "callmesh_edge_kicked_total", `callmesh_edge_kicked_total{from="mesh"} 1`)
	// A moderator of every room can't be shut out by another.
	edgetest.Moderator(t, m.Edges[0], "eve", "*").Close()

	kick(t, mod, wire.KickArgs{User: "eve", ForSeconds: seconds(0)})
	for _, n := range m.Edges {
		var c *edgetest.Client
		edgetest.Eventually(t, "hello is possible", func() bool {
			var a edgetest.Answer
			c, a = hello(t, n, wire.HelloArgs{Token: token(t, "eve")})
			return a.Error == nil
		})
		join(c, "r")
		if _, a := lost.TryResume(n); a.Error == nil || a.Error.Code != wire.CodeGone {
			t.Errorf("the session that was ended resumes: %+v", a)
		}
	}
	other := edgetest.Connect(t, m.Edges[1], "ben")
	kick(t, mod, wire.KickArgs{User: "ben", ForSeconds: seconds(0)})
	wantClose(t, "who may come back", other, wire.CloseForbidden, "")
	join(edgetest.Connect(t, m.Edges[1], "ben"), "r")
}

func TestLock(t *testing.T) {
	m := three(t)
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "r")
	ann, ben := edgetest.Connect(t, m.Edges[1], "ann"), edgetest.Connect(t, m.Edges[2], "ben")
	join(mod, "r")
	join(ann, "r")
	told := func(c *edgetest.Client, locked bool, n int) {
		t.Helper()
		edgetest.Eventually(t, "the room is told of its lock", func() bool { return len(c.Events(wire.EvLocked)) >= n })
		list := c.Events(wire.EvLocked)
		if ev := decode[wire.LockedEvent](t, list[len(list)-1]); ev.Room != "r" || ev.Locked != locked || len(list) != n {
			t.Errorf("told %d times, at last %+v, want %t", len(list), ev, locked)
		}
	}
	lock := func(c *edgetest.Client, locked bool) {
		t.Helper()
		edgetest.Must[wire.Empty](c, wire.OpLock, wire.LockArgs{Room: "r", Locked: locked})
	}
	lock(mod, true)
	told(mod, true, 1)
	told(ann, true, 1)
	lock(mod, true) // again is no news
	barred(t, ben, "r", "the room is locked")
	for _, n := range m.Edges {
		barred(t, edgetest.Connect(t, n, "ann"), "r", "the room is locked") // another device of who is in it
		late := edgetest.Moderator(t, n, "late", "*")
		if ok := edgetest.Must[wire.JoinOK](late, wire.OpJoin, wire.JoinArgs{Room: "r"}); !ok.Locked || !ok.Moderator {
			t.Errorf("a moderator joins a locked room and is told %+v", ok)
		}
		edgetest.Must[wire.Keyed](late, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	}
	say(t, ann, "r", 0, 1) // who is in it stays, and may update and join again
	edgetest.Must[wire.JoinOK](ann, wire.OpJoin, wire.JoinArgs{Room: "r", Info: json.RawMessage(`1`)})
	ann.Cut()
	for _, n := range m.Edges {
		ann = ann.Resume(n)
		if rooms := ann.Hello.Rooms; len(rooms) != 1 || !rooms[0].Locked || rooms[0].Moderator || !ann.Hello.Resumed {
			t.Errorf("a resume into a locked room says %+v", rooms)
		}
	}
	// It holds while nobody is there.
	edgetest.Must[wire.Keyed](ann, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	edgetest.Must[wire.Keyed](mod, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	edgetest.Eventually(t, "the room is empty", func() bool { return gauge(t, m.Edges[0], "callmesh_edge_rooms") == 0 })
	barred(t, ann, "r", "the room is locked")
	join(mod, "r")
	lock(mod, false) // by who is in it
	edgetest.Await(mod, wire.EvLocked, func(e wire.LockedEvent) bool { return !e.Locked })
	if ok := admitted(t, ben, "r"); ok.Locked {
		t.Errorf("an open room is told of as %+v", ok)
	}
	lock(edgetest.Moderator(t, m.Edges[1], "warden", "r"), true) // by who is not
	told(ben, true, 1)
	wantMetrics(t, m.Edges[0], "callmesh_edge_locks_total", `callmesh_edge_locks_total{to="locked"} 2`, `callmesh_edge_locks_total{to="unlocked"} 1`)
}
