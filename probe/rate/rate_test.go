package rate_test

import (
	"math"
	"testing"

	"callmesh/probe/rate"
)

// Published: R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		successes, attempts int
		low, high           float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0.0000, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		r, err := rate.Of(c.successes, c.attempts)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Wilson(rate.Z95)
		if math.Abs(got.Low-c.low) > 5e-5 || math.Abs(got.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, published %.4f to %.4f", c.successes, c.attempts, got.Low, got.High, c.low, c.high)
		}
		// What succeeded and what failed are two sides of one coin.
		other, _ := rate.Of(c.attempts-c.successes, c.attempts)
		if mirror := other.Wilson(rate.Z95); math.Abs(mirror.High-(1-got.Low)) > 1e-12 {
			t.Errorf("%d of %d: the failures' interval ends at %f, not at %f", c.successes, c.attempts, mirror.High, 1-got.Low)
		}
	}
	if got := (rate.Rate{}).Wilson(rate.Z95); got != (rate.Interval{Low: 0, High: 1}) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestOfRefusesWhatIsNoRate(t *testing.T) {
	for _, c := range [][2]int{{-1, 5}, {6, 5}, {0, -1}} {
		if _, err := rate.Of(c[0], c[1]); err == nil {
			t.Errorf("%d of %d was taken", c[0], c[1])
		}
	}
}

func TestResample(t *testing.T) {
	// Networks that are all alike: hardly wider than what the counts say.
	alike := make([]rate.Rate, 200)
	for i := range alike {
		alike[i] = rate.Rate{Successes: 7, Attempts: 10}
	}
	if got := rate.Resample(alike, 0.95, 500, 1); got.Low != 0.7 || got.High != 0.7 {
		t.Errorf("of networks that are alike: %v", got)
	}
	// Half the networks never let anything through, half always: a hundred attempts of each change nothing about how few networks there are.
	var split []rate.Rate
	for i := range 10 {
		split = append(split, rate.Rate{Successes: 100 * (i % 2), Attempts: 100})
	}
	got := rate.Resample(split, 0.95, 2000, 1)
	whole := rate.Rate{Successes: 500, Attempts: 1000}.Wilson(rate.Z95)
	if got.Low > 0.3 || got.High < 0.7 || got.High-got.Low < 5*(whole.High-whole.Low) {
		t.Errorf("of networks that differ: %v, where attempts alone would say %v", got, whole)
	}
	if again := rate.Resample(split, 0.95, 2000, 1); again != got {
		t.Errorf("the same seed gives %v, then %v", got, again)
	}
	if got := rate.Resample(split[:1], 0.95, 100, 1); got != (rate.Interval{Low: 0, High: 1}) {
		t.Errorf("of one network: %v", got)
	}
}

// The failures' interval is the mirror of the successes', whatever is drawn.
func TestResampleHasTwoSides(t *testing.T) {
	var ok, bad []rate.Rate
	for i := range 40 {
		ok = append(ok, rate.Rate{Successes: i, Attempts: 40})
		bad = append(bad, rate.Rate{Successes: 40 - i, Attempts: 40})
	}
	for _, draws := range []int{1, 2, 40, 999, 1000} {
		a, b := rate.Resample(ok, 0.95, draws, 1), rate.Resample(bad, 0.95, draws, 1)
		if math.Abs(a.Low-(1-b.High)) > 1e-12 || math.Abs(a.High-(1-b.Low)) > 1e-12 || a.Low > a.High {
			t.Errorf("%d draws: %v of successes, %v of failures", draws, a, b)
		}
	}
}
