package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"callmesh/bus/wire"
)

// write gives the figures as tables.
func (r *rehearsal) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	part := func(title string, calls []call) {
		fmt.Fprintf(t, "\n%s\nfrom\tto\tmode\tresult\tpath\tconnected\tround trip\n", title)
		for _, c := range calls {
			if c.Result != wire.ResultConnected {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t-\t-\t-\n", c.From, c.To, c.Mode, c.Result)
				continue
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d ms\t%.1f ms\n", c.From, c.To, c.Mode, c.Result, c.Path, c.Ms, c.RTTMs)
		}
	}
	part("All regions are up.", r.Calls)
	part(fmt.Sprintf("%s is cut off for %.0f s: it goes on by itself, and so do the others.", r.Cut, r.Apart), r.Meanwhile)
	part(fmt.Sprintf("%s is back: the first call to it came about within %.1f s.", r.Cut, r.Back), r.Healed)
	s := r.Staying
	fmt.Fprintf(t, "\nTwo were in one room all the while, and went on talking: both had heard all, and saw each other, %.1f s after the region was back.\nwho\tsaid meanwhile\n", s.Whole)
	for i, who := range s.Who {
		fmt.Fprintf(t, "%s\t%d\n", who, s.Said[i])
	}
	fmt.Fprintf(t, "\nTo come to an edge and into a room took at most\nat\twith all well\twith %s cut off\twith all well again\n", r.Cut)
	for _, e := range r.Entering {
		fmt.Fprintf(t, "%s\t%d ms\t%d ms\t%d ms\n", e.At, e.Well, e.Cut, e.Healed)
	}
	f := r.Fallback
	fmt.Fprintf(t, "\nThe relay of %s is stopped, and started again.\nits edges give the relays of\tafter\n", f.At)
	fmt.Fprintf(t, "%s\t(all well)\n", strings.Join(f.Well, ", "))
	fmt.Fprintf(t, "%s\t%.1f s\n", strings.Join(f.Without, ", "), f.Gone)
	fmt.Fprintf(t, "%s\t%.1f s\n", strings.Join(f.Again, ", "), f.Back)
	part("Meanwhile, by the other region's relay:", []call{f.Call})
	return t.Flush()
}
