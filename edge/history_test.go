package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

func keep(c *edgetest.Client, room wire.RoomID, data string) wire.PostOK {
	return edgetest.Must[wire.PostOK](c, wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(data), Keep: true})
}

func history(c *edgetest.Client, a wire.HistoryArgs) wire.HistoryOK {
	return edgetest.Must[wire.HistoryOK](c, wire.OpHistory, a)
}

func datas(h wire.HistoryOK) []string {
	list := []string{}
	for _, p := range h.Posts {
		list = append(list, string(p.Data))
	}
	return list
}

// TestHistoryKeepsWhatWasAsked has two edges post in turn; each reads the whole at once, as an accepted post is there at once.
func TestHistoryKeepsWhatWasAsked(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(ann, "r")
	join(ben, "r")
	meet(ann, ben)
	if got := history(ann, wire.HistoryArgs{Room: "r"}); got.Posts == nil || len(got.Posts) != 0 || got.More {
		t.Errorf("the history of a fresh room says %+v", got)
	}
	var posted []wire.PostOK
	var want []string
	for i := range 12 {
		from := []*edgetest.Client{ann, ben}[i%2]
		data := fmt.Sprintf(`{"n":%d,"x":1.50}`, i)
		posted = append(posted, keep(from, "r", data))
		want = append(want, data)
		edgetest.Must[wire.PostOK](from, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"passing"`)})
		for _, reader := range []*edgetest.Client{ann, ben} {
			if got := datas(history(reader, wire.HistoryArgs{Room: "r"})); !slices.Equal(got, want) {
				t.Fatalf("right after post %d, %s reads %v, want %v", i, reader.Hello.User.ID, got, want)
			}
		}
	}
	for i, p := range history(ben, wire.HistoryArgs{Room: "r"}).Posts {
		from := []*edgetest.Client{ann, ben}[i%2]
		if p.Mid != posted[i].Mid || p.At != posted[i].At || p.From != from.Peer() || p.User != from.Hello.User {
			t.Errorf("item %d is %+v, want what post said: %+v", i, p, posted[i])
		}
	}
	ev := edgetest.Await(ben, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == want[0] })
	if ev.Mid != posted[0].Mid {
		t.Errorf("the kept post came live as %s, its ok said %s", ev.Mid, posted[0].Mid)
	}

	all := history(ann, wire.HistoryArgs{Room: "r", Limit: 12})
	if all.More || len(all.Posts) != 12 {
		t.Errorf("a limit of just as many as there are: %d, more %v", len(all.Posts), all.More)
	}
	page := history(ann, wire.HistoryArgs{Room: "r", Limit: 5})
	if got := datas(page); !slices.Equal(got, want[7:]) || !page.More {
		t.Errorf("the latest five are %v, more %v", got, page.More)
	}
	page = history(ben, wire.HistoryArgs{Room: "r", Limit: 5, Before: page.Posts[0].Mid})
	if got := datas(page); !slices.Equal(got, want[2:7]) || !page.More {
		t.Errorf("the five before are %v, more %v", got, page.More)
	}
	page = history(ann, wire.HistoryArgs{Room: "r", Limit: 5, Before: page.Posts[0].Mid})
	if got := datas(page); !slices.Equal(got, want[:2]) || page.More {
		t.Errorf("the rest is %v, more %v", got, page.More)
	}
	page = history(ann, wire.HistoryArgs{Room: "r", Before: page.Posts[0].Mid})
	if len(page.Posts) != 0 || page.More {
		t.Errorf("before the first there are %+v", page)
	}
}

// TestHistoryOutlivesTheRoom: it is there for who joins later, and only in its own room.
func TestHistoryOutlivesTheRoom(t *testing.T) {
	m := oneNode(t, 2)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	for _, room := range []wire.RoomID{"a", "a.b", "*", "_"} {
		join(ann, room)
		keep(ann, room, fmt.Sprintf("%q", room))
	}
	ann.Close()
	ben := edgetest.Connect(t, m.Edges[1], "ben")
	for _, room := range []wire.RoomID{"a", "a.b", "*", "_"} {
		wantError(t, "history from outside", ben.Do(wire.OpHistory, wire.HistoryArgs{Room: room}), wire.CodeNotInRoom, "")
		join(ben, room)
		if got := datas(history(ben, wire.HistoryArgs{Room: room})); !slices.Equal(got, []string{fmt.Sprintf("%q", room)}) {
			t.Errorf("room %q has %v", room, got)
		}
		edgetest.Must[wire.Keyed](ben, wire.OpLeave, wire.LeaveArgs{Room: room})
		wantError(t, "history after leaving", ben.Do(wire.OpHistory, wire.HistoryArgs{Room: room}), wire.CodeNotInRoom, "the session is not in this room: join it first")
	}
}

func TestHistoryLimit(t *testing.T) {
	m := oneNode(t, 1)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	join(ann, "r")
	var pending []<-chan edgetest.Answer
	for i := range 103 {
		pending = append(pending, ann.Start(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(fmt.Sprint(i)), Keep: true}))
	}
	for _, ch := range pending {
		if a := edgetest.Answered(t, wire.OpPost, ch); a.Error != nil {
			t.Fatal(a.Error)
		}
	}
	for limit, want := range map[int]int{0: 50, 1: 1, 100: 100} {
		got := history(ann, wire.HistoryArgs{Room: "r", Limit: limit})
		if len(got.Posts) != want || !got.More || string(got.Posts[want-1].Data) != "102" || string(got.Posts[0].Data) != fmt.Sprint(103-want) {
			t.Errorf("limit %d gives %d posts, more %v", limit, len(got.Posts), got.More)
		}
	}
	for _, limit := range []int{101, 1 << 30} {
		wantError(t, "limit", ann.Do(wire.OpHistory, wire.HistoryArgs{Room: "r", Limit: limit}), wire.CodeBadRequest, "limit: want 1 to 100")
	}
	elsewhere := history(ann, wire.HistoryArgs{Room: "r", Before: wire.Mid{Source: wire.NewSource(), N: 1}})
	if len(elsewhere.Posts) != 0 || elsewhere.More {
		t.Errorf("before a mid that is none of the room's there are %d posts, more %v", len(elsewhere.Posts), elsewhere.More)
	}
}

// TestHistoryBeforeWhatIsNotKept pages from a post that the history does not have, as a client does that shows all posts.
func TestHistoryBeforeWhatIsNotKept(t *testing.T) {
	m := oneNode(t, 1)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	join(ann, "r")
	var mids []wire.Mid
	for i := range 9 {
		ok := edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(fmt.Sprint(i)), Keep: i%3 == 0})
		mids = append(mids, ok.Mid)
	}
	for before, want := range map[int][]string{4: {"0", "3"}, 1: {"0"}, 8: {"0", "3", "6"}, 3: {"0"}} {
		if got := datas(history(ann, wire.HistoryArgs{Room: "r", Before: mids[before]})); !slices.Equal(got, want) {
			t.Errorf("before %d: %v, want %v", before, got, want)
		}
	}
}

// TestKeptTwice: a kept post that is sent again with its key stands once in the history and comes once.
func TestKeptTwice(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(ann, "r")
	join(ben, "r")
	meet(ann, ben)
	args := wire.PostArgs{Room: "r", Data: json.RawMessage(`"once"`), Keep: true, Key: "k"}
	edgetest.Must[wire.PostOK](ann, wire.OpPost, args)
	ann = ann.Resume(m.Edges[1])
	edgetest.Must[wire.PostOK](ann, wire.OpPost, args)
	keep(ann, "r", `"after"`)
	edgetest.Await(ben, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == `"after"` })
	if got := len(ben.Events(wire.EvPost)); got != 2 {
		t.Errorf("%d posts came live, want 2", got)
	}
	if got := datas(history(ben, wire.HistoryArgs{Room: "r"})); !slices.Equal(got, []string{`"once"`, `"after"`}) {
		t.Errorf("the history has %v", got)
	}
}

// TestHistoryOfLargePosts: a page that would not fit into a frame holds fewer posts, and asking on brings them all.
func TestHistoryOfLargePosts(t *testing.T) {
	m := oneNode(t, 1)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	join(ann, "r")
	var want []string
	for i := range 30 {
		data := fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", []int{100, 60000, 20000}[i%3]))
		keep(ann, "r", data)
		want = append(want, data)
	}
	var got []string
	args := wire.HistoryArgs{Room: "r"}
	for pages := 1; ; pages++ {
		raw := ann.MustRaw(wire.OpHistory, args)
		if len(raw) > wire.MaxFrameBytes {
			t.Fatalf("a page has %d bytes", len(raw))
		}
		var page wire.HistoryOK
		noError(t, json.Unmarshal(raw, &page))
		got = append(datas(page), got...)
		if !page.More {
			break
		}
		if args.Before = page.Posts[0].Mid; pages > len(want) {
			t.Fatal("the history never comes to its end")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("page by page there are %d posts, want %d", len(got), len(want))
	}
}

// TestBytesAreTheSendersOwn: what is passed on is not read, so nothing of it changes, not even its blanks.
func TestBytesAreTheSendersOwn(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(ann, "r")
	join(ben, "r")
	meet(ann, ben)
	const data = `{ "a" : 1.50e+2, "a":"\ud800<&>\u0041\/", "\u0061":[ ] , "big":123456789012345678901234567890 }`
	if a := ann.Ask(70, `{"id":70,"op":"post","room":"r","data": `+data+` ,"keep":true}`); a.Error != nil {
		t.Fatal(a.Error)
	}
	if a := ann.Ask(71, fmt.Sprintf(`{"op":"signal","room":"r","to":%q,"data":%s,"id":71}`, ben.Peer(), data)); a.Error != nil {
		t.Fatal(a.Error)
	}
	for _, ev := range []wire.Event{wire.EvPost, wire.EvSignal} {
		got := edgetest.Await[struct{ Data json.RawMessage }](ben, ev, nil)
		if string(got.Data) != data {
			t.Errorf("%s came as %s, sent was %s", ev, got.Data, data)
		}
	}
}
