package report

import (
	"slices"
	"time"

	"callmesh/bus/wire"
)

// Times is how long those that connected took, in milliseconds; nothing of them is known where N is 0.
type Times struct {
	N   int   `json:"n"`
	P10 int64 `json:"p10,omitempty"`
	P25 int64 `json:"p25,omitempty"`
	P50 int64 `json:"p50,omitempty"`
	P75 int64 `json:"p75,omitempty"`
	P90 int64 `json:"p90,omitempty"`
	P95 int64 `json:"p95,omitempty"`
	P99 int64 `json:"p99,omitempty"`
	Max int64 `json:"max,omitempty"`
	// Histogram counts how many took less than each of [TimeBounds] and no less than the one before, and at its end those that took longer.
	Histogram []int `json:"histogram,omitempty"`
}

// TimeBounds are the upper bounds of a histogram, in milliseconds.
var TimeBounds = [...]int64{50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000}

func timesOf(attempts []wire.Traversal) Times {
	return quantiles(attempts, func(a wire.Traversal) int64 { return a.Ms })
}

// firstPairs is how long those that connected took to the first pair that answered a check. No wait of ICE's is in it.
func firstPairs(attempts []wire.Traversal) Times {
	return quantiles(attempts, func(a wire.Traversal) int64 { return a.PairMs })
}

func quantiles(attempts []wire.Traversal, of func(wire.Traversal) int64) Times {
	var ms []int64
	for _, a := range attempts {
		if v := of(a); a.Result == wire.ResultConnected && v > 0 {
			ms = append(ms, v)
		}
	}
	if len(ms) == 0 {
		return Times{}
	}
	slices.Sort(ms)
	at := func(q float64) int64 { return quantile(ms, q) }
	t := Times{N: len(ms), P10: at(.1), P25: at(.25), P50: at(.5), P75: at(.75), P90: at(.9), P95: at(.95), P99: at(.99), Max: ms[len(ms)-1]}
	t.Histogram = make([]int, len(TimeBounds)+1)
	for _, v := range ms {
		i, exact := slices.BinarySearch(TimeBounds[:], v)
		if exact {
			i++
		}
		t.Histogram[i]++
	}
	return t
}

// quantile is the smallest of sorted values that at least the share q of them does not exceed: one that was really seen.
func quantile[V any](sorted []V, q float64) V {
	i := int(q * float64(len(sorted)))
	if float64(i) == q*float64(len(sorted)) && i > 0 {
		i--
	}
	return sorted[min(i, len(sorted)-1)]
}

// Trend is how rates go over time.
type Trend struct {
	BucketMs int64   `json:"bucketMs"`
	Points   []Point `json:"points"`
}

// Point is what came of the attempts that began within a bucket, in one mode. Buckets in which none began have no point.
type Point struct {
	At   int64              `json:"at"` // when the bucket begins, Unix ms
	Mode wire.TraversalMode `json:"mode"`
	Tally
	MedianMs int64 `json:"medianMs,omitempty"`
}

const (
	fewPoints  = 36  // that a bucket is chosen for
	mostPoints = 400 // that a given bucket may make
)

var buckets = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

func makeTrend(attempts []wire.Traversal, bucket time.Duration) Trend {
	first, last := attempts[0].At, attempts[len(attempts)-1].At
	ms := bucketFor(last-first, bucket)
	points := map[wire.TraversalMode]map[int64][]wire.Traversal{}
	for _, a := range attempts {
		if points[a.Mode] == nil {
			points[a.Mode] = map[int64][]wire.Traversal{}
		}
		at := a.At - a.At%ms
		points[a.Mode][at] = append(points[a.Mode][at], a)
	}
	t := Trend{BucketMs: ms}
	for _, m := range modes {
		var starts []int64
		for at := range points[m] {
			starts = append(starts, at)
		}
		slices.Sort(starts)
		for _, at := range starts {
			of := points[m][at]
			t.Points = append(t.Points, Point{At: at, Mode: m, Tally: tallyOf(of), MedianMs: timesOf(of).P50})
		}
	}
	return t
}

// bucketFor chooses how many ms a point is, of a span in ms.
func bucketFor(span int64, given time.Duration) int64 {
	if given > 0 {
		ms := max(1, given.Milliseconds())
		if times := span / (ms * mostPoints); times > 0 {
			ms *= times + 1
		}
		return ms
	}
	for _, b := range buckets {
		if span/b.Milliseconds() < fewPoints {
			return b.Milliseconds()
		}
	}
	last := buckets[len(buckets)-1].Milliseconds()
	return last * (span/(last*fewPoints) + 1)
}
