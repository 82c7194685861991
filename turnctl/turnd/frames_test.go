package turnd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestReadFrame(t *testing.T) {
	binding := append([]byte{0, 1, 0, 4}, make([]byte, 20)...)
	padded := []byte{0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0}
	huge := append([]byte{0, 1, 0xff, 0xec}, make([]byte, 65532)...)
	var stream []byte
	for _, f := range [][]byte{binding, huge, padded, binding} {
		stream = append(stream, f...)
	}
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			br, b := bufio.NewReader(r), make([]byte, maxFrame)
			for i, want := range [][]byte{binding, padded, binding} {
				n, err := readFrame(br, b)
				if err != nil || !bytes.Equal(b[:n], want) {
					t.Fatalf("frame %d: %v, %v; want %v", i, b[:n], err, want)
				}
			}
			if _, err := readFrame(br, b); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 1, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42})
	f.Add([]byte{0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r, b := bufio.NewReader(bytes.NewReader(stream)), make([]byte, maxFrame)
		total := 0
		for {
			n, err := readFrame(r, b)
			if err != nil {
				return
			}
			if total += n; n < 4 || total > len(stream) {
				t.Fatalf("%d bytes of %d in a frame of %d", total, len(stream), n)
			}
		}
	})
}
