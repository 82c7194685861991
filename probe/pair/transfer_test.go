package pair

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

func TestKbitPerS(t *testing.T) {
	for _, c := range []struct {
		bytes int
		took  time.Duration
		want  float64
	}{{125_000, time.Second, 1000}, {1 << 20, 2 * time.Second, 4194}, {0, time.Second, 0}, {1 << 20, 0, 0}} {
		if got := kbitPerS(c.bytes, c.took); got != c.want {
			t.Errorf("%d bytes in %s: %v, want %v", c.bytes, c.took, got, c.want)
		}
	}
}

// What the other side sends is a stranger's: nothing but whole chunks counts, and no rate is taken that a record can't hold.
func TestATransferThatIsNone(t *testing.T) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	}()
	tr, err := openTransfer(pc)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, b := range [][]byte{nil, {chunk}, {end, end}, {speed, 1}, append([]byte{speed}, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0), append([]byte{speed}, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0), {'x'}} {
		tr.heard(b, now)
	}
	if len(tr.result) != 0 || len(tr.started) != 0 || tr.bytes != 0 {
		t.Errorf("taken: %d results, %d bytes", len(tr.result), tr.bytes)
	}
	whole := make([]byte, transferChunk)
	whole[0] = chunk
	for i := range 11 {
		tr.heard(whole, now.Add(time.Duration(i)*100*time.Millisecond))
	}
	tr.heard([]byte{end}, now.Add(time.Hour))
	tr.heard([]byte{end}, now.Add(time.Hour)) // a second end does not wait for anybody
	if got := <-tr.result; got != 96 {
		t.Errorf("12000 bytes in a second: %v kbit/s", got)
	}
}
