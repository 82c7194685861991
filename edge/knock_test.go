package edge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

const makersSecret = "a secret of the room's maker ~"

func moderate(c *edgetest.Client, room wire.RoomID, secret string) edgetest.Answer {
	return c.Do(wire.OpModerate, wire.ModerateArgs{Room: room, Secret: secret})
}

func lock(c *edgetest.Client, room wire.RoomID, locked bool) {
	edgetest.Must[wire.Empty](c, wire.OpLock, wire.LockArgs{Room: room, Locked: locked})
}

func TestMakersModerateTheirRoom(t *testing.T) {
	m := three(t)
	room := wire.MadeRoom(makersSecret)
	ann, eve := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "eve")
	if ok := edgetest.Must[wire.JoinOK](ann, wire.OpJoin, wire.JoinArgs{Room: room}); ok.Moderator {
		t.Error("without the secret one moderates")
	}
	join(eve, room)
	const wrong = "this secret does not moderate this room"
	wantError(t, "a wrong secret", moderate(eve, room, makersSecret+"!"), wire.CodeForbidden, wrong)
	wantError(t, "a room of another form", moderate(eve, "lobby", makersSecret), wire.CodeForbidden, wrong)
	wantError(t, "a room in capitals", moderate(eve, wire.RoomID(strings.ToUpper(string(room))), makersSecret), wire.CodeForbidden, wrong)
	wantError(t, "a lock of a stranger", eve.Do(wire.OpLock, wire.LockArgs{Room: room, Locked: true}), wire.CodeForbidden, "")
	if a := moderate(ann, room, makersSecret); a.Error != nil {
		t.Fatalf("the maker: %v", a.Error)
	}
	wantError(t, "another room", ann.Do(wire.OpLock, wire.LockArgs{Room: "lobby", Locked: true}), wire.CodeForbidden, "")
	wantError(t, "the mesh", ann.Do(wire.OpKick, wire.KickArgs{User: "eve"}), wire.CodeForbidden, "")
	meet(ann, eve)
	kick(t, ann, wire.KickArgs{Room: room, Peer: eve.Peer()})
	seesKicked(ann, eve)
	barred(t, eve, room, keptOut)
	lock(ann, room, true)
	shut(t, edgetest.Connect(t, m.Edges[2], "cid"), room)
	// A resume keeps it, on whatever edge, though the token has no such claim.
	ann.Cut()
	ann = ann.Resume(m.Edges[2])
	if rooms := ann.Hello.Rooms; len(rooms) != 1 || !rooms[0].Moderator || !rooms[0].Locked {
		t.Errorf("it resumes into %+v", rooms)
	}
	lock(ann, room, false)
	admitted(t, edgetest.Connect(t, m.Edges[1], "cid"), room)
	again := edgetest.Connect(t, m.Edges[1], "ann") // another session of the same user shows it itself
	if ok := edgetest.Must[wire.JoinOK](again, wire.OpJoin, wire.JoinArgs{Room: room}); ok.Moderator {
		t.Error("a session moderates by the secret that another has shown")
	}
}

func TestMakersHaveLimits(t *testing.T) {
	n := oneNode(t, 1, limited(func(l *edge.Limits) {
		l.Rooms, l.LimitLoopback, l.Address.RulingRate, l.Address.RulingBurst = 2, true, 0.001, 3
	})).Edges[0]
	ann := edgetest.Connect(t, n, "ann")
	for i := range 3 {
		secret := fmt.Sprint(makersSecret, i)
		a := moderate(ann, wire.MadeRoom(secret), secret)
		if i == 2 {
			wantError(t, "a room too many", a, wire.CodeRoomFull, "")
		} else if a.Error != nil {
			t.Error(a.Error)
		}
	}
	room := wire.MadeRoom(makersSecret + "0")
	lock(ann, room, true)
	lock(ann, room, false)
	kick(t, ann, wire.KickArgs{Room: room, User: "eve"})
	wantError(t, "a decision too many", ann.Do(wire.OpLock, wire.LockArgs{Room: room, Locked: true}), wire.CodeRateLimited,
		"more than 0.001 kicks and locks a second from the address that this session comes from: slow down")
	mod := edgetest.Moderator(t, n, "mod", "*")
	for range 5 { // whom the operator gave the right is not meant
		lock(mod, "lobby", true)
	}
}

