package edge_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// shout posts numbered messages of so many bytes each.
func shout(t *testing.T, c *edgetest.Client, room wire.RoomID, count, size int) {
	t.Helper()
	for i := range count {
		data := fmt.Sprintf(`{"n":%d,"pad":%q}`, i, strings.Repeat("x", size))
		edgetest.Must[wire.PostOK](c, wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(data)})
	}
}

// wantShouted wants all of them, once and in order.
func wantShouted(t *testing.T, c *edgetest.Client, count int) {
	t.Helper()
	edgetest.Eventually(t, fmt.Sprint(count, " posts"), func() bool { return len(c.Events(wire.EvPost)) >= count })
	for i, e := range c.Events(wire.EvPost) {
		var post struct{ Data struct{ N int } }
		noError(t, json.Unmarshal(e.Raw, &post))
		if post.Data.N != i {
			t.Fatalf("post %d came as number %d", post.Data.N, i)
		}
	}
}

// resumeUnread resumes a client's session on a socket that nobody reads.
func resumeUnread(t *testing.T, n *edgetest.Node, c *edgetest.Client, headers ...string) *rawSocket {
	t.Helper()
	s := dialRaw(t, n, headers...)
	noError(t, s.conn.(*net.TCPConn).SetReadBuffer(4096)) // the system would take megabytes itself
	frame := frame(nil, fin|opText, fmt.Sprintf(`{"id":1,"op":"hello","token":%q,"resume":{"session":%q,"key":%q,"seen":{}}}`,
		token(t, string(c.Hello.User.ID)), c.Hello.Session, c.Key()))
	noError(t, s.send(frame))
	return s
}

// TestResumesShareABudget: a reader that has let much be replayed and does not read it holds what others need. They are told to come again, and
// get all; the reader is cut off in the end.
func TestResumesShareABudget(t *testing.T) {
	const count, size = 100, 60_000
	m := oneNode(t, 1, limited(func(l *edge.Limits) {
		l.Rate, l.ByteRate, l.ByteBurst = 1000, 1<<30, 1<<30
		l.ReplayBudget, l.ReplayWait, l.ReplayWindow = 8<<20, 200*time.Millisecond, 6*time.Second
	}))
	n := m.Edges[0]
	ann, ben, cid := edgetest.Connect(t, n, "ann"), edgetest.Connect(t, n, "ben"), edgetest.Connect(t, n, "cid")
	for _, c := range []*edgetest.Client{ann, ben, cid} {
		join(c, "r")
	}
	ben.Cut()
	cid.Cut()
	shout(t, ann, "r", count, size)
	resumeUnread(t, n, ben)
	edgetest.Eventually(t, "a resume has borrowed", func() bool { return value(t, n, "replay_bytes", "") > 3<<20 })
	if used := value(t, n, "replay_bytes", ""); used > value(t, n, "limit", `of="replay_bytes"`) {
		t.Errorf("%v bytes are lent, more than there are", used)
	}
	refused, a := cid.TryResume(n)
	wantError(t, "a resume that finds nothing left", a, wire.CodeUnavailable, "too many resumes at once: connect again in a moment")
	wantClose(t, "a resume that finds nothing left", refused, wire.CloseBusLost, "")
	wantRefused(t, n, "resume", "busy", 1)
	edgetest.Eventually(t, "who does not read is cut off", func() bool { return value(t, n, "replay_bytes", "") == 0 })
	again := cid.Resume(n)
	if !again.Hello.Resumed {
		t.Error("the resume is not whole")
	}
	wantShouted(t, again, count)
	edgetest.Eventually(t, "what was written is paid back", func() bool { return value(t, n, "replay_bytes", "") == 0 })
	if got := value(t, n, "closes_total", `why="slow"`); got != 1 {
		t.Errorf("%v slow readers were cut off, want 1", got)
	}
}

