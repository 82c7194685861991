package rate

import "math/rand/v2"

// Link is what came of the attempts between two networks, in no order; within one network both are the same.
type Link struct {
	A, B string
	Rate
}

// ResampleLinks is the interval of a rate over links. Those of one network are not independent, and each link has two of them, so networks are drawn, not links: with replacement, draws times, and a link counts as often as
// one of its networks was drawn times the other (the pigeonhole bootstrap of A. B. Owen, Annals of Applied Statistics 1, 2007, which errs on the wide side). Arguments and fewer than two networks are as in [Resample].
func ResampleLinks(links []Link, confidence float64, draws int, seed uint64) Interval {
	index := map[string]int{}
	ends := make([][2]int, len(links))
	for i, l := range links {
		for k, name := range [2]string{l.A, l.B} {
			if _, ok := index[name]; !ok {
				index[name] = len(index)
			}
			ends[i][k] = index[name]
		}
	}
	if len(index) < 2 {
		return Interval{0, 1}
	}
	r := rand.New(rand.NewPCG(seed, seed))
	times := make([]int, len(index))
	shares := make([]float64, 0, draws)
	for range draws {
		clear(times)
		for range times {
			times[r.IntN(len(times))]++
		}
		var sum Rate
		for i, l := range links {
			weight := times[ends[i][0]]
			if ends[i][0] != ends[i][1] {
				weight *= times[ends[i][1]]
			}
			sum.Successes += weight * l.Successes
			sum.Attempts += weight * l.Attempts
		}
		if sum.Attempts > 0 {
			shares = append(shares, sum.Share())
		}
	}
	return middle(shares, confidence)
}
