package turnd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// maxFrame is the longest message in bytes that is taken over TCP. No packet that could be relayed
// is longer.
const maxFrame = 1599

var errFrame = errors.New("turnd: neither STUN nor ChannelData")

// readFrame cuts the next STUN message or ChannelData from a stream into b, which holds maxFrame at
// least (RFC 8656, sections 3.1 and 12.4; over TCP, ChannelData is padded to four bytes). Longer
// ones are passed over. Any error leaves the stream useless.
//
// The server cuts streams too, but reckons lengths in 16 bits: a header that claims almost 64 KiB
// makes a length of 0 there and has it turn in place for ever. Such a header does not get so far.
func readFrame(r *bufio.Reader, b []byte) (int, error) {
	for {
		head, err := r.Peek(4)
		if err != nil {
			return 0, err
		}
		size, err := frameSize(head)
		if err != nil {
			return 0, err
		}
		if size <= maxFrame {
			return io.ReadFull(r, b[:size])
		}
		if _, err := r.Discard(size); err != nil {
			return 0, err
		}
	}
}

// frameSize tells from the first four bytes how long the frame is, header and padding included.
func frameSize(b []byte) (int, error) {
	length := int(binary.BigEndian.Uint16(b[2:4]))
	switch b[0] >> 6 {
	case 0: // STUN
		return 20 + length, nil
	case 1: // ChannelData
		return 4 + (length+3)/4*4, nil
	}
	return 0, errFrame
}
