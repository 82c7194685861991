package wire

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func probed() Traversal {
	return Traversal{
		At: 1760000000000, Source: SourceProbe, Run: "nightly-1", N: 3, Pair: "berlin/tokyo", Mode: ModeRelayTLS,
		Ends:    [2]TraversalEnd{{Name: "berlin", Region: "eu", Network: "dsl", ASN: 3320, Mapping: "EIM", Filtering: "APDF"}, {Name: "tokyo", Region: "asia", Mapping: "unknown", Filtering: "unknown", UDPBlocked: true}},
		Outcome: Outcome{Result: ResultConnected, Path: PathRelay, Protocol: ProtocolTLS, RelayRegion: "eu", Ms: 412, RTTMs: 230.5}, GatherMs: 90, PairMs: 250, ConnectMs: 300, JitterMs: 2.5, Loss: 0.02, KbitPerS: 5000,
		Theirs: PathRelay,
	}
}

func called() Traversal {
	return Traversal{
		At: 1760000000000, Source: SourceCall, ID: "abcdefghijklmnop", Pair: "00112233445566778899aabbccddeeff", Mode: ModeAll, Ends: [2]TraversalEnd{{Region: "eu", Network: "wifi"}, {}},
		Outcome: Outcome{Result: ResultFailed, Step: StepCheck, Ms: 15000},
	}
}

func TestTraversalsAreReadBackAsTheyWere(t *testing.T) {
	for _, want := range []Traversal{probed(), called()} {
		got, err := ParseTraversal(AppendJSON(nil, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
	}
}

func TestBadTraversals(t *testing.T) {
	long := strings.Repeat("x", 600)
	for says, spoil := range map[string]func(*Traversal){
		"want Unix ms":              func(r *Traversal) { r.At = 0 },
		"at 253402300800000":        func(r *Traversal) { r.At = 253402300800000 },
		"source \"page\"":           func(r *Traversal) { r.Source = "page" },
		"run \"\"":                  func(r *Traversal) { r.Run = "" },
		"run \"a.>\"":               func(r *Traversal) { r.Run = "a.>" },
		"repetition 0":              func(r *Traversal) { r.N = 0 },
		"ordered by name":           func(r *Traversal) { r.Ends[0], r.Ends[1] = r.Ends[1], r.Ends[0] },
		"want the pair":             func(r *Traversal) { r.Pair = "berlin/paris" },
		"pair is empty":             func(r *Traversal) { r.Pair = "" },
		"mode \"direct-ish\"":       func(r *Traversal) { r.Mode = "direct-ish" },
		"agent \"Berlin\"":          func(r *Traversal) { r.Ends[0].Name, r.Pair = "Berlin", "Berlin/tokyo" },
		"region \"e u\"":            func(r *Traversal) { r.Ends[0].Region = "e u" },
		"network has 600":           func(r *Traversal) { r.Ends[1].Network = long },
		"behaviour \"EDM\"":         func(r *Traversal) { r.Ends[1].Mapping = "EDM" },
		"behaviour \"EIM\"/\"EIM\"": func(r *Traversal) { r.Ends[0].Filtering = "EIM" },
		"UDP is blocked":            func(r *Traversal) { r.Ends[0].UDPBlocked = true },
		"result \"\"":               func(r *Traversal) { r.Result = "" },
		"path \"wire\"":             func(r *Traversal) { r.Path = "wire" },
		"theirs \"wire\"":           func(r *Traversal) { r.Theirs = "wire" },
		"protocol \"quic\"":         func(r *Traversal) { r.Protocol = "quic" },
		"step \"luck\"":             func(r *Traversal) { r.Step = "luck" },
		"ms -1":                     func(r *Traversal) { r.Ms = -1 },
		"loss 1.5":                  func(r *Traversal) { r.Loss = 1.5 },
		"rttMs NaN":                 func(r *Traversal) { r.RTTMs = math.NaN() },
		"gatherMs -2":               func(r *Traversal) { r.GatherMs = -2 },
		"why has 600":               func(r *Traversal) { r.Why = long },
		"control character":         func(r *Traversal) { r.Why = "a\nb" },
		"id \"abc\"":                func(r *Traversal) { *r = called(); r.ID = "abc" },
		"pair tests have none":      func(r *Traversal) { r.ID = "abcdefghijklmnop" },
		"no run, repetition":        func(r *Traversal) { *r = called(); r.Ends[0].Name = "berlin" },
	} {
		r := probed()
		spoil(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want it to say %s", err, says)
		}
	}
	for _, value := range []string{"", "null", "[]", `{"at":"x"}`, `{"pair":"` + strings.Repeat("x", MaxTraversalBytes) + `"}`} {
		if _, err := ParseTraversal([]byte(value)); err == nil {
			t.Errorf("%.40s is taken", value)
		}
	}
}

func FuzzParseTraversal(f *testing.F) {
	f.Add(AppendJSON(nil, probed()))
	f.Add(AppendJSON(nil, called()))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := ParseTraversal(value)
		if err != nil {
			return
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%v of what was read from %q", err, value)
		}
		if again, err := ParseTraversal(b); len(b) <= MaxTraversalBytes && (err != nil || !reflect.DeepEqual(again, r)) {
			t.Fatalf("%v: %+v, then %+v", err, r, again)
		}
	})
}
