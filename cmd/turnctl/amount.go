package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// amount is a figure with a unit's prefix: 64k, 2.5M, 1G (thousands), 512Mi, 4Gi (1024s).
type amount float64

var prefixes = []struct {
	suffix string
	by     float64
}{{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *amount) UnmarshalText(text []byte) error {
	s, by := string(text), 1.0
	for _, p := range prefixes {
		if rest, ok := strings.CutSuffix(s, p.suffix); ok {
			s, by = rest, p.by
			break
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) || math.IsInf(f*by, 0) {
		return errors.New("want a number, with k, M or G behind it for more")
	}
	*a = amount(f * by)
	return nil
}

// share is a part of a whole, 0 to 1.
type share float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *share) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return errors.New("want a number from 0 to 1")
	}
	*s = share(f)
	return nil
}
