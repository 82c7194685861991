package turnclient

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/pion/stun/v4"
)

const (
	stunHeader    = 20
	channelHeader = 4
	// MaxFrame is the longest message that is read, in bytes.
	MaxFrame = 64 << 10
)

// ErrFrame means that what came is neither STUN nor channel data.
var ErrFrame = errors.New("what came is neither STUN nor channel data")

// ReadFrame reads one message from a stream: STUN begins with two zero bits, channel data with 01, and is padded to four bytes
// (RFC 8656, section 12.5).
func ReadFrame(r io.Reader) ([]byte, error) {
	b := make([]byte, channelHeader, 2048)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	var total int
	switch b[0] >> 6 {
	case 0:
		total = stunHeader + length
	case 1:
		total = channelHeader + (length+3)/4*4
	default:
		return nil, ErrFrame
	}
	if total > MaxFrame {
		return nil, ErrFrame
	}
	if cap(b) < total {
		b = append(make([]byte, 0, total), b...)
	}
	b = b[:total]
	if _, err := io.ReadFull(r, b[channelHeader:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // an end within a message is none between two
		}
		return nil, err
	}
	return b, nil
}

// channelData makes a ChannelData message; in streams it is padded.
func channelData(number uint16, payload []byte, stream bool) []byte {
	size := channelHeader + len(payload)
	if stream {
		size = channelHeader + (len(payload)+3)/4*4
	}
	b := make([]byte, size)
	binary.BigEndian.PutUint16(b, number)
	binary.BigEndian.PutUint16(b[2:], uint16(len(payload)))
	copy(b[channelHeader:], payload)
	return b
}

// Frame is what one message turned out to be.
type Frame struct {
	Message *stun.Message // nil for channel data
	Channel uint16
	Payload []byte // of channel data
}

// ParseFrame reads a whole message, of a packet or from a stream.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < channelHeader {
		return Frame{}, ErrFrame
	}
	if b[0]>>6 == 1 {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if channelHeader+n > len(b) {
			return Frame{}, ErrFrame
		}
		return Frame{Channel: binary.BigEndian.Uint16(b), Payload: b[channelHeader : channelHeader+n]}, nil
	}
	m := &stun.Message{Raw: b}
	if err := m.Decode(); err != nil {
		return Frame{}, ErrFrame
	}
	return Frame{Message: m}, nil
}
