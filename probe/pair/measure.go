package pair

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"
)

// What is sent over an open channel. Both sides do it at once, so each carries as much again for the other.
const (
	maxPackets  = 50
	packetEvery = 20 * time.Millisecond
	packetBytes = 160 // as much as a voice's 20 ms of G.711
	lastWait    = time.Second
)

// The first byte of a packet says what it is.
const (
	question byte = 'q'
	echo     byte = 'e'
)

// heard answers the other's packets and takes the answers to ours.
func (l *link) heard(dc *webrtc.DataChannel, b []byte) {
	if len(b) != packetBytes {
		return
	}
	switch b[0] {
	case question:
		back := slices.Clone(b)
		back[0] = echo
		_ = dc.Send(back)
	case echo:
		select {
		case l.echoes <- b:
		default: // more than were sent
		}
	}
}

// measure sends packets at the pace of a voice and times those that come back.
func (l *link) measure(ctx context.Context, a *Attempt) {
	sent := make([]time.Time, maxPackets)
	trips := make([]time.Duration, maxPackets)
	tick := time.NewTicker(packetEvery)
	defer tick.Stop()
	var last <-chan time.Time
	next, back := 0, 0
	for back < maxPackets {
		select {
		case <-tick.C:
			if next == maxPackets {
				continue
			}
			p := make([]byte, packetBytes)
			p[0] = question
			binary.BigEndian.PutUint16(p[1:], uint16(next))
			sent[next] = time.Now()
			if l.packets.Send(p) != nil {
				sent[next] = time.Time{}
			}
			if next++; next == maxPackets {
				timer := time.NewTimer(lastWait)
				defer timer.Stop()
				last = timer.C
			}
		case p := <-l.echoes:
			n := int(binary.BigEndian.Uint16(p[1:]))
			if n < next && trips[n] == 0 && !sent[n].IsZero() {
				trips[n] = time.Since(sent[n])
				back++
			}
		case <-last:
			summarize(a, trips)
			return
		case <-l.over:
			summarize(a, trips)
			return
		case <-ctx.Done():
			return
		}
	}
	summarize(a, trips)
}

// summarize turns round trips, in the order in which they were sent, 0 for those that did not come back, into figures.
func summarize(a *Attempt, trips []time.Duration) {
	var all []time.Duration
	var wander time.Duration
	for _, t := range trips {
		if t == 0 {
			continue
		}
		if len(all) > 0 {
			wander += (t - all[len(all)-1]).Abs()
		}
		all = append(all, t)
	}
	a.Loss = 1 - float64(len(all))/float64(len(trips))
	if len(all) == 0 {
		return
	}
	if len(all) > 1 {
		a.JitterMs = ms(wander) / float64(len(all)-1)
	}
	slices.Sort(all)
	a.RTTMs = ms(all[len(all)/2])
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
