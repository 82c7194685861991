package edge

import (
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// How far a session has come with a source does not say that it was given all of it up to there: what no stream took, and what was not heard live either,
// is passed over. Should that be sent again with its key, the session has not had it, however far it has come.

// gap is what of a source was passed over.
type gap struct {
	Source wire.Source `json:"s"`
	From   uint64      `json:"f"`
	To     uint64      `json:"t"`
	At     int64       `json:"a"` // when it was passed over, in Unix ms
}

// maxGaps bounds those that are remembered of a scope. There are none but after faults, and each is one for all that was lost in a row.
const maxGaps = 16

// maxKeyGaps bounds those that a resume key names, of all rooms: a hello must hold it.
const maxKeyGaps = 32

// passOverLocked notes that of a source nothing came between two numbers.
func (h *hearing) passOverLocked(source wire.Source, after, before uint64) {
	if before <= after+1 {
		return
	}
	h.gaps = append(h.gaps, gap{source, after + 1, before - 1, time.Now().UnixMilli()})
	if len(h.gaps) > maxGaps {
		h.gaps = h.gaps[len(h.gaps)-maxGaps:]
	}
}

// goneOverLocked passes over what is missing before an event, which goes on.
func (h *hearing) goneOverLocked(s *sourceState, env *wire.Envelope) {
	if s.known {
		h.passOverLocked(env.Source, s.applied, env.N)
	}
	s.known, s.applied = true, env.N
}

// gapsOfLocked are the latest ones of what the member was not given: here, and where it was before. What was sent so long ago is not sent again.
func (r *room) gapsOfLocked(m *member, most int) (list []gap) {
	since := time.Now().Add(-bus.ReplayAge).UnixMilli()
	for _, g := range m.gaps {
		if g.At >= since {
			list = append(list, g)
		}
	}
	for _, g := range r.gaps {
		if g.At >= max(since, m.came) {
			list = append(list, g)
		}
	}
	return list[max(0, len(list)-most):]
}

// passedOver tells whether an event was passed over where the session was.
func (c *catchUp) passedOver(mid wire.Mid) bool {
	for _, g := range c.gaps {
		if g.Source == mid.Source && g.From <= mid.N && mid.N <= g.To {
			return true
		}
	}
	return false
}
