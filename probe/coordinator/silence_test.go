package coordinator

import (
	"strings"
	"testing"
	"time"

	"callmesh/bus"
)

// An agent is gone when a NATS that is there knows nobody of its name for a lease, and when nothing was heard of it for as long as there is patience. How long NATS was away before
// says nothing of it.
func TestWhenAnAgentIsGone(t *testing.T) {
	const lease, patience = 10 * time.Second, time.Minute
	type asked struct {
		after time.Duration // since the one before
		err   error
	}
	for name, c := range map[string]struct {
		asked []asked
		says  string
	}{
		"at once":                            {[]asked{{0, bus.ErrNobody}}, ""},
		"just a lease":                       {[]asked{{0, bus.ErrNobody}, {lease, bus.ErrNobody}}, ""},
		"longer":                             {[]asked{{0, bus.ErrNobody}, {lease + 1, bus.ErrNobody}}, "went away"},
		"NATS was away, and just came":       {[]asked{{0, bus.ErrUnavailable}, {30 * time.Second, bus.ErrUnavailable}, {time.Second, bus.ErrNobody}, {lease, bus.ErrNobody}}, ""},
		"NATS is back, and the agent is not": {[]asked{{0, bus.ErrUnavailable}, {30 * time.Second, bus.ErrNobody}, {lease + 1, bus.ErrNobody}}, "went away"},
		"NATS comes and goes":                {[]asked{{0, bus.ErrNobody}, {9 * time.Second, bus.ErrUnavailable}, {9 * time.Second, bus.ErrNobody}, {9 * time.Second, bus.ErrNobody}}, ""},
		"NATS is away for long":              {[]asked{{0, bus.ErrUnavailable}, {patience, bus.ErrUnavailable}}, ""},
		"NATS is away for too long":          {[]asked{{0, bus.ErrUnavailable}, {patience + 1, bus.ErrUnavailable}}, "could not be reached any more: the bus is unavailable"},
	} {
		var s silence
		now, got := time.Now(), ""
		for _, a := range c.asked {
			now = now.Add(a.after)
			got = s.gone(now, a.err, lease, patience)
		}
		if (got == "") != (c.says == "") || !strings.HasPrefix(got, c.says) {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
	}
}
