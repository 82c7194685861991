package wire

import (
	"slices"
	"strconv"
)

// object walks a member that must be an object; each member's name comes decoded.
func (r *reader) object(name string, raw []byte, member func(name string, value []byte) error) {
	if raw[0] != '{' {
		r.fail(Errorf(CodeBadRequest, "%s: want an object", name))
		return
	}
	s := scanner{b: raw}
	seen := make(map[string]bool)
	err := s.members(func(key, value []byte) error {
		k, ok := unquote(key)
		if !ok || seen[k] {
			return Errorf(CodeBadRequest, "%s: bad or repeated member %.40q", name, k)
		}
		seen[k] = true
		return member(k, value)
	})
	if err != nil {
		r.fail(err)
	}
}

// resume reads hello's resume member; all three of its members are required.
func (r *reader) resume() *Resume {
	raw := r.raw("resume", false)
	if raw == nil || string(raw) == "null" {
		return nil
	}
	res := &Resume{Seen: make(map[Source]uint64)}
	var has int
	r.object("resume", raw, func(name string, value []byte) error {
		var err error
		var s string
		has++
		switch name {
		case "session":
			s, err = text("resume.session", value)
			res.Session = SessionID(s)
		case "key":
			res.Key, err = text("resume.key", value)
		case "seen":
			r.object("resume.seen", value, func(source string, n []byte) error {
				var src Source
				num, numErr := strconv.ParseUint(string(n), 10, 64)
				if numErr != nil {
					return Errorf(CodeBadRequest, "resume.seen: want whole numbers")
				}
				// A source that no edge made can't be matched by any event: it is of no use, and no harm.
				if src.UnmarshalText([]byte(source)) == nil {
					res.Seen[src] = num
				}
				return nil
			})
		default:
			err = Errorf(CodeBadRequest, "resume has no member %.40q", name)
		}
		return err
	})
	if r.err == nil && has != 3 {
		r.fail(Errorf(CodeBadRequest, "resume: want session, key and seen"))
	}
	return res
}

// outcome reads report's outcome. Members that are unknown here are passed over: a newer page may report more than an older edge counts.
func (r *reader) outcome() Outcome {
	var o Outcome
	raw := r.raw("outcome", true)
	if raw == nil {
		return o
	}
	r.object("outcome", raw, func(name string, value []byte) error {
		var err error
		switch name {
		case "result":
			o.Result, err = member(value, name, outcomeValues.results)
		case "path":
			o.Path, err = member(value, name, outcomeValues.paths)
		case "protocol":
			o.Protocol, err = member(value, name, outcomeValues.protocols)
		case "step":
			o.Step, err = member(value, name, outcomeValues.steps)
		case "relayRegion":
			var s string
			if s, err = text(name, value); err == nil && s != "" {
				if o.RelayRegion, err = ParseRegion(s); err != nil {
					err = Errorf(CodeBadRequest, "outcome.%s", err)
				}
			}
		case "network":
			if o.Network, err = text(name, value); len(o.Network) > 32 {
				err = Errorf(CodeBadRequest, "outcome.network: want at most 32 bytes")
			}
		case "ms":
			var f float64
			f, err = number(value, name)
			o.Ms = int64(f)
		case "rttMs":
			o.RTTMs, err = number(value, name)
		}
		return err
	})
	if r.err == nil && o.Result == "" {
		if o.Result = ResultFailed; o.Path != "" {
			o.Result = ResultConnected
		}
	}
	return o
}

func member[T ~string](value []byte, name string, allowed []T) (T, error) {
	s, err := text("outcome."+name, value)
	if err == nil && !slices.Contains(allowed, T(s)) {
		err = Errorf(CodeBadRequest, "outcome.%s: want one of %v", name, allowed)
	}
	return T(s), err
}

// number reads milliseconds: 0 to an hour.
func number(value []byte, name string) (float64, error) {
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || f < 0 || f > 3600e3 {
		return 0, Errorf(CodeBadRequest, "outcome.%s: want milliseconds from 0 to 3600000", name)
	}
	return f, nil
}
