package loadtest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// stream is one sender, and those who must get what it sends: each message once, in order.
type stream struct {
	from  *conn
	frame []byte // a whole WebSocket frame; only its numbers change
	idAt  int    // where the request's id stands in it; 0 if nothing answers the sender
	numAt int    // where the message's number stands
	sinks []*sink

	sent     atomic.Uint64
	answered atomic.Uint64
	wake     chan struct{} // has room for one: something was answered, or delivered
}

// sink is one receiver of a stream.
type sink struct {
	*conn
	got atomic.Uint64
}

const (
	opSignal = "signal"
	opPost   = "post"
)

// newStream makes a stream whose messages are size bytes of data. Without an op they go as they are, to a bare relay.
func newStream(op, room, to string, size int, from *conn, sinks ...*conn) *stream {
	s := &stream{from: from, wake: make(chan struct{}, 1)}
	for _, c := range sinks {
		s.sinks = append(s.sinks, &sink{conn: c})
	}
	mark := strconv.Itoa(first)
	data := strconv.Quote(mark + strings.Repeat("x", max(0, size-digits-len(`""`))))
	if op == "" {
		s.frame = appendFrame(nil, opText, []byte(data))
	} else {
		text := `{"id":` + mark + `,"op":"` + op + `","room":` + strconv.Quote(room)
		if to != "" {
			text += `,"to":"` + to + `"`
		}
		s.frame = appendFrame(nil, opText, []byte(text+`,"data":`+data+`}`))
		s.idAt = bytes.Index(s.frame, []byte(mark))
	}
	s.numAt = bytes.LastIndex(s.frame, []byte(mark))
	return s
}

// newAnswered makes a stream of requests that only their sender hears of.
func newAnswered(request string, from *conn) *stream {
	mark := strconv.Itoa(first)
	s := &stream{from: from, wake: make(chan struct{}, 1), frame: appendFrame(nil, opText, []byte(`{"id":`+mark+`,`+request+`}`))}
	s.idAt = bytes.Index(s.frame, []byte(mark))
	s.numAt = s.idAt
	return s
}

// message makes the next message. Only one goroutine may send on a stream at a time.
func (s *stream) message() (n uint64, frame []byte) {
	n = s.sent.Add(1)
	if s.idAt > 0 {
		putNumber(s.frame[s.idAt:], n)
	}
	putNumber(s.frame[s.numAt:], n)
	return n, s.frame
}

func (s *stream) post() error {
	_, frame := s.message()
	_, err := s.from.Write(frame)
	return err
}

// answeredFrame takes a frame that came to the sender.
func (s *stream) answeredFrame(frame []byte) (isOurs bool, err error) {
	id, accepted, isAnswer := answer(frame)
	switch {
	case !isAnswer || id < first:
		return false, nil
	case !accepted:
		return true, fmt.Errorf("refused: %s", frame)
	}
	if n := s.answered.Add(1); n != id-first {
		return true, fmt.Errorf("the answer to %d came where that to %d was due", id-first, n)
	}
	return true, nil
}

// gotFrame takes a frame that came to a receiver.
func (s *stream) gotFrame(to *sink, frame []byte) (isOurs bool, err error) {
	var n uint64
	switch {
	case s.idAt == 0 && len(frame) > 0:
		n, err = number(frame[1:])
	case isEvent(frame, opSignal) || isEvent(frame, opPost):
		n, err = dataNumber(frame)
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if want := to.got.Add(1); n != want {
		return true, fmt.Errorf("message %d came where %d was due: lost, repeated or out of order", n, want)
	}
	return true, nil
}

// done is how many messages are out of the sender's way: answered, or delivered to all if nothing answers.
func (s *stream) done() uint64 {
	if s.idAt > 0 {
		return s.answered.Load()
	}
	least := s.sent.Load()
	for _, k := range s.sinks {
		least = min(least, k.got.Load())
	}
	return least
}

// delivered is how often its messages arrived. Of a stream without receivers, the answer is all there is to come.
func (s *stream) delivered() (n uint64) {
	if len(s.sinks) == 0 {
		return s.answered.Load()
	}
	for _, k := range s.sinks {
		n += k.got.Load()
	}
	return n
}

// close ends the stream's sessions.
func (s *stream) close() {
	if s == nil {
		return
	}
	for _, k := range s.sinks {
		if k.conn != nil {
			_ = k.Close()
		}
	}
	_ = s.from.Close()
}

func closeAll(streams []*stream) {
	for _, s := range streams {
		s.close()
	}
}
