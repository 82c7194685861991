package edge_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// proxied makes the test a trusted proxy, so that it can speak for any address; this machine itself has no limits.
func proxied(change func(*edge.Limits)) edgetest.Config {
	return func(_ *bus.Options, o *edge.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		change(&o.Limits)
	}
}

// value reads a metric whose labels are given as in `what="join",why="full"`.
func value(t testing.TB, n *edgetest.Node, name, labels string) float64 {
	t.Helper()
	families, err := n.Registry.Gather()
	noError(t, err)
	for _, f := range families {
		if f.GetName() != "callmesh_edge_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			if strings.Join(got, ",") == labels {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s{%s}", name, labels)
	return 0
}

func wantRefused(t testing.TB, n *edgetest.Node, what, why string, times float64) {
	t.Helper()
	if got := value(t, n, "refused_total", fmt.Sprintf("what=%q,why=%q", what, why)); got != times {
		t.Errorf("refused %s for %s: %v times, want %v", what, why, got, times)
	}
}

// dialFrom opens a WebSocket from an address, and leaves it open if it may.
func dialFrom(t *testing.T, n *edgetest.Node, from string) (status int, retry, body string) {
	t.Helper()
	ws, res, err := websocket.Dial(t.Context(), n.URL, &websocket.DialOptions{
		Subprotocols: []string{wire.Subprotocol}, HTTPHeader: http.Header{"X-Forwarded-For": {from}},
	})
	if res == nil {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { _ = ws.CloseNow() })
		return res.StatusCode, "", ""
	}
	b, err := io.ReadAll(res.Body)
	noError(t, err)
	return res.StatusCode, res.Header.Get("Retry-After"), strings.TrimSpace(string(b))
}

// wantRetry holds what a client is told to wait to the time until the next is allowed, which has been going on since the first.
func wantRetry(t *testing.T, got string, every time.Duration, since time.Time) {
	t.Helper()
	seconds, err := strconv.Atoi(got)
	if most, least := every, every-time.Since(since); err != nil || seconds > int(most.Seconds()) || seconds < int(least.Seconds()) {
		t.Errorf("Retry-After %q: want %v, less the %v that have gone by", got, every, time.Since(since))
	}
}

func from(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

func TestConnectsPerAddress(t *testing.T) {
	m := oneNode(t, 1, proxied(func(l *edge.Limits) { l.Address.ConnectRate, l.Address.ConnectBurst = 0.01, 3 }))
	n, begun := m.Edges[0], time.Now()
	for i := range 3 {
		if status, _, body := dialFrom(t, n, "192.0.2.1"); status != http.StatusSwitchingProtocols {
			t.Fatalf("connection %d: %d %s", i, status, body)
		}
	}
	status, retry, body := dialFrom(t, n, "192.0.2.1")
	if status != http.StatusTooManyRequests || body != "too many connections a second from your address: wait a moment" {
		t.Errorf("over the burst: %d, %q", status, body)
	}
	wantRetry(t, retry, 100*time.Second, begun)
	// What a client writes itself stands further left, and does not make it another.
	for _, forged := range []string{"198.51.100.7, 192.0.2.1", "127.0.0.1, 192.0.2.1", "192.0.2.1:4711", "::ffff:192.0.2.1", "198.51.100.7, 192.0.2.1, 127.0.0.9"} {
		if status, _, _ := dialFrom(t, n, forged); status != http.StatusTooManyRequests {
			t.Errorf("as %q: %d", forged, status)
		}
	}
	if status, _, body := dialFrom(t, n, "192.0.2.2"); status != http.StatusSwitchingProtocols {
		t.Errorf("another address: %d %s", status, body)
	}
	wantRefused(t, n, "connect", "address_rate", 6)
	for range 10 { // this machine itself
		edgetest.Dial(t, n.URL)
	}
	if got := value(t, n, "addresses_known", ""); got != 2 {
		t.Errorf("%v addresses are known, want 2", got)
	}
}

func TestSocketsPerAddress(t *testing.T) {
	m := oneNode(t, 1, proxied(func(l *edge.Limits) { l.Address.Sockets = 2; l.Address.Waiting = 1 }))
	n := m.Edges[0]
	// Both are of one /64, which is one customer.
	first := edgetest.DialFrom(t, n.URL, from("2001:db8::1"))
	if status, retry, body := dialFrom(t, n, "2001:db8::2"); status != 429 || retry != "10" || body != "too many connections from your address have not said hello: wait a moment" {
		t.Errorf("a second that waits: %d, %q, %q", status, retry, body)
	}
	first.Greet("ann")
	second := edgetest.DialFrom(t, n.URL, from("2001:db8::2"))
	second.Greet("ann")
	if status, _, body := dialFrom(t, n, "2001:db8::3"); status != 429 || body != "too many connections from your address: close some first" {
		t.Errorf("a third: %d, %q", status, body)
	}
	other := edgetest.DialFrom(t, n.URL, from("2001:db8:0:1::1"))
	other.Greet("ben")
	second.Close()
	edgetest.Eventually(t, "a place is free again", func() bool {
		status, _, _ := dialFrom(t, n, "2001:db8::3")
		return status == http.StatusSwitchingProtocols
	})
}

func TestWaitingSocketsAreBounded(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Waiting = 2 }))
	n := m.Edges[0]
	a := edgetest.Dial(t, n.URL)
	edgetest.Dial(t, n.URL)
	if status, body := dial(t, n, []string{wire.Subprotocol}); status != 503 || body != "this edge waits for too many to say hello: connect to another" {
		t.Errorf("got %d %q", status, body)
	}
	wantRefused(t, n, "connect", "waiting", 1)
	a.Greet("ann")
	edgetest.Connect(t, n, "ben").Close()
	if got := value(t, n, "sockets_waiting", ""); got != 1 {
		t.Errorf("%v wait, want 1", got)
	}
}