// shut waits until the client's edge knows that the room is locked. A join before that would succeed, and stay.
func shut(t *testing.T, c *edgetest.Client, room wire.RoomID) {
	t.Helper()
	edgetest.Eventually(t, "the lock is known", func() bool {
		a := c.Do(wire.OpKnock, wire.KnockArgs{Room: room})
		return a.Error == nil || a.Error.Code != wire.CodeBadRequest
	})
	barred(t, c, room, "the room is locked")
}

// knocked waits until a moderator sees the client knock.
func knocked(mod, c *edgetest.Client, room wire.RoomID) wire.KnockEvent {
	return edgetest.Await(mod, wire.EvKnock, func(e wire.KnockEvent) bool { return e.Room == room && e.Peer == c.Peer() })
}

// knock waits until the client's edge has heard that the room is locked.
func knock(t *testing.T, c *edgetest.Client, room wire.RoomID) {
	t.Helper()
	edgetest.Eventually(t, "the knock is heard", func() bool {
		a := c.Do(wire.OpKnock, wire.KnockArgs{Room: room})
		if a.Error != nil && a.Error.Code != wire.CodeBadRequest && a.Error.Code != wire.CodeOffline {
			t.Fatalf("knocking: %v", a.Error)
		}
		return a.Error == nil
	})
}

func TestKnocking(t *testing.T) {
	m := three(t)
	room := wire.MadeRoom(makersSecret)
	ann, mod := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Moderator(t, m.Edges[1], "mod", string(room))
	bob, eve := edgetest.Connect(t, m.Edges[2], "bob"), edgetest.Connect(t, m.Edges[0], "eve")
	wantError(t, "a room that is not locked", bob.Do(wire.OpKnock, wire.KnockArgs{Room: room}), wire.CodeBadRequest, "")
	if a := moderate(ann, room, makersSecret); a.Error != nil {
		t.Fatal(a.Error)
	}
	lock(ann, room, true)
	shut(t, bob, room)
	wantError(t, "nobody there", bob.Do(wire.OpKnock, wire.KnockArgs{Room: room}), wire.CodeOffline, "no moderator is in the room")
	join(ann, room)
	join(mod, room)
	knock(t, bob, room)
	for _, c := range []*edgetest.Client{ann, mod} {
		if e := knocked(c, bob, room); e.User != (wire.User{ID: "bob", Name: "bob"}) {
			t.Errorf("knocks: %+v", e)
		}
	}
	admit := func(c *edgetest.Client, peer wire.PeerID, accept bool) edgetest.Answer {
		return c.Do(wire.OpAdmit, wire.AdmitArgs{Room: room, Peer: peer, Accept: accept})
	}
	wantError(t, "an answer of a stranger", admit(eve, bob.Peer(), true), wire.CodeForbidden, "")
	wantError(t, "of who does not knock", admit(ann, eve.Peer(), true), wire.CodeGone, "")
	wantError(t, "of no peer", admit(ann, "no.*.>", true), wire.CodeGone, "")
	if a := admit(mod, bob.Peer(), false); a.Error != nil {
		t.Fatal(a.Error)
	}
	if e := edgetest.Await(bob, wire.EvAdmitted, func(e wire.AdmittedEvent) bool { return e.Room == room }); e.Accept || e.Pass != "" {
		t.Errorf("who is refused hears %+v", e)
	}
	if a := admit(ann, bob.Peer(), true); a.Error != nil {
		t.Fatal(a.Error)
	}
	pass := edgetest.Await(bob, wire.EvAdmitted, func(e wire.AdmittedEvent) bool { return e.Accept }).Pass
	if got := len(eve.Events(wire.EvKnock)) + len(eve.Events(wire.EvAdmitted)) + len(bob.Events(wire.EvKnock)); got > 0 {
		t.Errorf("%d events came to others", got)
	}
	with := func(c *edgetest.Client, room wire.RoomID, pass string) edgetest.Answer {
		return c.Do(wire.OpJoin, wire.JoinArgs{Room: room, Pass: pass})
	}
	const noGood = "the room is locked, and the pass is not good for it, or no longer"
	lock(mod2(t, m), "other", true)
	shut(t, bob, "other")
	wantError(t, "another's pass", with(eve, room, pass), wire.CodeForbidden, noGood)
	wantError(t, "another room's pass", with(bob, "other", pass), wire.CodeForbidden, noGood)
	at := len(pass) - 5 // of the last characters not all bits count
	other := "a"
	if pass[at:at+1] == other {
		other = "b"
	}
	forged := pass[:at] + other + pass[at+1:]
	wantError(t, "a forged pass", with(bob, room, forged), wire.CodeForbidden, noGood)
	code := edgetest.Must[wire.InviteOK](bob, wire.OpInvite, wire.InviteArgs{}).Code
	wantError(t, "an invitation for a pass", with(bob, room, code), wire.CodeForbidden, noGood)
	bob.Cut() // it is the user's, on whatever edge
	bob = bob.Resume(m.Edges[0])
	if a := with(bob, room, pass); a.Error != nil {
		t.Fatalf("with the pass: %v", a.Error)
	}
	// A kick outweighs a pass from before it, though it keeps nobody out for longer.
	kick(t, ann, wire.KickArgs{Room: room, Peer: bob.Peer(), ForSeconds: seconds(0)})
	edgetest.Await(bob, wire.EvKicked, func(e wire.KickedEvent) bool { return e.Room == room })
	wantError(t, "after a kick", with(bob, room, pass), wire.CodeForbidden, noGood)
	kick(t, ann, wire.KickArgs{Room: room, User: "bob"})
	edgetest.Eventually(t, "who is kept out cannot knock", func() bool {
		a := bob.Do(wire.OpKnock, wire.KnockArgs{Room: room})
		return a.Error != nil && a.Error.Code == wire.CodeForbidden
	})
}

