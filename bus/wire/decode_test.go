package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestDecodeRequest(t *testing.T) {
	seen := map[Op]bool{}
	for _, v := range readVectors[[]requestVector](t, "requests.json") {
		t.Run(v.Name, func(t *testing.T) {
			req, err := DecodeRequest([]byte(v.Frame))
			if err != nil {
				t.Fatalf("%s: %v", v.Frame, err)
			}
			if req.Op != v.Op || req.ID != v.ID || !req.HasID {
				t.Errorf("got op %q, id %d (%t), want %q, %d", req.Op, req.ID, req.HasID, v.Op, v.ID)
			}
			if want := argsType(t, v.Op); reflect.TypeOf(req.Args) != want {
				t.Errorf("the arguments are a %T, want a %s", req.Args, want)
			}
			sameJSON(t, AppendJSON(nil, req.Args), v.Args)
		})
		seen[v.Op] = true
	}
	for _, op := range Ops {
		if !seen[op.Op] {
			t.Errorf("testdata/requests.json has no %s", op.Op)
		}
	}
}

func argsType(t *testing.T, op Op) reflect.Type {
	t.Helper()
	for _, o := range Ops {
		if o.Op == op {
			return reflect.TypeOf(o.Args)
		}
	}
	t.Fatalf("no op %q", op)
	return nil
}

func TestDecodeRequestRefuses(t *testing.T) {
	for _, v := range readVectors[[]badVector](t, "bad_requests.json") {
		t.Run(v.Name, func(t *testing.T) {
			req, err := DecodeRequest([]byte(v.Frame))
			checkRefusal(t, err, v.Code, v.Message)
			switch {
			case v.ID == nil && req.HasID:
				t.Errorf("read id %d where there is none", req.ID)
			case v.ID != nil && (!req.HasID || req.ID != *v.ID):
				t.Errorf("read id %d (%t), want %d", req.ID, req.HasID, *v.ID)
			}
		})
	}
}

// checkRefusal asserts the whole message, as it is what the author of a client gets to see.
func checkRefusal(t *testing.T, err error, code Code, message string) {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got error %v, want %s: %s", err, code, message)
	}
	if refusal.Code != code || refusal.Message != message {
		t.Errorf("got  %s: %s\nwant %s: %s", refusal.Code, refusal.Message, code, message)
	}
}

// What can't be written, or can't be read, as text in a file.
func TestDecodeRequestRefusesLongAndBinary(t *testing.T) {
	nested := func(depth int) string {
		return `{"id":1,"op":"post","room":"a","data":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
	}
	if _, err := DecodeRequest([]byte(nested(256))); err != nil {
		t.Errorf("256 levels: %v", err)
	}
	var many strings.Builder
	for i := range 16 {
		fmt.Fprintf(&many, `"m%d":0,`, i)
	}
	tests := []struct{ name, frame, message string }{
		{"257 levels", nested(257), "the frame is nested deeper than 256"},
		{"100,000 levels", nested(100_000), "the frame is nested deeper than 256"},
		{"17 members", "{" + many.String() + `"op":"ping","id":1}`, "the frame has more than 16 members"},
		{"a byte of Latin-1", "{\"id\":1,\"op\":\"join\",\"room\":\"caf\xe9\"}", "the frame is not valid UTF-8"},
		{"a surrogate in UTF-8", "{\"id\":1,\"op\":\"join\",\"room\":\"\xed\xa0\x80\"}", "the frame is not valid UTF-8"},
		{"an overlong slash", "{\"id\":1,\"op\":\"join\",\"room\":\"\xc0\xaf\"}", "the frame is not valid UTF-8"},
		{"a NUL", "\x00", "the frame is not JSON: want one object at byte 0"},
		{"a NUL for a value", "{\"id\":\x00}", `the frame is not JSON: no value begins with '\x00' at byte 6`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := DecodeRequest([]byte(test.frame))
			checkRefusal(t, err, CodeBadRequest, test.message)
		})
	}
}

// A refusal quotes what was wrong, but a stranger must not choose how long it gets: it has to fit into a frame.
func TestRefusalsStayShort(t *testing.T) {
	long := strings.Repeat(`\u0001`, 5000)
	for _, frame := range []string{
		`{"id":1,"op":"` + long + `"}`,
		`{"id":1,"op":"ping","` + long + `":1}`,
		`{"id":1,"` + long + `":1,"` + long + `":1}`,
		`{"id":1,"op":"join","room":"` + long + `"}`,
		`{"id":1,"op":"history","room":"a","before":"` + long + `"}`,
		`{"id":1,"op":"hello","token":"t","resume":{"` + long + `":1}}`,
		`{"id":1,"op":"hello","token":"t","resume":{"seen":{"` + long + `":1,"` + long + `":1}}}`,
		`{"id":1,"op":"report","room":"a","peer":"p","outcome":{"relayRegion":"` + long + `"}}`,
		`{"id":1,"op":"report","room":"a","peer":"p","outcome":{"path":"` + long + `"}}`,
	} {
		_, err := DecodeRequest([]byte(frame))
		if answer := AppendError(nil, 1, AsError(err)); err == nil || len(answer) > 500 {
			t.Errorf("%.60s… is answered with %d bytes: %.200s", frame, len(answer), answer)
		}
	}
}

// An op's data is handed on byte for byte, without a copy.
func TestDataIsNotTouched(t *testing.T) {
	const data = `{"b" : "\u0041\/", "a":[1.50, -0, 1E5]}`
	frame := []byte(`{"id":1,"op":"signal","room":"a","to":"p","data":` + data + `}`)
	req, err := DecodeRequest(frame)
	if err != nil {
		t.Fatal(err)
	}
	got := req.Args.(SignalArgs).Data
	if string(got) != data {
		t.Errorf("got %s, want %s", got, data)
	}
	if start := strings.Index(string(frame), data); &got[0] != &frame[start] {
		t.Error("the data was copied")
	}
}

// What an encoder writes from the types is what the decoder reads: an argument added to one alone is noticed.
func TestArgsRoundTrip(t *testing.T) {
	for _, v := range readVectors[[]requestVector](t, "requests.json") {
		args := through(t, v.Args, reflect.Zero(argsType(t, v.Op)).Interface())
		var members map[string]json.RawMessage
		strictly(t, args, &members)
		members["id"], members["op"] = json.RawMessage("5"), AppendJSON(nil, v.Op)
		req, err := DecodeRequest(AppendJSON(nil, members))
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		sameJSON(t, AppendJSON(nil, req.Args), v.Args)
	}
}

// The path of every signal: the arguments, the room and the addressee, and nothing for what is only looked at.
func TestDecodeRequestAllocations(t *testing.T) {
	frame := signalFrame(1536)
	if n := testing.AllocsPerRun(100, func() { _, _ = DecodeRequest(frame) }); n > 3 {
		t.Errorf("%v allocations, want 3", n)
	}
}
