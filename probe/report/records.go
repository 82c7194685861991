package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"callmesh/bus/wire"
)

// maxWhy bounds reasons, in runes; the rest is cut. Labels are never cut: two that begin alike would be counted as one.
const maxWhy = 160

// modes in the order in which they are told.
var modes = wire.Modes()

// tidy takes out of texts what a terminal or a reader would be misled by. How long labels are is bounded by [wire.Traversal.Validate].
func tidy(t wire.Traversal) wire.Traversal {
	for i := range t.Ends {
		e := &t.Ends[i]
		e.Name, e.Region = wire.AgentID(plain(string(e.Name))), wire.Region(plain(string(e.Region)))
		e.Network, e.Mapping, e.Filtering = plain(e.Network), plain(e.Mapping), plain(e.Filtering)
	}
	t.RelayRegion, t.Step, t.Why = wire.Region(plain(string(t.RelayRegion))), wire.Step(plain(string(t.Step))), cutWhy(plain(t.Why))
	t.Path, t.Theirs, t.Protocol = wire.PathKind(plain(string(t.Path))), wire.PathKind(plain(string(t.Theirs))), wire.Protocol(plain(string(t.Protocol)))
	return t
}

// plain is one line of text without controls and without marks that turn the direction of what follows.
func plain(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.TrimSpace(s)
}

func cutWhy(s string) string {
	if r := []rune(s); len(r) > maxWhy {
		return string(r[:maxWhy-1]) + ellipsis
	}
	return s
}

// once gives each attempt once, in the order in which they began. Of records that were stored several times the first counts.
func once(source wire.TraversalSource, records []wire.Traversal) []wire.Traversal {
	slices.SortStableFunc(records, func(a, b wire.Traversal) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Pair, b.Pair), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.N, b.N), cmp.Compare(a.Run, b.Run), cmp.Compare(a.ID, b.ID))
	})
	var attempts []wire.Traversal
	seen := map[string]bool{}
	single := map[string]int{} // of a call's pair, the attempt that only one end has told of
	for _, t := range records {
		key := t.Key()
		if seen[key] {
			continue
		}
		seen[key] = true
		if source == wire.SourceCall {
			i, ok := single[t.Pair]
			if ok && t.At-attempts[i].At <= SameAttempt.Milliseconds() {
				attempts[i] = both(attempts[i], t)
				delete(single, t.Pair)
				continue
			}
			single[t.Pair] = len(attempts)
		}
		attempts = append(attempts, t)
	}
	return attempts
}

// reached are results by how far the attempt came. Of two ends, it came as far as the one that came the least far.
var reached = []wire.Result{wire.ResultNoSignalling, wire.ResultNoCandidates, wire.ResultFailed, wire.ResultConnected}

// both is one attempt as its two ends told of it.
func both(a, b wire.Traversal) wire.Traversal {
	t, other := a, b
	if slices.Index(reached, b.Result) < slices.Index(reached, a.Result) {
		t, other = b, a
	}
	t.At = min(a.At, b.At)
	t.Ends[1] = other.Ends[0]
	if t.Result != wire.ResultConnected {
		return t
	}
	t.Ms, t.ConnectMs, t.PairMs, t.GatherMs = max(a.Ms, b.Ms), max(a.ConnectMs, b.ConnectMs), max(a.PairMs, b.PairMs), max(a.GatherMs, b.GatherMs)
	t.Theirs = other.Path
	// What carries the path, and which relay it goes through, is known to the end whose relay it is.
	if t.Path != wire.PathRelay && other.Path == wire.PathRelay {
		t.Path, t.Theirs, t.Protocol, t.RelayRegion = other.Path, t.Path, other.Protocol, other.RelayRegion
		t.Ends[0], t.Ends[1] = t.Ends[1], t.Ends[0]
	}
	return t
}

// relayed says whether media went through a relay at either end, and known whether that could be told.
func relayed(t wire.Traversal) (yes, known bool) {
	return t.Path == wire.PathRelay || t.Theirs == wire.PathRelay, t.Path != "" || t.Theirs != ""
}

func only(attempts []wire.Traversal, m wire.TraversalMode) (of []wire.Traversal) {
	for _, a := range attempts {
		if a.Mode == m {
			of = append(of, a)
		}
	}
	return of
}

// protocolOf is what carries the path of an attempt. Where only the other end has a relay, what this one sends to it says nothing of how that end reaches it.
func protocolOf(a wire.Traversal) string {
	if a.Path != wire.PathRelay && a.Theirs == wire.PathRelay {
		return unknown
	}
	return cmp.Or(string(a.Protocol), unknown)
}
