package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readProtocol(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every example in the prose is a frame that this package reads, or would write.
func TestProtocolExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(readProtocol(t), -1)
	if len(blocks) == 0 {
		t.Fatal("PROTOCOL.md has no examples")
	}
	answered, told := map[Op]bool{}, map[Event]bool{}
	for _, block := range blocks {
		asked := map[uint64]Op{} // the requests that stand above in the same block
		dec := json.NewDecoder(strings.NewReader(block[1]))
		for {
			var frame json.RawMessage
			if err := dec.Decode(&frame); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, block[1])
			}
			checkExample(t, frame, asked, answered, told)
		}
	}
	for _, ev := range Events {
		if !told[ev.Event] {
			t.Errorf("PROTOCOL.md shows no %s", ev.Event)
		}
	}
	for _, op := range []Op{OpHello, OpJoin, OpSignal, OpPost, OpHistory, OpCall, OpPresence, OpReport, OpRefresh} {
		if !answered[op] {
			t.Errorf("PROTOCOL.md shows no ok of %s", op)
		}
	}
}

func checkExample(t *testing.T, frame []byte, asked map[uint64]Op, answered map[Op]bool, told map[Event]bool) {
	t.Helper()
	var head struct {
		ID    uint64          `json:"id"`
		Op    Op              `json:"op"`
		OK    json.RawMessage `json:"ok"`
		Error json.RawMessage `json:"error"`
		Ev    Event           `json:"ev"`
	}
	if err := json.Unmarshal(frame, &head); err != nil {
		t.Fatal(err)
	}
	switch {
	case head.Op != "":
		req, err := DecodeRequest(frame)
		if err != nil {
			t.Errorf("%s: %v", frame, err)
		}
		asked[req.ID] = req.Op
	case head.OK != nil:
		op := asked[head.ID]
		i := slices.Index(pluck(Ops, func(i int) Op { return Ops[i].Op }), op)
		if i < 0 {
			t.Fatalf("%s answers nothing above it", frame)
		}
		answered[op] = true
		sameJSON(t, AppendOK(nil, head.ID, through(t, head.OK, Ops[i].OK)), frame)
	case head.Error != nil:
		var e Error
		strictly(t, head.Error, &e)
		if asked[head.ID] == "" || !slices.Contains(Codes, e.Code) {
			t.Errorf("%s answers nothing above it, or has an unknown code", frame)
		}
		sameJSON(t, AppendError(nil, head.ID, &e), frame)
	default:
		told[head.Ev] = true
		sameJSON(t, through(t, frame, eventFrame(t, head.Ev)), frame)
	}
}

// The prose names all that there is.
func TestProtocolIsComplete(t *testing.T) {
	text := readProtocol(t)
	mentions := func(what string) {
		t.Helper()
		if !strings.Contains(text, what) {
			t.Errorf("PROTOCOL.md does not mention %s", what)
		}
	}
	for _, op := range Ops {
		mentions("| `" + string(op.Op) + "` |")
		for _, member := range jsonMembers(reflect.TypeOf(op.Args)) {
			mentions(member)
		}
		for _, member := range jsonMembers(reflect.TypeOf(op.OK)) {
			mentions(member)
		}
	}
	for _, ev := range Events {
		mentions("| `" + string(ev.Event) + "` |")
		for _, member := range jsonMembers(reflect.TypeOf(ev.Frame)) {
			mentions(member)
		}
	}
	for _, code := range Codes {
		mentions("| `" + string(code) + "` |")
	}
	for _, c := range CloseCodes {
		mentions(fmt.Sprintf("%d ", c.Code))
	}
	for _, member := range append(jsonMembers(reflect.TypeFor[Limits]()), jsonMembers(reflect.TypeFor[Outcome]())...) {
		mentions("`" + member + "`")
	}
	for typ, values := range parseSource(t).enums {
		for _, v := range values {
			// Notes are the edges' own.
			if typ != "Note" && typ != "KnockAnswer" {
				mentions("`" + v.value + "`")
			}
		}
	}
	mentions(Subprotocol)
	mentions(fmt.Sprint(MaxFrameBytes, " bytes"))
}

func jsonMembers(typ reflect.Type) []string {
	var names []string
	for f := range typ.Fields() {
		tag := f.Tag.Get("json")
		if f.Anonymous && tag == "" {
			names = append(names, jsonMembers(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		names = append(names, name)
	}
	return names
}
