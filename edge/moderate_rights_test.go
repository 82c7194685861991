package edge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

func TestWhoMayKickAndLock(t *testing.T) {
	m := oneNode(t, 1)
	n := m.Edges[0]
	_, _, body := postGuest(t, n, `{"name":"Gus"}`)
	var guest edge.GuestOK
	noError(t, json.Unmarshal([]byte(body), &guest))
	eve := edgetest.Connect(t, n, "eve")
	join(eve, "r")
	const notHere, notMesh = "the session's token does not moderate this room", "only a token that moderates every room may do that to the whole mesh: name a room"
	for _, tt := range []struct {
		name, token       string
		room, other, mesh bool
	}{
		{"nobody", token(t, "x"), false, false, false},
		{"a guest", guest.Token, false, false, false},
		{"a moderator of the room", edgetest.ModeratorToken(t, "x", "r"), true, false, false},
		{"a moderator of two rooms", edgetest.ModeratorToken(t, "x", "other", "r"), true, true, false},
		{"a moderator of another room", edgetest.ModeratorToken(t, "x", "R"), false, false, false},
		{"a moderator of every room", edgetest.ModeratorToken(t, "x", "*"), true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, a := hello(t, n, wire.HelloArgs{Token: tt.token})
			if a.Error != nil {
				t.Fatal(a.Error)
			}
			defer c.Close()
			if ok := edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: "r"}); ok.Moderator != tt.room {
				t.Errorf("joining says %+v", ok)
			}
			for _, q := range []struct {
				op      wire.Op
				args    any
				may     bool
				message string
			}{
				{wire.OpKick, wire.KickArgs{Room: "r", User: "zoe"}, tt.room, notHere},
				{wire.OpKick, wire.KickArgs{Room: "other", User: "zoe"}, tt.other, notHere},
				{wire.OpKick, wire.KickArgs{User: "zoe"}, tt.mesh, notMesh},
				{wire.OpLock, wire.LockArgs{Room: "r"}, tt.room, notHere},
				{wire.OpLock, wire.LockArgs{Room: "other"}, tt.other, notHere},
			} {
				switch a := c.Do(q.op, q.args); {
				case !q.may:
					wantError(t, fmt.Sprintf("%s %+v", q.op, q.args), a, wire.CodeForbidden, q.message)
				case a.Error != nil:
					t.Errorf("%s %+v: %v", q.op, q.args, a.Error)
				}
			}
			if !tt.room {
				wantError(t, "kick of a peer", c.Do(wire.OpKick, wire.KickArgs{Room: "r", Peer: eve.Peer()}), wire.CodeForbidden, notHere)
			}
		})
	}
	join(eve, "r") // nobody has kicked her
	mod := edgetest.Moderator(t, n, "mod", "*")
	peerOf := func(room wire.RoomID, p wire.PeerID) edgetest.Answer {
		return mod.Do(wire.OpKick, wire.KickArgs{Room: room, Peer: p})
	}
	wantError(t, "from outside", peerOf("r", eve.Peer()), wire.CodeNotInRoom, "only who is in the room knows its peers: join it first, or name the user instead")
	join(mod, "r")
	for _, p := range []wire.PeerID{"x", "*", "abcdefghijklmnop", wire.PeerID(strings.Repeat("a", 10<<10))} {
		wantError(t, "a peer that is not there", peerOf("r", p), wire.CodeNoSuchPeer, "no peer of this id is in the room")
	}
	const own = "kick: this is the session's own user: leave the room instead"
	wantError(t, "oneself", peerOf("r", mod.Peer()), wire.CodeBadRequest, own)
	wantError(t, "oneself", mod.Do(wire.OpKick, wire.KickArgs{User: "mod"}), wire.CodeBadRequest, own)
	// A moderator who was kicked may come back, and who was kicked from the mesh without rights in it may not.
	second := edgetest.Moderator(t, n, "second", "r")
	join(second, "r")
	kick(t, mod, wire.KickArgs{Room: "r", Peer: second.Peer()})
	edgetest.Await[wire.KickedEvent](second, wire.EvKicked, nil)
	join(second, "r")
	kick(t, mod, wire.KickArgs{User: "second"})
	wantClose(t, "second", second, wire.CloseForbidden, "")
	_, a := hello(t, n, wire.HelloArgs{Token: edgetest.ModeratorToken(t, "second", "r")})
	wantError(t, "a moderator of one room", a, wire.CodeForbidden, "")
}

func TestRightsFollowTheToken(t *testing.T) {
	m := oneNode(t, 2)
	c := edgetest.Connect(t, m.Edges[0], "ann")
	join(c, "r")
	moderates := func(c *edgetest.Client, want bool) {
		t.Helper()
		ok := edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: "r"})
		a := c.Do(wire.OpLock, wire.LockArgs{Room: "r"})
		if ok.Moderator != want || (a.Error == nil) != want {
			t.Errorf("moderator is %t, lock gets %v; want %t", ok.Moderator, a.Error, want)
		}
	}
	refresh := func(token string) {
		t.Helper()
		edgetest.Must[wire.RefreshOK](c, wire.OpRefresh, wire.RefreshArgs{Token: token})
	}
	moderates(c, false)
	refresh(edgetest.ModeratorToken(t, "ann", "r"))
	moderates(c, true)
	refresh(edgetest.ModeratorToken(t, "ann", "another"))
	moderates(c, false)
	refresh(edgetest.ModeratorToken(t, "ann", "*"))
	moderates(c, true)
	refresh(token(t, "ann"))
	moderates(c, false)
	for i, tt := range []struct {
		token string
		want  bool
	}{
		{edgetest.ModeratorToken(t, "ann", "r"), true},
		{token(t, "ann"), false},
		{edgetest.ModeratorToken(t, "ann", "*"), true},
		{edgetest.ModeratorToken(t, "ann", "r"), true},
	} {
		c = c.ResumeWith(m.Edges[i/2%2], tt.token)
		if rooms := c.Hello.Rooms; len(rooms) != 1 || rooms[0].Moderator != tt.want || !c.Hello.Resumed {
			t.Errorf("resume %d says %+v", i, c.Hello.Rooms)
		}
		moderates(c, tt.want)
	}
}

func TestRulingsHaveARate(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.RulingRate, l.RulingBurst = 0.001, 4 }))
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "r")
	for range 2 {
		kick(t, mod, wire.KickArgs{Room: "r", User: "eve"})
		edgetest.Must[wire.Empty](mod, wire.OpLock, wire.LockArgs{Room: "r"})
	}
	const slower = "more than 0.001 kicks and locks a second: slow down"
	wantError(t, "one kick more", mod.Do(wire.OpKick, wire.KickArgs{Room: "r", User: "eve"}), wire.CodeRateLimited, slower)
	edgetest.Must[wire.RefreshOK](mod, wire.OpRefresh, wire.RefreshArgs{Token: edgetest.ModeratorToken(t, "mod", "r")})
	wantError(t, "one lock more, by another token", mod.Do(wire.OpLock, wire.LockArgs{Room: "r"}), wire.CodeRateLimited, slower)
	join(mod, "r") // is no ruling
	wantError(t, "without the right", edgetest.Connect(t, m.Edges[0], "ann").Do(wire.OpLock, wire.LockArgs{Room: "r"}), wire.CodeForbidden, "")
	wantMetrics(t, m.Edges[0], "callmesh_edge_refused_total", `callmesh_edge_refused_total{what="ruling",why="session_rate"} 2`,
		`callmesh_edge_refused_total{what="ruling",why="rights"} 1`)
}