func TestGuestsPerAddress(t *testing.T) {
	m := oneNode(t, 1, proxied(func(l *edge.Limits) { l.Address.GuestRate, l.Address.GuestBurst = 0.1, 2 }))
	n := m.Edges[0]
	mint := func(header, from string) (int, http.Header, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.HTTP+"/v1/guest", strings.NewReader(`{"name":"Ann"}`))
		noError(t, err)
		req.Header.Set(header, from)
		res, err := http.DefaultClient.Do(req)
		noError(t, err)
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		noError(t, err)
		return res.StatusCode, res.Header, string(b)
	}
	begun := time.Now()
	for range 2 {
		if status, _, body := mint("X-Forwarded-For", "192.0.2.1"); status != 200 {
			t.Fatalf("got %d %s", status, body)
		}
	}
	status, header, body := mint("X-Forwarded-For", "192.0.2.1")
	wantRetry(t, header.Get("Retry-After"), 10*time.Second, begun)
	if status != 429 || !strings.Contains(body, `"rate_limited"`) {
		t.Errorf("got %d %v %s", status, header, body)
	}
	if status, _, body := mint("X-Forwarded-For", "192.0.2.9"); status != 200 {
		t.Errorf("another address: %d %s", status, body)
	}
	// The other header is the client's word, as this proxy does not write it.
	for range 5 {
		if status, _, body := mint("Forwarded", "for=192.0.2.1"); status != 200 {
			t.Errorf("this machine: %d %s", status, body)
		}
	}
	wantRefused(t, n, "guest", "address_rate", 1)
}

