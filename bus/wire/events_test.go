package wire

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
)

func TestEvents(t *testing.T) {
	seen := map[Event]bool{}
	for _, v := range readVectors[[]eventVector](t, "events.json") {
		t.Run(v.Name, func(t *testing.T) {
			var head struct {
				Ev Event `json:"ev"`
			}
			if err := json.Unmarshal([]byte(v.Frame), &head); err != nil {
				t.Fatal(err)
			}
			seen[head.Ev] = true
			sameJSON(t, []byte(v.Frame), v.Event)
			sameJSON(t, through(t, []byte(v.Frame), eventFrame(t, head.Ev)), v.Event)
			if frame := appended(t, v.Event, head.Ev); frame != nil {
				sameJSON(t, frame, v.Event)
			}
		})
	}
	for _, ev := range Events {
		if !seen[ev.Event] {
			t.Errorf("testdata/events.json has no %s", ev.Event)
		}
	}
}

func eventFrame(t *testing.T, ev Event) any {
	t.Helper()
	i := slices.IndexFunc(Events, func(e struct {
		Event Event
		Frame any
	},
	) bool {
		return e.Event == ev
	})
	if i < 0 {
		t.Fatalf("no event %q", ev)
	}
	return Events[i].Frame
}

// appended writes the event in the way of the live path, which has one for signal and post only.
func appended(t *testing.T, event []byte, ev Event) []byte {
	t.Helper()
	switch ev {
	case EvSignal:
		var e SignalEvent
		strictly(t, event, &e)
		return AppendSignal(nil, e.Mid, e.At, e.Room, e.From, e.Data)
	case EvPost:
		var e PostEvent
		strictly(t, event, &e)
		return AppendPost(nil, e.Mid, e.At, e.Room, e.From, e.User, e.Data)
	}
	return nil
}

// An event about the connection has no mid, and no time that nobody gave it.
func TestGoawayHead(t *testing.T) {
	got := AppendJSON(nil, GoawayEvent{Head: Head{Ev: EvGoaway}, Reason: GoawayDraining, ReconnectAfterMs: 5})
	if want := `{"ev":"goaway","reason":"draining","reconnectAfterMs":5}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnswers(t *testing.T) {
	answered := map[Op]bool{}
	refused := map[Code]bool{}
	for _, v := range readVectors[[]answerVector](t, "answers.json") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Error != nil {
				refused[v.Error.Code] = true
				if got := AppendError(nil, v.ID, v.Error); string(got) != v.Frame {
					t.Errorf("got  %s\nwant %s", got, v.Frame)
				}
				return
			}
			for _, op := range Ops {
				if op.Op == v.Op {
					answered[v.Op] = true
					sameJSON(t, AppendOK(nil, v.ID, through(t, v.OK, op.OK)), []byte(v.Frame))
				}
			}
		})
	}
	for _, op := range Ops {
		if !answered[op.Op] {
			t.Errorf("testdata/answers.json has no ok of %s", op.Op)
		}
	}
	for _, code := range Codes {
		// What a frame's form can get is in bad_requests.json.
		if !refused[code] && code != CodeBadRequest {
			t.Errorf("testdata/answers.json has no %s", code)
		}
	}
}

func TestCloseCodes(t *testing.T) {
	ranges := map[string]CloseCode{"resume": 4000, "hello": 4100, "stop": 4400}
	vectors := readVectors[[]closeVector](t, "close.json")
	if len(vectors) != len(CloseCodes) {
		t.Fatalf("testdata/close.json has %d codes, want %d", len(vectors), len(CloseCodes))
	}
	for i, v := range vectors {
		if got := CloseCodes[i]; got.Name != v.Name || got.Code != v.Code {
			t.Errorf("got %s %d, want %s %d", got.Name, got.Code, v.Name, v.Code)
		}
		if start := ranges[v.Then]; start == 0 || v.Code < start || v.Code > start+99 {
			t.Errorf("%s: %d does not say %q", v.Name, v.Code, v.Then)
		}
	}
}

// The cause of an error is for the log: it must not reach a client on any way.
func TestErrorHidesItsCause(t *testing.T) {
	err := Errorf(CodeUnavailable, "the mesh did not confirm in time").Because(io.ErrUnexpectedEOF)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if got, want := err.Error(), "unavailable: the mesh did not confirm in time: unexpected EOF"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	const want = `{"code":"unavailable","message":"the mesh did not confirm in time"}`
	if got := AppendJSON(nil, err); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := AppendError(nil, 7, err); string(got) != `{"id":7,"error":`+want+`}` {
		t.Errorf("got %s", got)
	}
}

func TestAsError(t *testing.T) {
	refusal := Errorf(CodeTaken, "too late")
	if got := AsError(errors.Join(io.EOF, refusal)); got != refusal {
		t.Errorf("got %v", got)
	}
	got := AsError(io.ErrNoProgress)
	if got.Code != CodeInternal || !errors.Is(got, io.ErrNoProgress) {
		t.Errorf("got %v", got)
	}
	checkRefusal(t, got, CodeInternal, "the edge failed; it is not known whether the request took effect")
}

// The generated page and the metrics read the lists, so each constant has to be in one, once.
func TestListsAreComplete(t *testing.T) {
	src := parseSource(t)
	for typ, list := range map[string][]string{
		"Op":    toStrings(pluck(Ops, func(i int) Op { return Ops[i].Op })),
		"Event": toStrings(pluck(Events, func(i int) Event { return Events[i].Event })),
		"Code":  toStrings(Codes),
	} {
		want := pluck(src.enums[typ], func(i int) string { return src.enums[typ][i].value })
		if !reflect.DeepEqual(list, want) {
			t.Errorf("the list of every %s is %v, the constants are %v", typ, list, want)
		}
	}
}

func pluck[S any, T any](list []S, at func(i int) T) []T {
	out := make([]T, len(list))
	for i := range list {
		out[i] = at(i)
	}
	return out
}
