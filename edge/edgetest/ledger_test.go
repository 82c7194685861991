package edgetest_test

import (
	"strings"
	"testing"

	"callmesh/edge/edgetest"
)

// The ledger is what every fault test believes, so each thing that it is to find is put into one here.
func TestLedger(t *testing.T) {
	const room = "lobby"
	for _, c := range []struct {
		name  string
		write func(*edgetest.Ledger)
		want  edgetest.Tally
		says  string // "" if all is well
	}{
		{"all is well", func(l *edgetest.Ledger) {
			l.Got(room, "ann", 1, "bob")
			l.Got(room, "ann", 2, "bob")
			l.Got(room, "ann", 1, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 3}, ""},
		{"what was not accepted may come, once", func(l *edgetest.Ledger) {
			for n := 1; n <= 3; n++ {
				l.Got(room, "ann", n, "bob")
			}
			l.Got(room, "ann", 1, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 4}, ""},
		{"lost", func(l *edgetest.Ledger) {
			l.Got(room, "ann", 1, "bob")
			l.Got(room, "ann", 1, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 2, Lost: 1}, "lost: #2 of ann in lobby, accepted at"},
		{"duplicated, though never accepted", func(l *edgetest.Ledger) {
			for _, n := range []int{1, 2, 3, 3} {
				l.Got(room, "ann", n, "bob")
			}
			l.Got(room, "ann", 1, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 4, Duplicated: 1}, "duplicated: bob got #3 of ann in lobby for the 2. time"},
		{"reordered", func(l *edgetest.Ledger) {
			l.Got(room, "ann", 2, "bob")
			l.Got(room, "ann", 1, "bob")
			l.Got(room, "ann", 1, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 3, Reordered: 1}, "reordered: bob got #1 of ann in lobby after #2"},
		{"for another", func(l *edgetest.Ledger) {
			l.Got(room, "ann", 1, "bob")
			l.Got(room, "ann", 2, "bob")
			l.Got(room, "ann", 1, "eve")
			l.Got(room, "ann", 2, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 4}, `eve got #2 of ann in lobby, which was for "bob"`},
		{"never sent", func(l *edgetest.Ledger) {
			l.Got(room, "ann", 1, "bob")
			l.Got(room, "ann", 2, "bob")
			l.Got(room, "ann", 1, "eve")
			l.Got(room, "ann", 4, "eve")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 3}, "eve got #4 of ann in lobby, which was never sent"},
		{"noted", func(l *edgetest.Ledger) {
			l.Got(room, "ann", 1, "bob")
			l.Got(room, "ann", 2, "bob")
			l.Got(room, "ann", 1, "eve")
			l.Note("%s is gone", "ann")
		}, edgetest.Tally{Sent: 3, Accepted: 2, Due: 3, Delivered: 3}, "ann is gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := edgetest.NewLedger()
			for _, who := range []string{"ann", "bob", "eve"} {
				l.Joined(room, who)
			}
			for _, to := range []string{"", "bob", ""} { // #1 to all, #2 to bob, #3 is never accepted
				l.Sent(room, "ann", to)
			}
			l.Joined(room, "late") // and is owed nothing of it
			l.Accepted(room, "ann", 1)
			l.Accepted(room, "ann", 2)
			c.write(l)
			if got := l.Tally(); got != c.want {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
			report, problems := l.Report()
			if (problems > 0) != (c.says != "") || !strings.Contains(report, c.says) {
				t.Errorf("%d problems: %s\nwant it to say %q", problems, report, c.says)
			}
		})
	}
}
