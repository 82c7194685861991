package rate_test

import (
	"fmt"
	"testing"

	"callmesh/probe/rate"
)

// mesh has a link for every pair of n networks, of which the first bad ones connect with nobody.
func mesh(n, bad, attempts int) (links []rate.Link) {
	for i := range n {
		for j := range i {
			l := rate.Link{A: fmt.Sprint(i), B: fmt.Sprint(j), Rate: rate.Rate{Successes: attempts, Attempts: attempts}}
			if j < bad || i < bad {
				l.Successes = 0
			}
			links = append(links, l)
		}
	}
	return links
}

func TestResampleLinks(t *testing.T) {
	if got := rate.ResampleLinks(mesh(8, 0, 10), 0.95, 500, 1); got != (rate.Interval{Low: 1, High: 1}) {
		t.Errorf("where all connect: %v", got)
	}
	// One network of eight fails with all others: 7 of 28 links. That it is one network, and not seven links, makes the interval wide.
	links := mesh(8, 1, 10)
	got := rate.ResampleLinks(links, 0.95, 2000, 1)
	var sum rate.Rate
	var groups []rate.Rate
	for _, l := range links {
		groups = append(groups, l.Rate)
		sum.Successes += l.Successes
		sum.Attempts += l.Attempts
	}
	asLinks := rate.Resample(groups, 0.95, 2000, 1)
	if got.Low >= asLinks.Low || got.Low > sum.Share() || got.High < sum.Share() {
		t.Errorf("by networks %v, by links %v, observed %v", got, asLinks, sum.Share())
	}
	if again := rate.ResampleLinks(links, 0.95, 2000, 1); again != got {
		t.Errorf("the same seed gives %v, then %v", got, again)
	}
	within := []rate.Link{{A: "one", B: "one", Rate: rate.Rate{Successes: 3, Attempts: 4}}}
	if got := rate.ResampleLinks(within, 0.95, 100, 1); got != (rate.Interval{Low: 0, High: 1}) {
		t.Errorf("of one network: %v", got)
	}
}

func TestWilsonOfAMean(t *testing.T) {
	if got, want := rate.Wilson(15.0/148, 148, rate.Z95), (rate.Rate{Successes: 15, Attempts: 148}).Wilson(rate.Z95); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := rate.Wilson(0.5, 0, rate.Z95); got != (rate.Interval{Low: 0, High: 1}) {
		t.Errorf("of nothing: %v", got)
	}
}
