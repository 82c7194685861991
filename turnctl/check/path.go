package check

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// echo is a packet that the peer sends back: a byte, a number, the rest for its size.
func echo(n uint32, size int) []byte {
	b := make([]byte, size)
	b[0] = echoByte
	binary.BigEndian.PutUint32(b[1:], n)
	return b
}

// echoHeader is the least size of an echo, in bytes.
const echoHeader = 5

// echoed is the number in a packet that came back; false for any other.
func echoed(p turnclient.Packet) (uint32, bool) {
	if len(p.Payload) < echoHeader || p.Payload[0] != echoByte {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Payload[1:]), true
}

// relay sends a payload to the peer, by the channel once there is one.
func (l *ladder) relay(payload []byte) error {
	if l.channelled {
		return l.client.SendChannel(channel, payload)
	}
	return l.client.Send(l.peer.Address(), payload)
}

// echoSend has one packet echoed by Send and Data indications (RFC 8656, section 11).
func (l *ladder) echoSend(i *verdict.Item) {
	l.echoOnce(i, "Send and Data indications", func(p turnclient.Packet) bool { return p.Channel == 0 })
}

// echoChannel has one packet echoed by channel data (RFC 8656, section 12.4).
func (l *ladder) echoChannel(i *verdict.Item) {
	l.echoOnce(i, "channel data", func(p turnclient.Packet) bool { return p.Channel == channel })
}

// echoOnce repeats an echo until one comes back as it is to.
func (l *ladder) echoOnce(i *verdict.Item, by string, right func(turnclient.Packet) bool) {
	over := time.NewTimer(l.o.Timeout)
	defer over.Stop()
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	first := binary.BigEndian.Uint32(b[:])
	var sent []time.Time
	lost := func(err error) {
		fail(i, verdict.Critical, err, "", "no echo through the relay by %s", by)
	}
	for {
		n := uint32(len(sent))
		sent = append(sent, time.Now())
		if err := l.relay(echo(first+n, 64)); err != nil {
			lost(err)
			return
		}
		for waiting := true; waiting; {
			select {
			case p := <-l.client.Packets():
				back, ok := echoed(p)
				if n := back - first; ok && n < uint32(len(sent)) && right(p) {
					i.Took = time.Since(sent[n])
					i.Summary = fmt.Sprintf("echo by %s, as sent", by)
					if len(sent) > 1 {
						i.Summary = fmt.Sprintf("echo by %s, after %d packets", by, len(sent))
					}
					return
				}
			case <-again.C:
				waiting = false
			case <-over.C:
				lost(turnclient.ErrNoAnswer)
				return
			case <-l.client.Ended():
				lost(l.client.Err())
				return
			case <-l.ctx.Done():
				lost(l.ctx.Err())
				return
			}
		}
	}
}

const (
	pathSize     = 160                   // bytes: a packet of speech
	pathInterval = 20 * time.Millisecond // between them, as speech has it
)

// path measures round trips of packets such as a call sends.
func (l *ladder) path(i *verdict.Item) {
	sent := make([]time.Time, 0, l.o.Packets)
	trips := make([]time.Duration, l.o.Packets) // 0: not back
	back := 0
	next := time.NewTicker(pathInterval)
	defer next.Stop()
	var over <-chan time.Time
	for back < l.o.Packets {
		select {
		case <-next.C:
			if len(sent) == l.o.Packets {
				if over == nil {
					over = time.After(min(l.o.Timeout, time.Second)) // the last ones' time
				}
				continue
			}
			sent = append(sent, time.Now())
			if err := l.relay(echo(uint32(len(sent)-1), pathSize)); err != nil {
				fail(i, verdict.Critical, err, "", "the path broke while it was measured")
				return
			}
			continue
		case p := <-l.client.Packets():
			if n, ok := echoed(p); ok && int(n) < len(sent) && trips[n] == 0 {
				trips[n] = time.Since(sent[n])
				back++
			}
			continue
		case <-over:
		case <-l.client.Ended():
			fail(i, verdict.Critical, l.client.Err(), "", "the path broke while it was measured")
			return
		case <-l.ctx.Done():
			fail(i, verdict.Critical, l.ctx.Err(), "", "interrupted")
			return
		}
		break
	}
	judgePath(i, summarize(trips))
}

// throughputTime and throughputBytes bound the measurement of throughput, whichever is reached first.
const (
	throughputTime   = time.Second
	throughputBytes  = 4 << 20
	throughputSize   = 1000 // bytes of payload, below any path's MTU
	throughputWindow = 32   // packets on their way
)

// throughput keeps a window of packets on the path: the relay's own pace sets the rate, so that no queue is filled.
func (l *ladder) throughput(i *verdict.Item) {
	if l.o.Quick {
		skip(i, "not measured in the quick way")
		return
	}
	start := time.Now()
	over := time.NewTimer(throughputTime)
	defer over.Stop()
	stalled := time.NewTicker(200 * time.Millisecond)
	defer stalled.Stop()
	var sent, back, since uint32
	flying := 0
	came := make([]bool, throughputBytes/throughputSize+1) // each counts once, and none that was not sent
	fill := func() error {
		for ; flying < throughputWindow && int(sent)*throughputSize < throughputBytes; flying++ {
			if err := l.relay(echo(1<<31+sent, throughputSize)); err != nil {
				return err
			}
			sent++
		}
		return nil
	}
	for measuring := true; measuring && int(back)*throughputSize < throughputBytes; {
		if err := fill(); err != nil {
			fail(i, verdict.High, err, "", "the path broke under load")
			return
		}
		select {
		case p := <-l.client.Packets():
			if n, ok := echoed(p); ok && n >= 1<<31 && n-1<<31 < sent && !came[n-1<<31] {
				came[n-1<<31] = true
				back++
				flying = max(0, flying-1)
			}
		case <-stalled.C:
			if back == since {
				flying = 0 // all that was on its way is lost
				measuring = int(sent)*throughputSize < throughputBytes
			}
			since = back
		case <-over.C:
			measuring = false
		case <-l.client.Ended():
			fail(i, verdict.High, l.client.Err(), "", "the path broke under load")
			return
		case <-l.ctx.Done():
			measuring = false
		}
	}
	bits := float64(back) * throughputSize * 8 / time.Since(start).Seconds()
	value(i, "throughput_bits_per_second", float64(int64(bits)))
	i.Summary = fmt.Sprintf("%.1f Mbit/s each way, of %d packets %d came back", bits/1e6, sent, back)
	if back == 0 {
		fail(i, verdict.High, nil, "raise max-bps and bps-capacity in turnserver.conf", "no packet of %d bytes came back", throughputSize)
	} else if bits < minThroughput {
		warn(i, verdict.Medium, "raise max-bps (bytes per second) and bps-capacity in turnserver.conf",
			"%.0f kbit/s each way: too little for one video call", bits/1e3)
	}
}

// minThroughput is what a video call takes at the least, in bits per second.
const minThroughput = 500_000
