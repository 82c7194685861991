package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Share is which part of all calls goes through a relay: an estimate with its interval. A figure that is given rather than measured has no width.
type Share struct {
	Estimate, Low, High float64
	// Pairs of networks that it was measured between; 0: it was given.
	Pairs int
}

// Given is a share that somebody states.
func Given(share float64) Share { return Share{Estimate: share, Low: share, High: share} }

func (s Share) from() string {
	if s.Pairs == 0 {
		return "given"
	}
	return fmt.Sprintf("measured between %d pairs; its interval is %g to %g", s.Pairs, s.Low, s.High)
}

// maxResults bounds a file of results, in bytes.
const maxResults = 16 << 20

// ReadShare reads the relay share out of a file of results: a JSON object with
//
//	"relayShare": {"estimate": 0.22, "low": 0.18, "high": 0.27, "pairs": 312}
//
// beside whatever else it holds: low and high bound the interval, and pairs counts the distinct pairs behind it. Anything less is an error, as a plan that
// rests on a share without knowing how sure it is would look better than it is.
func ReadShare(r io.Reader) (Share, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxResults+1))
	if err != nil {
		return Share{}, err
	}
	if len(text) > maxResults {
		return Share{}, fmt.Errorf("longer than %d bytes; is it a file of results?", maxResults)
	}
	var file struct {
		RelayShare *struct {
			Estimate *float64 `json:"estimate"`
			Low      *float64 `json:"low"`
			High     *float64 `json:"high"`
			Pairs    *int     `json:"pairs"`
		} `json:"relayShare"`
	}
	const want = `want "relayShare": {"estimate": 0.22, "low": 0.18, "high": 0.27, "pairs": 312}`
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&file); err != nil {
		return Share{}, fmt.Errorf("not a JSON object of results: %w; %s", err, want)
	}
	s := file.RelayShare
	switch {
	case s == nil:
		return Share{}, fmt.Errorf("no relayShare in it; %s", want)
	case s.Estimate == nil || s.Low == nil || s.High == nil || s.Pairs == nil:
		return Share{}, fmt.Errorf("its relayShare lacks estimate, low, high or pairs; %s", want)
	case !(0 <= *s.Low && *s.Low <= *s.Estimate && *s.Estimate <= *s.High && *s.High <= 1):
		return Share{}, fmt.Errorf("its relayShare %g is not within its interval %g to %g, from 0 to 1; %s", *s.Estimate, *s.Low, *s.High, want)
	case *s.Pairs < 1:
		return Share{}, fmt.Errorf("its relayShare rests on %d pairs; %s", *s.Pairs, want)
	}
	return Share{*s.Estimate, *s.Low, *s.High, *s.Pairs}, nil
}
