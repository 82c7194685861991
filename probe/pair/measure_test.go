package pair

import (
	"math"
	"testing"
	"time"
)

func TestSummarize(t *testing.T) {
	const lost = 0
	ms := time.Millisecond
	for name, c := range map[string]struct {
		trips             []time.Duration
		rtt, jitter, loss float64
	}{
		"all came back":        {[]time.Duration{10 * ms, 12 * ms, 11 * ms, 30 * ms}, 12, (2.0 + 1 + 19) / 3, 0},
		"what is lost is none": {[]time.Duration{10 * ms, lost, 14 * ms, lost}, 14, 4, 0.5},
		"one":                  {[]time.Duration{lost, 7 * ms, lost, lost}, 7, 0, 0.75},
		"nothing":              {[]time.Duration{lost, lost}, 0, 0, 1},
	} {
		var a Attempt
		summarize(&a, c.trips)
		if math.Abs(a.RTTMs-c.rtt) > 1e-9 || math.Abs(a.JitterMs-c.jitter) > 1e-9 || math.Abs(a.Loss-c.loss) > 1e-9 {
			t.Errorf("%s: round trip %v, jitter %v, loss %v; want %v, %v, %v", name, a.RTTMs, a.JitterMs, a.Loss, c.rtt, c.jitter, c.loss)
		}
	}
}
