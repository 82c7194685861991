package edge

import (
	"testing"
	"time"

	"callmesh/bus/wire"
)

// However often relays come and go, a session is told at most once in a while, and never before its hello has an ok.
func TestLeavesIsBounded(t *testing.T) {
	const one, two = "turn:one.example.org:3478?transport=udp", "turn:two.example.org:3478?transport=udp"
	s := &session{edge: new(Edge)}
	staying := map[string]struct{}{two: {}}
	now := time.Now()
	s.noteGiven([]wire.ICEServer{{URLs: []string{"turn:ONE.example.org"}}})
	if sock, due := s.leaves(staying, now); sock != nil || due {
		t.Error("a session without a socket is told")
	}
	s.socket.Store(new(socket))
	if sock, due := s.leaves(staying, now); sock != nil || !due {
		t.Error("a session is told before its hello has an ok")
	}
	s.greetedNow()
	if sock, due := s.leaves(map[string]struct{}{one: {}}, now); sock != nil || due {
		t.Error("a session is told though its relay stays")
	}
	if sock, due := s.leaves(staying, now); sock == nil || !due {
		t.Error("a session is not told")
	}
	if sock, due := s.leaves(staying, now.Add(moveEvery-time.Millisecond)); sock != nil || !due {
		t.Error("a session is told again too soon")
	}
	if sock, due := s.leaves(staying, now.Add(moveEvery)); sock == nil || !due {
		t.Error("a session is never told again")
	}
}
