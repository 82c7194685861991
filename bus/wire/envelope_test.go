package wire

import (
	"encoding/hex"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

type envelopeVector struct {
	Name      string `json:"name"`
	Hex       string `json:"hex"`
	Kind      Kind   `json:"kind"`
	Event     Event  `json:"event"`
	Source    string `json:"source"` // 16 hexadecimal digits
	N         uint64 `json:"n"`
	At        int64  `json:"at"`
	Gen       uint64 `json:"gen"`
	Edge      EdgeID `json:"edge"`
	From      PeerID `json:"from"`
	To        PeerID `json:"to"`
	Except    bool   `json:"except"`
	Keep      bool   `json:"keep"`
	Again     bool   `json:"again"`
	Key       string `json:"key"`
	Body      string `json:"body"`
	Extension bool   `json:"extension"` // it has one, which this version skips and does not write
}

func (v *envelopeVector) envelope(t testing.TB) Envelope {
	t.Helper()
	source, err := strconv.ParseUint(v.Source, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	e := Envelope{Kind: v.Kind, Event: v.Event, Source: Source(source), N: v.N, At: v.At, Gen: v.Gen, Edge: v.Edge, From: v.From, To: v.To, Except: v.Except, Keep: v.Keep, Again: v.Again, Body: []byte(v.Body)}
	if v.Key != "" {
		e.Key = []byte(v.Key)
	}
	return e
}

// Edges of two versions meet during every upgrade, so the bytes are pinned, the order of the events in them too.
func TestEnvelopeBytes(t *testing.T) {
	seen := map[Event]bool{}
	for _, v := range readVectors[[]envelopeVector](t, "envelopes.json") {
		t.Run(v.Name, func(t *testing.T) {
			seen[v.Event] = true
			raw, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			want := v.envelope(t)
			got, err := ParseEnvelope(raw)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("got  %+v, %v\nwant %+v", got, err, want)
			}
			if written := want.Append([]byte("x")); !v.Extension && string(written) != "x"+string(raw) {
				t.Errorf("got  %x\nwant %x", written[1:], raw)
			}
		})
	}
	for _, ev := range Events {
		if !seen[ev.Event] {
			t.Errorf("testdata/envelopes.json has no %s", ev.Event)
		}
	}
}

func TestParseEnvelopeRefuses(t *testing.T) {
	for _, v := range readVectors[[]envelopeVector](t, "envelopes.json") {
		whole := v.envelope(t)
		whole.Body = nil // a body may end anywhere
		raw := whole.Append(nil)
		for n := range raw {
			if e, err := ParseEnvelope(raw[:n:n]); err == nil {
				t.Errorf("%s, cut after %d of %d bytes, is read as %+v", v.Name, n, len(raw), e)
			}
		}
	}
	good := (&Envelope{Kind: KindEvent, Event: EvPost, Edge: "e"}).Append(nil)
	with := func(at int, b ...byte) []byte {
		return append(append(append([]byte(nil), good[:at]...), b...), good[at+1:]...)
	}
	tooLong := strings.Repeat("\xff", 10)
	tests := map[string]struct {
		raw     []byte
		message string
	}{
		"version":        {with(0, 2), "envelope version 2: this edge knows 1"},
		"number too big": {with(12, []byte(tooLong)...), "envelope is cut short"},
		"block too long": {with(15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), "envelope is cut short"},
	}
	if e, err := ParseEnvelope(with(2, byte(len(Events)+1))); err != nil || e.Event != "" {
		t.Errorf("an event of a later version: %+v, %v; want it passed on without a name", e, err)
	}
	for name, test := range tests {
		if _, err := ParseEnvelope(test.raw); err == nil || err.Error() != test.message {
			t.Errorf("%s: got %v, want %s", name, err, test.message)
		}
	}
}

func TestEnvelopeFor(t *testing.T) {
	const me, you, other = PeerID("me"), PeerID("you"), PeerID("other")
	tests := []struct {
		name     string
		envelope Envelope
		peer     PeerID
		want     bool
	}{
		{"to all", Envelope{Event: EvPost, From: me}, you, true},
		{"to all, but not back", Envelope{Event: EvPost, From: me}, me, false},
		{"from nobody to all", Envelope{Event: EvPresence}, me, true},
		{"to one", Envelope{Event: EvSignal, From: me, To: you}, you, true},
		{"to one, and no other", Envelope{Event: EvSignal, From: me, To: you}, other, false},
		{"to oneself", Envelope{Event: EvSignal, From: me, To: me}, me, false},
		{"to all but one", Envelope{Event: EvCall, To: you, Except: true}, me, true},
		{"to all but this one", Envelope{Event: EvCall, To: you, Except: true}, you, false},
		{"a call's end is told to who ended it as well", Envelope{Event: EvCall, From: me}, me, true},
	}
	for _, test := range tests {
		if got := test.envelope.For(test.peer); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}

// Append adds to what is there, so that a buffer can be used again.
func TestEnvelopeAliasesAndAppends(t *testing.T) {
	e := Envelope{Kind: KindEvent, Event: EvPost, Source: 1, N: 1, Key: []byte("k"), Body: []byte("{}")}
	raw := e.Append(make([]byte, 0, 256))
	parsed, err := ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	if &parsed.Body[0] != &raw[len(raw)-2] {
		t.Error("the body was copied")
	}
	if got := parsed.Mid(); got != (Mid{1, 1}) {
		t.Errorf("got mid %s", got)
	}
}

// Edges write these to one another; a member that does not come back would be lost silently.
func TestNotesRoundTrip(t *testing.T) {
	for _, note := range []any{
		Announce{
			Edge: "e", Region: "eu", Room: "a.b", Source: 5, N: 7, Want: true, Gone: true, Edges: []EdgeID{"f"},
			Peers: []AnnouncePeer{{Peer: Peer{Peer: "p", User: User{"u", "U"}, Region: "eu", Info: []byte(`{"a":1}`)}, Gen: 2}},
		},
		SessionNote{Note: NoteResumed, Session: "s", Peer: "p", Gen: 3, Edge: "e", Rooms: []RoomID{"r"}},
		SessionNote{Note: NoteEnded, Session: "s", Peer: "p", Gen: 3, Edge: "e"},
	} {
		b := AppendJSON(nil, note)
		sameJSON(t, through(t, b, note), b)
		back := reflect.New(reflect.TypeOf(note))
		strictly(t, b, back.Interface())
		if !reflect.DeepEqual(back.Elem().Interface(), note) {
			t.Errorf("got %+v, want %+v", back.Elem().Interface(), note)
		}
	}
}
