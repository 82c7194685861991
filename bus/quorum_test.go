package bus_test

import (
	"errors"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
)

// A node that is cut off from its cluster serves its clients, and no stream takes their messages: the bus is not ready then, and says so at once. It is
// again, by itself, once the cluster is whole.
func TestANodeThatIsCutOff(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 3)
	o := node(t, c.URL(0))
	o.Replicas = 3
	lone := ready(t, o)
	o = node(t, c.URL(1))
	o.Replicas = 3
	other := ready(t, o)
	c.Partition(bustest.Blackhole, []int{0})
	eventually(t, "the bus finds out", func() error {
		_ = ack(lone, room("r"), "x")
		if lone.Ready() {
			return errors.New("it is ready")
		}
		return nil
	})
	start := time.Now()
	wantErr(t, "a publish on the node that is cut off", ack(lone, room("r"), "x"), bus.ErrUnavailable)
	if took := time.Since(start); took > time.Second {
		t.Errorf("that took %v", took)
	}
	eventually(t, "the others go on", func() error { return ack(other, room("r"), "x") })
	eventually(t, "they are ready", func() error { // a moment later, if nothing was taken while a leader was chosen
		if !other.Ready() {
			return errors.New("it is not")
		}
		return nil
	})
	back, say := told()
	lone.OnReady(say)
	c.Heal()
	bustest.Next(t, "that it is ready again", back) // whoever has missed something reads it back now
	eventually(t, "it goes on too", func() error { return ack(lone, room("r"), "x") })
}