func TestOpsPerAddress(t *testing.T) {
	m := oneNode(t, 1, proxied(func(l *edge.Limits) {
		l.Address.JoinRate, l.Address.JoinBurst = 0.01, 3
		l.Address.CallRate, l.Address.CallBurst = 0.01, 2
		l.Address.HistoryRate, l.Address.HistoryBurst = 0.01, 2
	}))
	n := m.Edges[0]
	ann, ben := edgetest.ConnectFrom(t, n, "ann", from("192.0.2.1")), edgetest.ConnectFrom(t, n, "ben", from("192.0.2.1"))
	cid := edgetest.ConnectFrom(t, n, "cid", from("192.0.2.2"))
	join(ann, "a")
	join(ben, "b")
	join(ann, "c")
	wantError(t, "a join too many", ben.Do(wire.OpJoin, wire.JoinArgs{Room: "d"}), wire.CodeRateLimited, "more than 0.01 joins a second from the address that this session comes from: slow down")
	join(cid, "d")
	for range 2 {
		wantError(t, "a call", ann.Do(wire.OpCall, wire.CallArgs{To: "nobody", Media: wire.MediaAudio}), wire.CodeOffline, "")
	}
	wantError(t, "a call too many", ben.Do(wire.OpCall, wire.CallArgs{To: "nobody", Media: wire.MediaAudio}), wire.CodeRateLimited, "more than 0.01 calls a second from the address that this session comes from: slow down")
	wantError(t, "another's call", cid.Do(wire.OpCall, wire.CallArgs{To: "nobody", Media: wire.MediaAudio}), wire.CodeOffline, "")
	for range 2 {
		edgetest.Must[wire.HistoryOK](ann, wire.OpHistory, wire.HistoryArgs{Room: "a"})
	}
	wantError(t, "a page too many", ben.Do(wire.OpHistory, wire.HistoryArgs{Room: "b"}), wire.CodeRateLimited, "")
	wantRefused(t, n, "join", "address_rate", 1)
	wantRefused(t, n, "call", "address_rate", 1)
	wantRefused(t, n, "history", "address_rate", 1)
}

// TestJoinsPerSession holds on this machine too.
func TestJoinsPerSession(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) {
		l.JoinRate, l.JoinBurst, l.Rooms, l.Peers = 0.01, 5, 2, 1
		l.HistoryRate, l.HistoryBurst = 0.01, 1
	}))
	n := m.Edges[0]
	ann, ben := edgetest.Connect(t, n, "ann"), edgetest.Connect(t, n, "ben")
	join(ann, "a")
	join(ann, "b")
	wantError(t, "a room too many", ann.Do(wire.OpJoin, wire.JoinArgs{Room: "c"}), wire.CodeRoomFull, "")
	wantError(t, "a full room", ben.Do(wire.OpJoin, wire.JoinArgs{Room: "a"}), wire.CodeRoomFull, "")
	join(ann, "a")
	join(ann, "a")
	wantError(t, "a join too many", ann.Do(wire.OpJoin, wire.JoinArgs{Room: "a"}), wire.CodeRateLimited, "more than 0.01 joins a second from this session: slow down")
	edgetest.Must[wire.HistoryOK](ann, wire.OpHistory, wire.HistoryArgs{Room: "a"})
	wantError(t, "a page too many", ann.Do(wire.OpHistory, wire.HistoryArgs{Room: "a"}), wire.CodeRateLimited, "more than 0.01 pages of history a second from this session: slow down")
	for _, r := range []struct{ what, why string }{{"join", "session_rate"}, {"join", "session_full"}, {"join", "full"}, {"history", "session_rate"}} {
		wantRefused(t, n, r.what, r.why, 1)
	}
}

func TestSessionsPerUser(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.UserSessions = 2; l.Sessions = 4 }))
	n := m.Edges[0]
	a1, a2 := edgetest.Connect(t, n, "ann"), edgetest.Connect(t, n, "ann")
	c, a := hello(t, n, wire.HelloArgs{Token: token(t, "ann")})
	wantError(t, "a third of hers", a, wire.CodeForbidden, "the user has 2 sessions here, which is the limit: close some first")
	wantClose(t, "a third of hers", c, wire.CloseForbidden, "")
	edgetest.Connect(t, n, "ben")
	edgetest.Connect(t, n, "cid")
	c, a = hello(t, n, wire.HelloArgs{Token: token(t, "dan")})
	wantError(t, "a fifth", a, wire.CodeUnavailable, "this edge is full: connect to another")
	wantClose(t, "a fifth", c, wire.CloseBusLost, "")
	wantRefused(t, n, "hello", "user_full", 1)
	wantRefused(t, n, "hello", "full", 1)
	// Whoever resumes is let in, whatever stands.
	a1.Cut()
	if again := a1.Resume(n); !again.Hello.Resumed {
		t.Error("a resume was not whole")
	}
	a2.Close()
	edgetest.Eventually(t, "there is room again", func() bool { return value(t, n, "sessions", "") == 3 })
	edgetest.Connect(t, n, "ann")
}

