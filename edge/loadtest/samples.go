package loadtest

import (
	"context"
	"slices"
	"time"
)

// samples are what repetitions of one measurement gave.
type samples []float64

// quantile returns the value below which that part of them lies; 0 without any.
func (s samples) quantile(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

func (s samples) median() float64 { return s.quantile(0.5) }

// measurement gives one value, or several of different meaning.
type measurement func(ctx context.Context) ([]float64, error)

// inTurns takes the measurements in turns, the first, the second, the first …, and returns for each of them the samples of each of its
// values. So many rounds that are only to warm up go ahead.
func inTurns(ctx context.Context, progress func(), warmups, reps int, all ...measurement) ([][]samples, error) {
	got := make([][]samples, len(all))
	for rep := -warmups; rep < reps; rep++ {
		for i, measure := range all {
			values, err := measure(ctx)
			if err != nil {
				return nil, err
			}
			if got[i] == nil {
				got[i] = make([]samples, len(values))
			}
			for j, v := range values {
				if rep >= 0 {
					got[i][j] = append(got[i][j], v)
				}
			}
		}
		progress()
	}
	return got, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
