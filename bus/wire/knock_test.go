package wire

import (
	"strings"
	"testing"
)

// The page makes these ids itself: this is the same hash in another language's words.
func TestMadeRoom(t *testing.T) {
	const secret, room = "correct horse battery staple", RoomID("m-apqpxqny3ictedxg6fjvjfbeeq")
	if got := MadeRoom(secret); got != room {
		t.Errorf("got %s, want %s", got, room)
	}
	if !room.Made() || !room.MadeWith(secret) || room.MadeWith(secret+" ") || room.Validate() != nil {
		t.Error("the room is not its maker's")
	}
	for _, other := range []RoomID{"", "m-", "lobby", room[2:], room + "a", room[:27], RoomID(strings.ToUpper(string(room))), "m-apqpxqny3ictedxg6fjvjfbee1"} {
		if other.Made() {
			t.Errorf("%q is taken for a room that its maker moderates", other)
		}
	}
}
