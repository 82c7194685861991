package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// What the decoder accepts is JSON, and what it refuses is refused with an answer that is JSON. What it read can be written
// and read again.
func FuzzDecodeRequest(f *testing.F) {
	for _, v := range readVectors[[]requestVector](f, "requests.json") {
		f.Add([]byte(v.Frame))
	}
	for _, v := range readVectors[[]badVector](f, "bad_requests.json") {
		f.Add([]byte(v.Frame))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		req, err := DecodeRequest(frame)
		if !bytes.Equal(before, frame) {
			t.Fatal("the frame was changed")
		}
		if err != nil {
			checkErrorAnswer(t, req, err)
			return
		}
		if !json.Valid(frame) || !utf8.Valid(frame) {
			t.Fatalf("accepted %q, which is not JSON", frame)
		}
		if req.ID > maxID || !req.HasID {
			t.Fatalf("accepted %q with id %d (%t)", frame, req.ID, req.HasID)
		}
		again := AppendJSON(nil, req.Args)
		again = append(again[:len(again)-1], `,"id":1,"op":`...)
		again = append(append(again, AppendJSON(nil, req.Op)...), '}')
		again = bytes.Replace(again, []byte("{,"), []byte("{"), 1)
		req2, err := DecodeRequest(again)
		if err != nil || req2.Op != req.Op || !bytes.Equal(AppendJSON(nil, req2.Args), AppendJSON(nil, req.Args)) {
			t.Fatalf("%s was written as %s and read as %+v, %v", frame, again, req2, err)
		}
	})
}

func checkErrorAnswer(t *testing.T, req Request, err error) {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code != CodeBadRequest && refusal.Code != CodeUnknownOp {
		t.Fatalf("refused with %v", err)
	}
	if answer := AppendError(nil, req.ID, refusal); !json.Valid(answer) || !utf8.Valid(answer) || len(answer) > 1000 {
		t.Fatalf("the answer is %q", answer)
	}
}

// Parsing what was appended gives back what was parsed; nothing is read beyond the message.
func FuzzParseEnvelope(f *testing.F) {
	for _, v := range readVectors[[]envelopeVector](f, "envelopes.json") {
		raw, err := hex.DecodeString(v.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParseEnvelope(raw[:len(raw):len(raw)])
		if err != nil {
			return
		}
		again, err := ParseEnvelope(e.Append(nil))
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%x\nparsed   %+v\nreparsed %+v, %v", raw, e, again, err)
		}
	})
}

// A mid has one form.
func FuzzParseMid(f *testing.F) {
	vectors := readVectors[midVectors](f, "mids.json")
	for _, v := range vectors.Good {
		f.Add(v.Mid)
	}
	for _, text := range vectors.Bad {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if mid, err := ParseMid(text); err == nil && mid.String() != text {
			t.Fatalf("%q is read as %s", text, mid)
		}
	})
}
