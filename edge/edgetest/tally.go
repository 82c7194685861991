package edgetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// Tally is what a [Ledger] comes to. Sent and Accepted count messages, the others deliveries to one receiver.
type Tally struct {
	Sent       int // distinct messages, however often they were tried
	Accepted   int // of them, those that got ok
	Due        int // deliveries of accepted messages that are owed, one for each receiver
	Delivered  int // distinct deliveries that came, of accepted messages or not
	Duplicated int
	Reordered  int
	Lost       int // of those due, what did not come
}

// String is one line for a log.
func (t Tally) String() string {
	return fmt.Sprintf("sent %d, accepted %d, delivered %d of %d due, duplicated %d, reordered %d, lost %d",
		t.Sent, t.Accepted, t.Delivered, t.Due, t.Duplicated, t.Reordered, t.Lost)
}

// Tally counts what stands in the ledger now.
func (l *Ledger) Tally() Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	var t Tally
	for key, f := range l.flows {
		t.Sent += len(f.messages)
		for _, m := range f.messages {
			if m.accepted > 0 {
				t.Accepted++
			}
		}
		for _, r := range f.got {
			t.Duplicated += r.dups
			t.Reordered += r.reordered
			for _, times := range r.times {
				if times > 0 {
					t.Delivered++
				}
			}
		}
		due, lost := l.owedLocked(key, f)
		t.Due += due
		t.Lost += len(lost)
	}
	return t
}

// LostBefore counts the deliveries owed of what was accepted before then, by the ledger's time.
func (l *Ledger) LostBefore(then time.Duration) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, f := range l.flows {
		_, lost := l.owedLocked(key, f)
		for _, m := range lost {
			if m.accepted < then {
				n++
			}
		}
	}
	return n
}

// missed is one delivery that is owed and did not come.
type missed struct {
	n        int
	receiver string
	accepted time.Duration
}

func (l *Ledger) owedLocked(key flowKey, f *flow) (due int, lost []missed) {
	receivers := slices.Sorted(maps.Keys(l.rooms[key.room]))
	for i, m := range f.messages {
		if m.accepted == 0 {
			continue
		}
		for _, receiver := range receivers {
			if receiver == key.from || m.to != "" && m.to != receiver || l.rooms[key.room][receiver] > m.clock {
				continue
			}
			due++
			if r := f.got[receiver]; r == nil || i >= len(r.times) || r.times[i] == 0 {
				lost = append(lost, missed{i + 1, receiver, m.accepted})
			}
		}
	}
	return due, lost
}

// Report is the tally and, line by line, what is wrong; problems is how many lines that are.
func (l *Ledger) Report() (report string, problems int) {
	tally := l.Tally()
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := slices.Clone(l.notes)
	problems = len(lines) + l.more
	for _, key := range slices.SortedFunc(maps.Keys(l.flows), func(a, b flowKey) int {
		return strings.Compare(string(a.room)+a.from, string(b.room)+b.from)
	}) {
		_, lost := l.owedLocked(key, l.flows[key])
		problems += len(lost)
		for _, run := range runs(lost) {
			first, last := run[0], run[len(run)-1]
			what := fmt.Sprintf("#%d", first.n)
			if len(run) > 1 {
				what = fmt.Sprintf("%d messages, #%d to #%d,", len(run), first.n, last.n)
			}
			lines = append(lines, fmt.Sprintf("lost: %s of %s in %s, accepted at %s to %s, did not reach %s", what, key.from, key.room,
				first.accepted.Round(time.Millisecond), last.accepted.Round(time.Millisecond), first.receiver))
		}
	}
	if l.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", l.more))
	}
	return tally.String() + "\n\t" + strings.Join(lines, "\n\t"), problems
}

// runs puts together what one receiver missed of one flow with little between.
func runs(lost []missed) (runs [][]missed) {
	slices.SortStableFunc(lost, func(a, b missed) int { return strings.Compare(a.receiver, b.receiver) })
	for i, m := range lost {
		if i > 0 && lost[i-1].receiver == m.receiver && m.n-lost[i-1].n < 20 {
			runs[len(runs)-1] = append(runs[len(runs)-1], m)
			continue
		}
		runs = append(runs, []missed{m})
	}
	return runs
}

// Settle waits until all that is owed has come, or as long as [Patience] without anything coming. Its caller has stopped the senders.
func (l *Ledger) Settle() {
	last, since := -1, time.Now()
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		t := l.Tally()
		if t.Delivered != last {
			last, since = t.Delivered, time.Now()
		}
		if t.Lost == 0 || time.Since(since) > Patience {
			return
		}
		<-time.After(wait)
	}
}

// Check fails the test unless every accepted message reached everyone whom it was for exactly once and in order, at least one did, and
// nothing was noted that must not happen.
func (l *Ledger) Check(t testing.TB) Tally {
	t.Helper()
	tally := l.Tally()
	report, problems := l.Report()
	switch {
	case problems > 0:
		t.Errorf("%d problems: %s", problems, report)
	case tally.Delivered == 0:
		t.Errorf("nothing was delivered, so nothing is proven: %s", tally)
	default:
		t.Log(tally)
	}
	return tally
}

func (l *Ledger) noteLocked(format string, args ...any) {
	if len(l.notes) >= maxNotes {
		l.more++
		return
	}
	at := l.Since().Round(time.Millisecond)
	l.notes = append(l.notes, fmt.Sprintf("at %s: ", at)+fmt.Sprintf(format, args...))
}
