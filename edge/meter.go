package edge

import (
	"errors"
	"sync/atomic"

	"callmesh/bus/wire"
)

// maxRawFrame is how many bytes one frame may take on the wire: as many again as it holds, for the heads of its fragments and the control frames
// among them. The WebSocket library passes over fragments, empty ones too, without telling; they are told by the bytes that they take.
const maxRawFrame = 2*wire.MaxFrameBytes + 8<<10

var errFragments = errors.New("a frame in more fragments than it has bytes")

// meter knows how many bytes have come through a connection since the last whole frame.
type meter struct {
	in      atomic.Int64
	tripped atomic.Bool
}

// took counts what was read. It returns errFragments once, at a frame that takes too much. What comes then is read on for the closing handshake, which
// has its own end.
func (m *meter) took(n int) error {
	if m.in.Add(int64(n)) > maxRawFrame && m.tripped.CompareAndSwap(false, true) {
		return errFragments
	}
	return nil
}

// lift ends the bound, for the closing handshake.
func (m *meter) lift() { m.tripped.Store(true) }

// frame tells how many bytes have come since it was called last.
func (m *meter) frame() int { return int(m.in.Swap(0)) }