// TestSessionsPerUserAtOnce says hello many times at the same moment.
func TestSessionsPerUserAtOnce(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.UserSessions = 3 }))
	n := m.Edges[0]
	var clients []*edgetest.Client
	for range 12 {
		clients = append(clients, edgetest.Dial(t, n.URL))
	}
	var answers []<-chan edgetest.Answer
	for _, c := range clients {
		answers = append(answers, c.Start(wire.OpHello, wire.HelloArgs{Token: token(t, "ann")}))
	}
	in := 0
	for _, ch := range answers {
		if a := edgetest.Answered(t, wire.OpHello, ch); a.Error == nil {
			in++
		} else if a.Error.Code != wire.CodeForbidden {
			t.Errorf("got %v", a.Error)
		}
	}
	if in > 3 || in == 0 {
		t.Errorf("%d are in, want at most 3", in)
	}
}

func TestStoredBytesPerAddress(t *testing.T) {
	const share = 200 << 10
	m := oneNode(t, 1, proxied(func(l *edge.Limits) {
		l.Address.Store.Rate, l.Address.Store.Burst = 1, share
		l.Address.Store.KeepRate, l.Address.Store.KeepBurst = 1, 10<<10
	}))
	n := m.Edges[0]
	ann, ben := edgetest.ConnectFrom(t, n, "ann", from("192.0.2.1")), edgetest.ConnectFrom(t, n, "ben", from("192.0.2.2"))
	rooms := twoOfOneShard(t)
	join(ann, rooms[0])
	join(ben, rooms[0])
	join(ann, rooms[1])
	big := json.RawMessage(`"` + strings.Repeat("x", 40<<10) + `"`)
	sent := 0
	for ; sent < 100; sent++ {
		if a := ann.Do(wire.OpPost, wire.PostArgs{Room: rooms[sent%2], Data: big}); a.Error != nil {
			wantError(t, "too much", a, wire.CodeRateLimited, "the address that this session comes from sends more than its share of what the mesh can hold for replay: slow down")
			break
		}
	}
	if sent != share/(40<<10)-1 {
		t.Errorf("%d posts of 40 KiB went through", sent)
	}
	if a := ben.Do(wire.OpPost, wire.PostArgs{Room: rooms[0], Data: big}); a.Error != nil {
		t.Errorf("another address: %v", a.Error)
	}
	other := otherShard(rooms[0])
	join(ann, other)
	if a := ann.Do(wire.OpPost, wire.PostArgs{Room: other, Data: big}); a.Error != nil {
		t.Errorf("another shard: %v", a.Error)
	}
	wantError(t, "too much kept", ann.Do(wire.OpPost, wire.PostArgs{Room: other, Data: big, Keep: true}), wire.CodeRateLimited,
		"the address that this session comes from fills the history faster than its share: slow down")
	if a := ann.Do(wire.OpPost, wire.PostArgs{Room: other, Data: big}); a.Error != nil {
		t.Errorf("what was refused was counted: %v", a.Error)
	}
	wantRefused(t, n, "store", "address_bytes", 1)
	wantRefused(t, n, "store", "address_kept", 1)
}