// TestManyResumesOneAfterAnother need three times the budget together: they wait for each other, and each is whole.
func TestManyResumesOneAfterAnother(t *testing.T) {
	const count, size, people = 30, 50_000, 6
	m := oneNode(t, 1, limited(func(l *edge.Limits) {
		l.Rate, l.ByteRate, l.ByteBurst = 1000, 1<<30, 1<<30
		l.ReplayBudget, l.ReplayWait = 3<<20, 10*time.Second
	}))
	n := m.Edges[0]
	ann := edgetest.Connect(t, n, "ann")
	join(ann, "r")
	var all []*edgetest.Client
	for i := range people {
		c := edgetest.Connect(t, n, fmt.Sprint("user", i))
		join(c, "r")
		all = append(all, c)
	}
	for _, c := range all {
		c.Cut()
	}
	shout(t, ann, "r", count, size)
	var answers []<-chan edgetest.Answer
	for i, c := range all {
		next, answer := c.StartResume(n)
		all[i] = next
		answers = append(answers, answer)
	}
	for i, c := range all {
		var ok wire.HelloOK
		a := edgetest.Answered(t, wire.OpHello, answers[i])
		if a.Error != nil {
			t.Fatalf("resume %d: %v", i, a.Error)
		}
		noError(t, json.Unmarshal(a.OK, &ok))
		if !ok.Resumed {
			t.Errorf("resume %d is not whole", i)
		}
		wantShouted(t, c, count)
	}
	edgetest.Eventually(t, "all is paid back", func() bool { return value(t, n, "replay_bytes", "") == 0 })
}

// TestOneAddressHasAPartOfTheBudget: what it holds unread hinders nobody else.
func TestOneAddressHasAPartOfTheBudget(t *testing.T) {
	const count, size = 100, 60_000
	m := oneNode(t, 1, proxied(func(l *edge.Limits) {
		l.Rate, l.ByteRate, l.ByteBurst, l.ReplayWait = 1000, 1<<30, 1<<30, 200*time.Millisecond
		l.ReplayBudget, l.Address.ReplayBytes = 64<<20, 8<<20
	}))
	n := m.Edges[0]
	ann := edgetest.Connect(t, n, "ann")
	eve, eve2 := edgetest.ConnectFrom(t, n, "eve", from("192.0.2.66")), edgetest.ConnectFrom(t, n, "eve", from("192.0.2.66"))
	cid := edgetest.ConnectFrom(t, n, "cid", from("192.0.2.1"))
	for _, c := range []*edgetest.Client{ann, eve, eve2, cid} {
		join(c, "r")
	}
	for _, c := range []*edgetest.Client{eve, eve2, cid} {
		c.Cut()
	}
	shout(t, ann, "r", count, size)
	resumeUnread(t, n, eve, "X-Forwarded-For: 192.0.2.66")
	edgetest.Eventually(t, "a resume has borrowed", func() bool { return value(t, n, "replay_bytes", "") > 3<<20 })
	_, a := eve2.TryResumeFrom(n, from("192.0.2.66"))
	wantError(t, "a second of the same address", a, wire.CodeUnavailable, "too many resumes at once: connect again in a moment")
	next, a := cid.TryResumeFrom(n, from("192.0.2.1"))
	if a.Error != nil || !strings.Contains(string(a.OK), `"resumed":true`) {
		t.Errorf("another address: %s, %v", a.OK, a.Error)
	}
	wantShouted(t, next, count)
}

// TestNoTurnToResume waits for a turn that never comes, and says so in time.
func TestNoTurnToResume(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	m := edgetest.Start(t, "eu", []string{url, url})
	busy := edgetest.NewNode(t, "eu", url, limited(func(l *edge.Limits) { l.Replays, l.ReplayWait = 0, 100*time.Millisecond }))
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	join(ann, "r")
	ann.Cut()
	refused, a := ann.TryResume(busy)
	wantError(t, "no turn", a, wire.CodeUnavailable, "too many resumes at once: connect again in a moment")
	wantClose(t, "no turn", refused, wire.CloseBusLost, "")
	if again := ann.Resume(m.Edges[1]); !again.Hello.Resumed {
		t.Error("on another edge it is not whole")
	}
}

// TestAResumeOfTooMuch is told that it is not whole, and the reading ends where the bound is.
func TestAResumeOfTooMuch(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.ReplayBytes = 200_000 }))
	n := m.Edges[0]
	ann, ben := edgetest.Connect(t, n, "ann"), edgetest.Connect(t, n, "ben")
	join(ann, "r")
	join(ben, "r")
	ben.Cut()
	shout(t, ann, "r", 20, 50_000)
	again := ben.Resume(n)
	if again.Hello.Resumed || len(again.Hello.Rooms) != 1 || len(again.Hello.Rooms[0].Peers) != 1 {
		t.Errorf("got %+v", again.Hello)
	}
	wantRefused(t, n, "resume", "too_much", 1)
	if used := value(t, n, "replay_bytes", ""); used != 0 {
		t.Errorf("%v bytes are still lent", used)
	}
	say(t, ann, "r", 0, 3)
	wantHeard(t, 3, again)
}
