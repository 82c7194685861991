package check

import (
	"fmt"
	"slices"
	"time"

	"callmesh/turnctl/verdict"
)

// pathStatistics are of the packets that came back.
type pathStatistics struct {
	sent, back           int
	least, median, worst time.Duration // round trips; worst is the 95th percentile
	jitter               time.Duration // mean change from one packet to the next
}

// loss is from 0 to 1.
func (s pathStatistics) loss() float64 {
	if s.sent == 0 {
		return 0
	}
	return float64(s.sent-s.back) / float64(s.sent)
}

// summarize takes the round trips in the order sent, 0 for those lost.
func summarize(trips []time.Duration) pathStatistics {
	s := pathStatistics{sent: len(trips)}
	var back []time.Duration
	var change time.Duration
	for _, t := range trips {
		if t == 0 {
			continue
		}
		if len(back) > 0 {
			change += (t - back[len(back)-1]).Abs()
		}
		back = append(back, t)
	}
	if s.back = len(back); s.back == 0 {
		return s
	}
	if s.back > 1 {
		s.jitter = change / time.Duration(s.back-1)
	}
	slices.Sort(back)
	s.least, s.median, s.worst = back[0], back[(len(back)-1)/2], back[(len(back)-1)*95/100]
	return s
}

// Where a path is bad for a call: ITU-T G.114 has 400 ms one way as the most that is acceptable, and 5 % of loss is heard by everybody.
const (
	lossWarn, lossFail = 0.02, 0.20
	tripWarn           = 400 * time.Millisecond
	jitterWarn         = 50 * time.Millisecond
)

func judgePath(i *verdict.Item, s pathStatistics) {
	value(i, "loss_ratio", s.loss())
	if s.back > 0 {
		value(i, "round_trip_seconds", s.median.Seconds())
		value(i, "round_trip_p95_seconds", s.worst.Seconds())
		value(i, "jitter_seconds", s.jitter.Seconds())
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
	said := fmt.Sprintf("round trip %s (95%% under %s), jitter %s, loss %.0f%% of %d", ms(s.median), ms(s.worst), ms(s.jitter), s.loss()*100, s.sent)
	i.Summary = said
	load := "look at the relay's load and at the network on the way; nearer relays help"
	switch {
	case s.loss() > lossFail:
		fail(i, verdict.High, nil, load, "%s: calls through this relay break up", said)
	case s.loss() > lossWarn, s.median > tripWarn, s.jitter > jitterWarn:
		warn(i, verdict.Medium, load, "%s: calls through this relay suffer", said)
	}
}
