package bus_test

import (
	"sync"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
)

// A reader that is too slow is told which scope has a hole; what it missed is in the stream, and it hears again.
func TestSlowReaderIsTold(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	from, slow, s := ready(t, node(t, c.URL(0))), ready(t, node(t, c.URL(0))), room("r")
	dropped := make(chan bus.Scope, 1)
	slow.OnDropped(func(s bus.Scope) {
		select {
		case dropped <- s:
		default: // it is said again, as often as there is a hole
		}
	})
	stuck, free := make(chan struct{}, 1), make(chan struct{})
	release := sync.OnceFunc(func() { close(free) })
	t.Cleanup(release) // also when it fails, or Close would wait for it
	last := make(chan struct{}, 1)
	sub, err := slow.Subscribe(s, func(m bus.Message) {
		switch string(m.Payload) {
		case "first":
			stuck <- struct{}{}
			<-free
		case "last":
			select {
			case last <- struct{}{}:
			default: // it is said until it is heard: of those that come later nobody waits for one, and Close would for who tells of them
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	reach(t, from, slow, room("by the way")) // interest in both is there by then
	accept(t, from, s, "first")
	bustest.Next(t, "the first message", stuck)
	for range 20_000 { // more than may wait
		if err := from.PublishLive(s, bus.ToAll, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if got := bustest.Next(t, "that messages were dropped", dropped); got != s {
		t.Errorf("dropped in %q, want %q", got, s)
	}
	release()
	eventually(t, "it hears again", func() error {
		accept(t, from, s, "last")
		select {
		case <-last:
			return nil
		default:
			return bus.ErrIncomplete
		}
	})
}
