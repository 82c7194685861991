package pair

import (
	"context"
	"encoding/binary"
	"math"
	"time"

	"github.com/pion/webrtc/v4"
)

// A transfer tells how much a path carries, within bounds: as much as a relay's operator can bear to have asked of it for every attempt.
const (
	maxTransfer   = 1 << 20 // bytes
	transferTime  = 2 * time.Second
	transferChunk = 1200
	// transferAhead is how much may wait to be sent.
	transferAhead = 128 << 10
	// transferWait is how long one side waits for the other, beyond the transfer itself.
	transferWait = 3 * time.Second
)

// The first byte of a message of the transfer says what it is.
const (
	chunk byte = 'c'
	start byte = 's' // the other side has done what came before
	end   byte = 'e' // nothing more comes
	speed byte = 'k' // kbit/s, as a float64
)

// transfer is one, from the side that offers to the other. The callbacks of its channel come one after another.
type transfer struct {
	dc      *webrtc.DataChannel
	started chan struct{}
	result  chan float64
	drained chan struct{}

	// Of the side that receives, and of its callbacks alone.
	first, last time.Time
	bytes       int // that came after the first
}

func openTransfer(pc *webrtc.PeerConnection) (*transfer, error) {
	negotiated, id := true, uint16(1)
	dc, err := pc.CreateDataChannel("transfer", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		return nil, err
	}
	t := &transfer{dc: dc, started: make(chan struct{}, 1), result: make(chan float64, 1), drained: make(chan struct{}, 1)}
	dc.SetBufferedAmountLowThreshold(transferAhead / 2)
	dc.OnBufferedAmountLow(func() { put(t.drained, struct{}{}) })
	dc.OnMessage(func(msg webrtc.DataChannelMessage) { t.heard(msg.Data, time.Now()) })
	return t, nil
}

func put[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}

func (t *transfer) heard(b []byte, now time.Time) {
	switch {
	case len(b) == transferChunk && b[0] == chunk:
		if t.first.IsZero() {
			t.first = now
		} else {
			t.bytes += len(b)
		}
		t.last = now
	case len(b) == 1 && b[0] == start:
		put(t.started, struct{}{})
	case len(b) == 1 && b[0] == end:
		rate := kbitPerS(t.bytes, t.last.Sub(t.first))
		put(t.result, rate)
		_ = t.dc.Send(binary.BigEndian.AppendUint64([]byte{speed}, math.Float64bits(rate)))
	case len(b) == 9 && b[0] == speed:
		if rate := math.Float64frombits(binary.BigEndian.Uint64(b[1:])); rate >= 0 && rate < maxKbitPerS {
			put(t.result, rate)
		}
	}
}

// maxKbitPerS is what a record can hold.
const maxKbitPerS = 1e9

// kbitPerS is 0 where there is too little to tell.
func kbitPerS(bytes int, took time.Duration) float64 {
	if bytes == 0 || took < time.Millisecond {
		return 0
	}
	return math.Round(8 * float64(bytes) / took.Seconds() / 1000)
}

// run does one side of it, and gives what the receiving side has measured: 0 if that could not be told.
func (t *transfer) run(ctx context.Context, sends bool) float64 {
	ctx, stop := context.WithTimeout(ctx, transferTime+2*transferWait)
	defer stop()
	if !sends {
		if t.dc.Send([]byte{start}) != nil {
			return 0
		}
		return t.await(ctx)
	}
	select {
	case <-t.started:
	case <-ctx.Done():
		return 0
	}
	t.send(ctx)
	return t.await(ctx)
}

func (t *transfer) await(ctx context.Context) float64 {
	select {
	case rate := <-t.result:
		return rate
	case <-ctx.Done():
		return 0
	}
}

// send sends for so long, or so much.
func (t *transfer) send(ctx context.Context) {
	until := time.NewTimer(transferTime)
	defer until.Stop()
	b := make([]byte, transferChunk)
	b[0] = chunk
	for sent := 0; sent < maxTransfer; sent += len(b) {
		for t.dc.BufferedAmount() > transferAhead {
			select {
			case <-t.drained:
			case <-until.C:
				_ = t.dc.Send([]byte{end})
				return
			case <-ctx.Done():
				return
			}
		}
		if t.dc.Send(b) != nil {
			return
		}
	}
	_ = t.dc.Send([]byte{end})
}
