package wire

import (
	"fmt"
	"strings"
	"testing"
)

// signalFrame is a signal request whose whole frame has size bytes.
func signalFrame(size int) []byte {
	const format = `{"id":17,"op":"signal","room":"lobby","to":"abcdefghij234567","data":{"type":"description","sdp":"%s"}}`
	return fmt.Appendf(nil, format, strings.Repeat("v", size-len(format)+len("%s")))
}

var sizes = []struct {
	name string
	size int
}{{"200B", 200}, {"1.5KB", 1536}}

func BenchmarkDecodeRequest(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			frame := signalFrame(s.size)
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeRequest(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchEnvelope(size int) Envelope {
	e := Envelope{Kind: KindEvent, Event: EvSignal, Source: 0x86ebf569870dfb94, N: 41, At: 1760000000000, Gen: 1, Edge: "edgeedgeedge", From: "abcdefghij234567", To: "qrstuvwxyz765432", Key: []byte("m-1")}
	e.Body = AppendSignal(nil, e.Mid(), e.At, "lobby", e.From, []byte(`"`+strings.Repeat("v", size)+`"`))
	return e
}

func BenchmarkEnvelopeAppend(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			e := benchEnvelope(s.size)
			buf := e.Append(nil)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = e.Append(buf[:0])
			}
		})
	}
}

func BenchmarkParseEnvelope(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			e := benchEnvelope(s.size)
			raw := e.Append(nil)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseEnvelope(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendSignal(b *testing.B) {
	data := signalFrame(200)
	buf := make([]byte, 0, 1024)
	mid := Mid{0x86ebf569870dfb94, 41}
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendSignal(buf[:0], mid, 1760000000000, "lobby", "abcdefghij234567", data)
	}
}
