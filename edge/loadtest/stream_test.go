package loadtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// What is counted must be right, or a mesh that loses messages would only look fast.
func TestStreamsNoticeWhatIsWrong(t *testing.T) {
	event := func(n int) string {
		return fmt.Sprintf(`{"ev":"signal","mid":"aaaaaaaaaaaai:%d","at":1,"room":"r","from":"p","data":"%dxx"}`, 7*n, first+n)
	}
	bare := func(n int) string { return fmt.Sprintf(`"%dxx"`, first+n) }
	for name, c := range map[string]struct {
		op     string
		frames []string
		wrong  bool
	}{
		"all in order":     {opSignal, []string{event(1), event(2), event(3)}, false},
		"others between":   {opSignal, []string{event(1), `{"ev":"joined","room":"r"}`, `{"id":0,"ok":{}}`, event(2)}, false},
		"one lost":         {opSignal, []string{event(1), event(3)}, true},
		"one twice":        {opSignal, []string{event(1), event(1)}, true},
		"two swapped":      {opSignal, []string{event(2), event(1)}, true},
		"no number":        {opSignal, []string{`{"ev":"signal","data":"nonsense"}`}, true},
		"no data":          {opSignal, []string{`{"ev":"post"}`}, true},
		"bare, in order":   {"", []string{bare(1), bare(2)}, false},
		"bare, one lost":   {"", []string{bare(2)}, true},
		"bare, not a ours": {"", []string{"ok"}, true},
	} {
		s := newStream(c.op, "r", "p", 200, nil, nil)
		var err error
		for _, f := range c.frames {
			if _, e := s.gotFrame(s.sinks[0], []byte(f)); e != nil {
				err = e
			}
		}
		if (err != nil) != c.wrong {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStreamsNoticeAnswers(t *testing.T) {
	ok := func(n int) string { return fmt.Sprintf(`{"id":%d,"ok":{}}`, first+n) }
	for name, c := range map[string]struct {
		frames   []string
		answered uint64
		wrong    bool
	}{
		"all":        {[]string{ok(1), ok(2)}, 2, false},
		"a ping's":   {[]string{`{"id":0,"ok":{}}`, `{"ev":"left"}`}, 0, false},
		"one missed": {[]string{ok(2)}, 1, true},
		"refused":    {[]string{fmt.Sprintf(`{"id":%d,"error":{"code":"rate_limited"}}`, first+1)}, 0, true},
	} {
		s := newStream(opPost, "r", "", 200, nil, nil)
		var err error
		for _, f := range c.frames {
			if _, e := s.answeredFrame([]byte(f)); e != nil {
				err = e
			}
		}
		if (err != nil) != c.wrong || s.answered.Load() != c.answered {
			t.Errorf("%s: %d answered, %v", name, s.answered.Load(), err)
		}
	}
}

func TestMessagesAreNumbered(t *testing.T) {
	s := newStream(opSignal, "room", "peer", 40, nil, nil)
	s.message()
	n, frame := s.message()
	want := `{"id":1000000002,"op":"signal","room":"room","to":"peer","data":"1000000002` + strings.Repeat("x", 28) + `"}`
	if got := string(frame[len(frame)-len(want):]); n != 2 || got != want {
		t.Errorf("%d: %s, want %s", n, got, want)
	}
	if d, err := dataNumber(frame); d != 2 || err != nil {
		t.Errorf("read back: %d, %v", d, err)
	}
	// As it was made: masked with the key 0, and no longer than it says.
	if frame[1] != 0x80|byte(len(want)) || !bytes.Equal(frame[2:6], make([]byte, 4)) {
		t.Errorf("head % x", frame[:6])
	}
}

func TestParseFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte("y"), size)
		frame := appendFrame(nil, opText, payload)
		head := len(frame) - size
		frame[1] &^= 0x80 // as an edge sends it: not masked, so without the four bytes of a key
		frame = append(frame[:head-4:head-4], payload...)
		for cut := range min(len(frame), 12) {
			if _, _, n, err := parseFrame(frame[:cut]); n != 0 || err != nil {
				t.Errorf("%d bytes, cut at %d: %d, %v", size, cut, n, err)
			}
		}
		op, got, n, err := parseFrame(append(frame, "the next"...))
		if op != opText || n != len(frame) || err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: kind %d, %d of %d, %v", size, op, n, len(frame), err)
		}
	}
	for _, bad := range []string{"\x81\x80\x00\x00\x00\x00", "\x01\x00", "\xc1\x00", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if _, _, _, err := parseFrame([]byte(bad)); err == nil {
			t.Errorf("% x is no frame of an edge's", bad)
		}
	}
}
