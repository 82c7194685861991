package edge_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

func watch(c *edgetest.Client, users ...wire.UserID) map[wire.UserID]bool {
	return edgetest.Must[wire.PresenceOK](c, wire.OpPresence, wire.PresenceArgs{Users: users}).Online
}

func awaitPresence(c *edgetest.Client, user wire.UserID, online bool) {
	edgetest.Await(c, wire.EvPresence, func(e wire.PresenceEvent) bool { return e.User == user && e.Online == online })
}

// presences lists what the client was told of a user, in order.
func presences(t *testing.T, c *edgetest.Client, user wire.UserID) []bool {
	t.Helper()
	var list []bool
	for _, e := range c.Events(wire.EvPresence) {
		if ev := decode[wire.PresenceEvent](t, e); ev.User == user {
			list = append(list, ev.Online)
		}
	}
	return list
}

func TestPresenceTellsWhoIsOnline(t *testing.T) {
	m := oneNode(t, 3)
	here, there := edgetest.Connect(t, m.Edges[0], "here"), edgetest.Connect(t, m.Edges[1], "there")
	_ = edgetest.Connect(t, m.Edges[2], "far")
	for i, n := range m.Edges {
		w := edgetest.Connect(t, n, "watcher")
		got := watch(w, "here", "there", "far", "nobody", "watcher", "*", "a.>")
		want := map[wire.UserID]bool{"here": true, "there": true, "far": true, "nobody": false, "watcher": true, "*": false, "a.>": false}
		if !maps.Equal(got, want) {
			t.Errorf("on edge %d online are %v, want %v", i, got, want)
		}
		if a := w.Ask(50, `{"id":50,"op":"presence","users":[]}`); a.Error != nil {
			t.Errorf("watching nobody: %v", a.Error)
		}
	}
	if got := append(here.Events(""), there.Events("")...); len(got) != 0 {
		t.Errorf("the watched hear %s", got[0].Raw)
	}
}

// TestPresenceFollowsDevices: a user is online as long as any device is, whatever edge it is on.
func TestPresenceFollowsDevices(t *testing.T) {
	m := oneNode(t, 3)
	var watchers []*edgetest.Client
	for _, n := range m.Edges {
		w := edgetest.Connect(t, n, "w"+string(n.Bus.Edge()))
		if got := watch(w, "ann", "flag", "mark"); len(got) != 3 || got["ann"] || got["flag"] || got["mark"] {
			t.Fatalf("online are %v", got)
		}
		watchers = append(watchers, w)
	}
	phone := edgetest.Connect(t, m.Edges[0], "ann")
	for _, w := range watchers {
		awaitPresence(w, "ann", true)
	}
	laptop := edgetest.Connect(t, m.Edges[1], "ann")
	// What comes of another user from the same edge shows that nothing is under way of this one.
	edgetest.Connect(t, m.Edges[1], "mark")
	for _, w := range watchers {
		awaitPresence(w, "mark", true)
	}
	tablet := edgetest.Connect(t, m.Edges[0], "ann")
	phone.Close()
	tablet.Close()
	flag := edgetest.Connect(t, m.Edges[0], "flag")
	for i, w := range watchers {
		awaitPresence(w, "flag", true)
		if got := presences(t, w, "ann"); len(got) != 1 || !got[0] {
			t.Errorf("watcher %d, with a device left, was told %v", i, got)
		}
	}
	laptop.Close()
	flag.Close()
	for i, w := range watchers {
		awaitPresence(w, "ann", false)
		awaitPresence(w, "flag", false)
		if got := presences(t, w, "ann"); len(got) != 2 {
			t.Errorf("watcher %d was told %v", i, got)
		}
		if got := watch(w, "ann"); got["ann"] {
			t.Errorf("watcher %d finds ann online", i)
		}
	}
	edgetest.Connect(t, m.Edges[2], "ann")
	for _, w := range watchers {
		edgetest.Eventually(t, "online again", func() bool { return slices.Equal(presences(t, w, "ann"), []bool{true, false, true}) })
	}
}

// TestPresenceInTheGrace: who has lost the connection is online until the grace is over, and a resume on another edge is no absence.
func TestPresenceInTheGrace(t *testing.T) {
	m := oneNode(t, 2)
	w := edgetest.Connect(t, m.Edges[1], "watcher")
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	if got := watch(w, "ann", "flag"); !got["ann"] {
		t.Fatalf("online are %v", got)
	}
	ann.Cut()
	ann = ann.Resume(m.Edges[1])
	ann.Cut()
	ann = ann.Resume(m.Edges[0])
	for _, n := range m.Edges {
		edgetest.Connect(t, n, "flag").Close()
	}
	awaitPresence(w, "flag", true)
	awaitPresence(w, "flag", false)
	if got := presences(t, w, "ann"); slices.Contains(got, false) {
		t.Errorf("over two resumes the watcher was told %v", got)
	}
	if got := watch(w, "ann"); !got["ann"] {
		t.Error("after two resumes ann is offline")
	}
	ann.Close()
	awaitPresence(w, "ann", false)
}

func TestPresenceIsBounded(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Presence = 5 }))
	w := edgetest.Connect(t, m.Edges[0], "watcher")
	watch(w, "a", "b", "c")
	watch(w, "a", "a", "b", "c", "d") // who is watched already does not count twice
	for _, users := range [][]wire.UserID{{"e", "f"}, {"a", "e", "f"}, {"g", "h", "i", "j", "k", "l", "m"}} {
		n := 4 + len(users)
		switch users[0] {
		case "a":
			n--
		case "g":
			n = len(users) // more than the limit by themselves: not compared with those watched
		}
		wantError(t, fmt.Sprint(users), w.Do(wire.OpPresence, wire.PresenceArgs{Users: users}), wire.CodeTooLarge,
			fmt.Sprintf("the session would watch %d users: want at most 5", n))
	}
	watch(w, "e")
	edgetest.Connect(t, m.Edges[0], "f").Close()
	edgetest.Connect(t, m.Edges[0], "e").Close()
	awaitPresence(w, "e", false)
	if got := presences(t, w, "f"); len(got) != 0 {
		t.Errorf("a refused watch was kept: %v", got)
	}
}
