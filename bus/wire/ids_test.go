package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestMids(t *testing.T) {
	vectors := readVectors[midVectors](t, "mids.json")
	for _, v := range vectors.Good {
		mid, err := ParseMid(v.Mid)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := fmt.Sprintf("%016x", uint64(mid.Source)); got != v.Source || mid.N != v.N {
			t.Errorf("%s: got %s, %d, want %s, %d", v.Mid, got, mid.N, v.Source, v.N)
		}
		if mid.String() != v.Mid {
			t.Errorf("%s comes back as %s", v.Mid, mid)
		}
		sameJSON(t, through(t, AppendJSON(nil, v.Mid), Mid{}), AppendJSON(nil, v.Mid))
	}
	for _, text := range vectors.Bad {
		if mid, err := ParseMid(text); err == nil {
			t.Errorf("%q is read as %s", text, mid)
		}
	}
	if got := string(AppendJSON(nil, HistoryArgs{Room: "a"})); got != `{"room":"a"}` {
		t.Errorf("a mid that is not there is written: %s", got)
	}
}

func TestSourceAsKey(t *testing.T) {
	in := map[Source]uint64{1: 2, 1<<64 - 1: 1<<64 - 1}
	var out map[Source]uint64
	b := AppendJSON(nil, in)
	if err := json.Unmarshal(b, &out); err != nil || len(out) != 2 || out[1] != 2 || out[1<<64-1] != 1<<64-1 {
		t.Errorf("%s: %v, %v", b, out, err)
	}
	for _, text := range []string{"", "aaaaaaaaaaaa", "aaaaaaaaaaaaaa", "aaaaaaaaaaaab", "AAAAAAAAAAAAA", "aaaaaaaaaaaa=", "aaaaaaa\r\naaaa", "ääääää1"} {
		var s Source
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, s)
		}
	}
}

func TestFreshIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		peer, session, edge, room, call, source := NewPeerID(), NewSessionID(), NewEdgeID(), NewRoomID(), NewCallID("eu-west"), NewSource()
		if !peer.Valid() || !session.Valid() || len(edge) != 12 || !isID(string(edge)) {
			t.Fatalf("%q, %q or %q is not an id", peer, session, edge)
		}
		if err := room.Validate(); err != nil || len(room) != 25 {
			t.Fatalf("room %q: %v", room, err)
		}
		if region, ok := call.Region(); !ok || region != "eu-west" {
			t.Fatalf("call %q is of region %q, %t", call, region, ok)
		}
		if source == 0 {
			t.Fatal("source 0 is what a missing one looks like")
		}
		for _, id := range []string{string(peer), string(session), string(edge), string(room), string(call), source.String()} {
			if seen[id] {
				t.Fatalf("%q came twice", id)
			}
			seen[id] = true
		}
	}
}

// Only these forms may become part of a subject.
func TestIDsRefuse(t *testing.T) {
	const peer = "abcdefghijklmnop"
	for _, bad := range []string{"", "_", "*", ">", peer[1:], peer + "a", "abcdefg.ijklmnop", "abcdefghijklmno*", "abcdefghijklmno>", "abcdefghijklmno ", "abcdefghijklmno\x00", "Abcdefghijklmnop", "abcdefghijklmno1", "abcdefghijklmné"} {
		if PeerID(bad).Valid() {
			t.Errorf("peer id %q is valid", bad)
		}
		if SessionID(bad).Valid() || SessionID(bad+"abcdefghij").Valid() && len(bad) == len(peer) {
			t.Errorf("session id %q is valid", bad)
		}
	}
	const rest = "abcdefghijklmnopqrst"
	for _, bad := range []string{"", ".", "eu", "eu.", "." + rest, "eu." + rest + "a", "eu." + rest[1:], "eu.x." + rest[2:], "*." + rest, ">." + rest, "EU." + rest, "-." + rest, "eu.abcdefghijklmnopqrs1", strings.Repeat("e", 33) + "." + rest} {
		if region, ok := CallID(bad).Region(); ok {
			t.Errorf("call id %q is of region %q", bad, region)
		}
	}
}

func TestParseRegion(t *testing.T) {
	for _, good := range []string{"e", "eu", "eu-west-1", "1", "a-", strings.Repeat("r", 32)} {
		if r, err := ParseRegion(good); err != nil || string(r) != good {
			t.Errorf("%q: %q, %v", good, r, err)
		}
	}
	const want = "want 1 to 32 of a-z, 0-9 and '-', not beginning with '-'"
	for bad, message := range map[string]string{
		"":                      `region "": ` + want,
		"-eu":                   `region "-eu": ` + want,
		strings.Repeat("r", 33): `region "` + strings.Repeat("r", 33) + `": ` + want,
		"eu.west":               `region "eu.west": '.' is not one of a-z, 0-9 and '-'`,
		"*":                     `region "*": '*' is not one of a-z, 0-9 and '-'`,
		"eu west":               `region "eu west": ' ' is not one of a-z, 0-9 and '-'`,
	} {
		if _, err := ParseRegion(bad); err == nil || err.Error() != message {
			t.Errorf("%q: got %v, want %s", bad, err, message)
		}
	}
}

func TestRoomAndUserIDs(t *testing.T) {
	for _, good := range []string{" ", ".", "*", ">", "a.b.>", "房间", "\U0001F4DE", "\u00a0", "\ufeff", strings.Repeat("x", 128)} {
		if err := RoomID(good).Validate(); err != nil {
			t.Errorf("room %q: %v", good, err)
		}
		if err := UserID(good).Validate(); err != nil {
			t.Errorf("user %q: %v", good, err)
		}
	}
	for bad, message := range map[string]string{
		"":                         "is empty: want 1 to 128 bytes",
		strings.Repeat("x", 129):   "has 129 bytes: want 1 to 128",
		strings.Repeat("x", 10240): "has 10240 bytes: want 1 to 128",
		"caf\xe9":                  "is not valid UTF-8",
		"a\x00":                    "contains the control character U+0000",
		"\x1f":                     "contains the control character U+001F",
		"\x7f":                     "contains the control character U+007F",
		"\u0080":                   "contains the control character U+0080",
		"\u009f":                   "contains the control character U+009F",
	} {
		checkRefusal(t, RoomID(bad).Validate(), CodeBadRequest, "room "+message)
		checkRefusal(t, UserID(bad).Validate(), CodeBadRequest, "user "+message)
	}
}