func mod2(t *testing.T, m *edgetest.Mesh) *edgetest.Client {
	return edgetest.Moderator(t, m.Edges[0], "mod2", "other")
}

// TestAKnockFindsAModeratorWhoMoves: it is told through the inbox, where a resume on another edge finds it.
func TestAKnockFindsAModeratorWhoMoves(t *testing.T) {
	m := oneNode(t, 2)
	mod, bob := edgetest.Moderator(t, m.Edges[0], "mod", "r"), edgetest.Connect(t, m.Edges[1], "bob")
	join(mod, "r")
	lock(mod, "r", true)
	shut(t, bob, "r")
	mod.Cut()
	knock(t, bob, "r")
	mod = mod.ResumeWith(m.Edges[1], edgetest.ModeratorToken(t, "mod", "r"))
	knocked(mod, bob, "r")
	knock(t, bob, "r") // as it waits still
	edgetest.Must[wire.Empty](mod, wire.OpAdmit, wire.AdmitArgs{Room: "r", Peer: bob.Peer(), Accept: true})
	pass := edgetest.Await(bob, wire.EvAdmitted, func(e wire.AdmittedEvent) bool { return e.Accept }).Pass
	edgetest.Must[wire.JoinOK](bob, wire.OpJoin, wire.JoinArgs{Room: "r", Pass: pass})
}

func TestKnocksAreBounded(t *testing.T) {
	n := oneNode(t, 1, limited(func(l *edge.Limits) { l.LimitLoopback, l.KnockRate, l.KnockBurst = true, 0.001, 3 })).Edges[0]
	mod := edgetest.Moderator(t, n, "mod", "r")
	join(mod, "r")
	lock(mod, "r", true)
	phone, laptop := edgetest.Connect(t, n, "bob"), edgetest.Connect(t, n, "bob")
	for _, c := range []*edgetest.Client{phone, laptop, phone} {
		before := time.Now()
		ok := edgetest.Must[wire.KnockOK](c, wire.OpKnock, wire.KnockArgs{Room: "r"})
		if left := time.UnixMilli(ok.ExpiresAt).Sub(before); left < 59*time.Second || left > 62*time.Second {
			t.Errorf("it can be answered for %v", left)
		}
	}
	wantError(t, "a knock too many", laptop.Do(wire.OpKnock, wire.KnockArgs{Room: "r"}), wire.CodeRateLimited, "more than 0.001 knocks a second from this user: slow down")
	// Many users together have the room's own bound.
	busy := 0
	for i := range 70 {
		a := edgetest.Connect(t, n, fmt.Sprint("u", i)).Do(wire.OpKnock, wire.KnockArgs{Room: "r"})
		if a.Error != nil {
			wantError(t, "a knock at a door where many knock", a, wire.CodeRateLimited, "too many knock at this room: wait a moment")
			busy++
		}
	}
	if busy == 0 {
		t.Error("70 users knock at one door, and none is told to wait")
	}
}