func TestStoredBytesPerUserAndRoom(t *testing.T) {
	m := oneNode(t, 1, proxied(func(l *edge.Limits) {
		l.UserStore = edge.StoreLimits{Rate: 1, Burst: 100 << 10, KeepRate: 1, KeepBurst: 4 << 10}
		l.RoomStore = edge.StoreLimits{Rate: 1, Burst: 150 << 10, KeepRate: 1, KeepBurst: 6 << 10}
	}))
	n := m.Edges[0]
	// One user from two addresses, and another.
	a1, a2 := edgetest.ConnectFrom(t, n, "ann", from("192.0.2.1")), edgetest.ConnectFrom(t, n, "ann", from("192.0.2.2"))
	ben := edgetest.ConnectFrom(t, n, "ben", from("192.0.2.3"))
	for _, c := range []*edgetest.Client{a1, a2, ben} {
		join(c, "r")
	}
	post := func(c *edgetest.Client, size int, keep bool) edgetest.Answer {
		return c.Do(wire.OpPost, wire.PostArgs{Room: "r", Keep: keep, Data: json.RawMessage(`"` + strings.Repeat("x", size) + `"`)})
	}
	for _, c := range []*edgetest.Client{a1, a2} {
		if a := post(c, 40<<10, false); a.Error != nil {
			t.Fatal(a.Error)
		}
	}
	wantError(t, "ann's share", post(a1, 40<<10, false), wire.CodeRateLimited, "this user sends more than their share of what the mesh can hold for replay: slow down")
	if a := post(ben, 40<<10, false); a.Error != nil {
		t.Fatal(a.Error)
	}
	wantError(t, "the room's share", post(ben, 40<<10, false), wire.CodeRateLimited, "this room is sent more than its share of what the mesh can hold for replay: slow down")
	if a := post(ben, 3<<10, true); a.Error != nil {
		t.Fatal(a.Error)
	}
	wantError(t, "ben's history", post(ben, 1<<10, true), wire.CodeRateLimited, "this user fills the history faster than their share: slow down")
	wantError(t, "the room's history", post(a1, 2<<10, true), wire.CodeRateLimited, "this room's history is filled faster than its share: slow down")
}

// TestAMeetingBehindOneAddress is what a share must leave room for: twenty people of one office, each of whom signals with each other.
func TestAMeetingBehindOneAddress(t *testing.T) {
	const people, each = 10, 30 << 10 // of each pair
	m := oneNode(t, 1, proxied(func(l *edge.Limits) {
		for _, s := range []*edge.StoreLimits{&l.Address.Store, &l.RoomStore} { // as much smaller as there are fewer pairs
			s.Burst = s.Burst * people * (people - 1) / (20 * 19)
			s.Rate = 1
		}
	}))
	n := m.Edges[0]
	var all []*edgetest.Client
	for i := range people {
		c := edgetest.ConnectFrom(t, n, fmt.Sprint("user", i), from("192.0.2.1"))
		join(c, "meeting")
		all = append(all, c)
	}
	data := json.RawMessage(`"` + strings.Repeat("x", each/2) + `"`)
	for i, c := range all {
		for _, other := range all[:i] {
			for _, pair := range [][2]*edgetest.Client{{c, other}, {other, c}} {
				if a := pair[0].Do(wire.OpSignal, wire.SignalArgs{Room: "meeting", To: pair[1].Peer(), Data: data}); a.Error != nil {
					t.Fatal(a.Error)
				}
			}
		}
	}
}

// TestDefaultShares holds the arithmetic that DefaultLimits tells.
func TestDefaultShares(t *testing.T) {
	const shard, age = 64 << 20, int(bus.ReplayAge / time.Second)
	l := edge.DefaultLimits()
	for name, s := range map[string]struct {
		edge.StoreLimits
		part int
	}{"address": {l.Address.Store, 4}, "user": {l.UserStore, 4}, "room": {l.RoomStore, 2}} {
		if in := s.Burst + s.Rate*age; in > shard/s.part {
			t.Errorf("an %s can put %d bytes into a shard while it keeps them, more than 1/%d", name, in, s.part)
		}
		if s.KeepBurst > 256<<20/4 || s.Burst < 2*wire.MaxFrameBytes || s.KeepBurst < 2*wire.MaxFrameBytes {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if l.Address.ReplayBytes < 2*l.ReplayBytes || l.ReplayBudget < 2*l.Address.ReplayBytes || l.Accounts < l.Sockets {
		t.Error("one resume must fit into its address's part, and no address have it all")
	}
}

func twoOfOneShard(t *testing.T) (rooms []wire.RoomID) {
	t.Helper()
	for i := 0; len(rooms) < 2; i++ {
		if r := wire.RoomID(fmt.Sprint("room", i)); bus.RoomScope(r).Shard() == 3 {
			rooms = append(rooms, r)
		}
	}
	return rooms
}

func otherShard(than wire.RoomID) wire.RoomID {
	for i := 0; ; i++ {
		if r := wire.RoomID(fmt.Sprint("room", i)); bus.RoomScope(r).Shard() != bus.RoomScope(than).Shard() {
			return r
		}
	}
}
