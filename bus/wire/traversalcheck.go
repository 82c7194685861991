package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Bounds of what is kept of an attempt.
const (
	MaxTraversalBytes = 4 << 10
	// MaxRepeat bounds the repetitions of a pair in a mode.
	MaxRepeat = 10_000

	maxPairBytes    = 128
	maxNetworkBytes = 64
	maxReasonBytes  = 512
	maxAttemptMs    = 3600e3
	maxKbitPerS     = 1e9
	maxAt           = 253402300799999 // the end of the year 9999, behind which no date can be written as RFC 3339 has it
)

// behaviours are what of RFC 4787 can stand in a record; empty: nobody has tried to tell.
var behaviours = struct{ mappings, filterings []string }{
	[]string{"", "EIM", "ADM", "APDM", "unknown"},
	[]string{"", "EIF", "ADF", "APDF", "unknown"},
}

// ParseTraversal reads a record as it is kept: everything in it is bounded and checked.
func ParseTraversal(value []byte) (Traversal, error) {
	if len(value) > MaxTraversalBytes {
		return Traversal{}, fmt.Errorf("traversal: %d bytes: want at most %d", len(value), MaxTraversalBytes)
	}
	var t Traversal
	if err := json.Unmarshal(value, &t); err != nil {
		return Traversal{}, fmt.Errorf("traversal: %w", err)
	}
	return t, t.Validate()
}

// Validate says what is wrong with a record.
func (t *Traversal) Validate() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("traversal %.40q: %w", t.Pair, fmt.Errorf(format, args...))
	}
	if err := validText("pair", t.Pair, maxPairBytes); err != nil {
		return wrong("%w", err)
	}
	switch {
	case t.At <= 0 || t.At > maxAt:
		return wrong("at %d: want Unix ms", t.At)
	case !slices.Contains(Modes(), t.Mode):
		return wrong("mode %.20q: want one of %v", t.Mode, Modes())
	case t.Theirs != "" && !slices.Contains(outcomeValues.paths, t.Theirs):
		return wrong("theirs %.20q: want one of %v", t.Theirs, outcomeValues.paths)
	}
	outcome, err := t.Outcome, t.validSource()
	for i := 0; err == nil && i < len(t.Ends); i++ {
		err = t.Ends[i].validate()
	}
	if err == nil {
		err = outcome.validate()
	}
	if err == nil {
		err = t.validFigures()
	}
	if err == nil && t.Why != "" {
		err = validText("why", t.Why, maxReasonBytes)
	}
	if err != nil {
		return wrong("%w", err)
	}
	return nil
}

// validSource checks what a record must have for who made it.
func (t *Traversal) validSource() error {
	a, b := t.Ends[0].Name, t.Ends[1].Name
	switch t.Source {
	case SourceProbe:
		if _, err := ParseRunID(string(t.Run)); err != nil {
			return err
		}
		switch {
		case t.ID != "":
			return fmt.Errorf("id %.20q: pair tests have none", t.ID)
		case t.N < 1 || t.N > MaxRepeat:
			return fmt.Errorf("repetition %d: want 1 to %d", t.N, MaxRepeat)
		case a == "" || a >= b:
			return fmt.Errorf("of %.20q and %.20q: want two agents, ordered by name", a, b)
		case t.Pair != PairOf(a, b):
			return fmt.Errorf("want the pair %q", PairOf(a, b))
		}
	case SourceCall:
		if !PeerID(t.ID).Valid() {
			return fmt.Errorf("id %.20q: want 16 of a-z and 2-7", t.ID)
		}
		if t.Run != "" || t.N != 0 || a != "" || b != "" || t.Mode != ModeAll {
			return fmt.Errorf("of a real call: want mode %s, and no run, repetition and names", ModeAll)
		}
	default:
		return fmt.Errorf("source %.20q: want %s or %s", t.Source, SourceProbe, SourceCall)
	}
	return nil
}

func (e *TraversalEnd) validate() error {
	if e.Name != "" {
		if _, err := ParseAgentID(string(e.Name)); err != nil {
			return err
		}
	}
	if e.Region != "" {
		if _, err := ParseRegion(string(e.Region)); err != nil {
			return err
		}
	}
	if e.Network != "" {
		if err := validText("network", e.Network, maxNetworkBytes); err != nil {
			return err
		}
	}
	if !slices.Contains(behaviours.mappings, e.Mapping) || !slices.Contains(behaviours.filterings, e.Filtering) {
		return fmt.Errorf("behaviour %.10q/%.10q: want one of %v and of %v, or nothing", e.Mapping, e.Filtering, behaviours.mappings[1:], behaviours.filterings[1:])
	}
	if told := e.Mapping + e.Filtering; e.UDPBlocked && told != "" && told != "unknownunknown" {
		return fmt.Errorf("behaviour %s/%s where UDP is blocked: want unknown, or nothing", e.Mapping, e.Filtering)
	}
	return nil
}

// validate checks an outcome that was not decoded from a client's frame.
func (o *Outcome) validate() error {
	switch {
	case !slices.Contains(outcomeValues.results, o.Result):
		return fmt.Errorf("result %.20q: want one of %v", o.Result, outcomeValues.results)
	case o.Path != "" && !slices.Contains(outcomeValues.paths, o.Path):
		return fmt.Errorf("path %.20q: want one of %v", o.Path, outcomeValues.paths)
	case o.Protocol != "" && !slices.Contains(outcomeValues.protocols, o.Protocol):
		return fmt.Errorf("protocol %.20q: want one of %v", o.Protocol, outcomeValues.protocols)
	case o.Step != "" && !slices.Contains(outcomeValues.steps, o.Step):
		return fmt.Errorf("step %.20q: want one of %v", o.Step, outcomeValues.steps)
	case o.Ms < 0 || o.Ms > maxAttemptMs:
		return fmt.Errorf("ms %d: want 0 to %.0f", o.Ms, float64(maxAttemptMs))
	}
	if o.RelayRegion != "" {
		if _, err := ParseRegion(string(o.RelayRegion)); err != nil {
			return err
		}
	}
	if o.Network != "" {
		return validText("network", o.Network, maxNetworkBytes)
	}
	return nil
}

func (t *Traversal) validFigures() error {
	for _, f := range []struct {
		name       string
		value, max float64
	}{
		{"gatherMs", float64(t.GatherMs), maxAttemptMs},
		{"pairMs", float64(t.PairMs), maxAttemptMs},
		{"connectMs", float64(t.ConnectMs), maxAttemptMs},
		{"rttMs", t.RTTMs, maxAttemptMs},
		{"jitterMs", t.JitterMs, maxAttemptMs},
		{"loss", t.Loss, 1},
		{"kbitPerS", t.KbitPerS, maxKbitPerS},
	} {
		if math.IsNaN(f.value) || f.value < 0 || f.value > f.max {
			return fmt.Errorf("%s %v: want 0 to %v", f.name, f.value, f.max)
		}
	}
	return nil
}

// ParseAgentID checks a vantage point's name.
func ParseAgentID(s string) (AgentID, error) {
	if !isName(s) {
		return "", fmt.Errorf("agent %.40q: want 1 to 63 of a-z, 0-9 and '-', not beginning with '-'", s)
	}
	return AgentID(s), nil
}

// ParseRunID checks a run's name.
func ParseRunID(s string) (RunID, error) {
	if !isName(s) {
		return "", fmt.Errorf("run %.40q: want 1 to 63 of a-z, 0-9 and '-', not beginning with '-'", s)
	}
	return RunID(s), nil
}

// isName tells whether s can be a token of a subject, and a key, as it is.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 63
}
