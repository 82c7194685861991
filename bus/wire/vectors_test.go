package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// The files in testdata are the contract by example. They are written by hand, and wire.gen.ts's neighbour vectors.gen.ts
// carries them into the page's type check and tests.

type requestVector struct {
	Name  string          `json:"name"`
	Op    Op              `json:"op"`
	Frame string          `json:"frame"`
	ID    uint64          `json:"id"`
	Args  json.RawMessage `json:"args"`
}

type badVector struct {
	Name    string  `json:"name"`
	Frame   string  `json:"frame"`
	ID      *uint64 `json:"id"` // null where none can be read
	Code    Code    `json:"code"`
	Message string  `json:"message"`
}

type answerVector struct {
	Name  string          `json:"name"`
	Op    Op              `json:"op"`
	ID    uint64          `json:"id"`
	OK    json.RawMessage `json:"ok,omitempty"`
	Error *Error          `json:"error,omitempty"`
	Frame string          `json:"frame"`
}

type eventVector struct {
	Name  string          `json:"name"`
	Event json.RawMessage `json:"event"`
	Frame string          `json:"frame"`
}

type closeVector struct {
	Name string    `json:"name"`
	Code CloseCode `json:"code"`
	Then string    `json:"then"` // resume, hello or stop
}

type midVectors struct {
	Good []struct {
		Mid    string `json:"mid"`
		Source string `json:"source"` // 16 hexadecimal digits
		N      uint64 `json:"n"`
	} `json:"good"`
	Bad []string `json:"bad"`
}

// readVectors reads testdata/name into a T. Unknown members are an error, so that a misspelt one is not passed over.
func readVectors[T any](t testing.TB, name string) T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	strictly(t, b, &v)
	return v
}

// strictly decodes JSON into v and fails on members that v has not.
func strictly(t testing.TB, b []byte, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
}

// sameJSON fails unless two texts are the same JSON value. Numbers are compared as they are written.
func sameJSON(t testing.TB, got, want []byte) {
	t.Helper()
	if !reflect.DeepEqual(anyJSON(t, got), anyJSON(t, want)) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func anyJSON(t testing.TB, b []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if dec.More() {
		t.Fatalf("%s: something follows the value", b)
	}
	return v
}

// through decodes b strictly into a new value of sample's type and encodes that again.
func through(t testing.TB, b []byte, sample any) []byte {
	t.Helper()
	v := reflect.New(reflect.TypeOf(sample))
	strictly(t, b, v.Interface())
	return AppendJSON(nil, v.Elem().Interface())
}
