// Package rate turns counts into rates that say how much they are worth.
package rate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Z95 is the quantile of the normal distribution for intervals of 95%.
const Z95 = 1.959963984540054

// Rate is how many of so many attempts succeeded.
type Rate struct {
	Successes int `json:"successes"`
	Attempts  int `json:"attempts"`
}

// Interval is a range that holds the true rate with the confidence it was made for; both ends are from 0 to 1.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Of makes a rate. It is an error if the counts are no counts.
func Of(successes, attempts int) (Rate, error) {
	if attempts < 0 || successes < 0 || successes > attempts {
		return Rate{}, fmt.Errorf("%d successes of %d attempts is no rate", successes, attempts)
	}
	return Rate{Successes: successes, Attempts: attempts}, nil
}

// Share is the observed rate, from 0 to 1; NaN if nothing was attempted.
func (r Rate) Share() float64 { return float64(r.Successes) / float64(r.Attempts) }

// Wilson is the score interval of E. B. Wilson (1927), which holds for few attempts and for rates near 0 and 1 too, where the usual one breaks. z is the quantile: [Z95]. Of no attempts nothing is known: 0 to 1.
func (r Rate) Wilson(z float64) Interval { return Wilson(r.Share(), r.Attempts, z) }

// Wilson is the score interval of a mean of n values that each lie between 0 and 1. They need not be 0 or 1: such a mean varies at most as much as a share does, so the interval is rather too wide than too narrow.
func Wilson(mean float64, of int, z float64) Interval {
	if of == 0 {
		return Interval{0, 1}
	}
	n, p := float64(of), mean
	z2 := z * z
	middle := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return Interval{Low: max(0, middle-half), High: min(1, middle+half)}
}

// Resample is the interval of a rate over groups that are not independent within, such as the pairs of one network: whole groups are drawn with replacement (the cluster bootstrap), draws times, and the middle share of the outcomes is kept.
// confidence is from 0 to 1. A single group tells nothing of how groups differ: 0 to 1. The same seed gives the same interval.
func Resample(groups []Rate, confidence float64, draws int, seed uint64) Interval {
	if len(groups) < 2 {
		return Interval{0, 1}
	}
	r := rand.New(rand.NewPCG(seed, seed))
	shares := make([]float64, 0, draws)
	for range draws {
		var sum Rate
		for range groups {
			g := groups[r.IntN(len(groups))]
			sum.Successes += g.Successes
			sum.Attempts += g.Attempts
		}
		if sum.Attempts > 0 {
			shares = append(shares, sum.Share())
		}
	}
	return middle(shares, confidence)
}

// middle is where the middle share of the values lies: as many are left out above as below.
func middle(shares []float64, confidence float64) Interval {
	if len(shares) == 0 {
		return Interval{0, 1}
	}
	slices.Sort(shares)
	tail := min((len(shares)-1)/2, int((1-confidence)/2*float64(len(shares))))
	return Interval{Low: shares[tail], High: shares[len(shares)-1-tail]}
}
