package bus

import (
	"strings"
	"testing"

	"callmesh/bus/wire"
)

// Whatever a room or a user is called, its subject has the tokens it should have, each made of harmless characters, and nobody else's.
func FuzzScope(f *testing.F) {
	for _, id := range []string{"r", ".", "*", ">", "a.b", "a b", "\x00", "😀", "_", "keep", "..", "$SYS.>", "\r\nPUB x 0", strings.Repeat("é", 64), strings.Repeat("x", 10<<10)} {
		f.Add(id, id+"'")
		f.Add(id, strings.ToUpper(id))
	}
	f.Fuzz(func(t *testing.T, id, other string) {
		if id == "" || other == "" {
			return // no id is empty
		}
		scopes := []Scope{RoomScope(wire.RoomID(id)), UserScope(wire.UserID(id)), PresenceScope(wire.UserID(id))}
		for i, s := range scopes {
			if n := s.shard(); n < 0 || n >= Shards {
				t.Errorf("%q is of shard %d", id, n)
			}
			for _, subject := range []string{kept("eu", s, ToAll), liveOnly(s, ToPeer(wire.NewPeerID()))} {
				checkTokens(t, subject, 6)
				if got := scopeOf(subject); got != s {
					t.Errorf("the scope of %s is %s, want %s", subject, got, s)
				}
				if !strings.HasPrefix(strings.SplitN(subject, ".", 3)[2], strings.TrimSuffix(strings.SplitN(heard(s), ".", 3)[2], ">")) {
					t.Errorf("%s does not hear %s", heard(s), subject)
				}
			}
			if rest, ok := strings.CutSuffix(strings.Replace(heard(s), "*", "x", 1), ">"); !ok {
				t.Errorf("heard is %s", heard(s))
			} else {
				checkTokens(t, rest+"x", 6)
			}
			for j, another := range scopes {
				if i != j && s == another {
					t.Errorf("%q: two kinds share the scope %s", id, s)
				}
			}
		}
		checkTokens(t, "k."+userKey(wire.UserID(id)), 2)
		if id != other && (RoomScope(wire.RoomID(id)) == RoomScope(wire.RoomID(other)) || userKey(wire.UserID(id)) == userKey(wire.UserID(other))) {
			t.Errorf("%q and %q share a scope or key", id, other)
		}
	})
}

func checkTokens(t *testing.T, subject string, want int) {
	t.Helper()
	tokens := strings.Split(subject, ".")
	if len(tokens) != want {
		t.Errorf("%q has %d tokens, want %d", subject, len(tokens), want)
	}
	for _, token := range tokens {
		if token == "" || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q has the token %q", subject, token)
		}
	}
}

// The quick reader of acks agrees with the one that knows JSON, or leaves it to that one.
func FuzzFastAck(f *testing.F) {
	for _, ack := range []string{
		`{"stream":"CM_eu_0", "seq":12}`, `{"stream":"CM_eu_0","domain":"d","seq":7,"duplicate":true}`, `{"stream":"S", "seq":1`, `{}`,
		`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"S","seq":0}`, `{"seq":99999999999999999999}`,
	} {
		f.Add([]byte(ack))
	}
	f.Fuzz(func(_ *testing.T, ack []byte) { _, _ = fastAck(ack) })
	if n, ok := fastAck([]byte(`{"stream":"CM_eu_0", "seq":12}`)); n != 12 || !ok {
		f.Errorf("fastAck: %d, %v", n, ok)
	}
	if _, ok := fastAck([]byte(`{"error":{"code":400},"stream":"S","seq":3}`)); ok {
		f.Error("fastAck took an error for an ack")
	}
}
