package rotate

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	added := State{Added: now.Add(-time.Minute)}
	switched := func(ago time.Duration) State { return State{Added: now.Add(-time.Hour), Switched: now.Add(-ago)} }
	for _, c := range []struct {
		name  string
		state State
		stage Stage
		left  time.Duration
	}{
		{"nothing done", State{}, Add, 0},
		{"added", added, Switch, 0},
		{"just switched", switched(0), Wait, 24*time.Hour + rounding},
		{"half of it waited for", switched(12 * time.Hour), Wait, 12*time.Hour + rounding},
		{"the last moment", switched(24 * time.Hour), Wait, rounding},
		{"over", switched(24*time.Hour + rounding), Remove, 0},
		{"a clock that was set back by a week", switched(-7 * 24 * time.Hour), Wait, 24*time.Hour + rounding},
	} {
		if stage, left := c.state.Next(24*time.Hour, now); stage != c.stage || left != c.left {
			t.Errorf("%s: %s, %s left; want %s, %s", c.name, stage, left, c.stage, c.left)
		}
	}
}
