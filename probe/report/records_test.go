package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"callmesh/bus/wire"
	"callmesh/probe/report"
)

// Whoever stores a record says so again when it is not sure, and files are put together of parts that overlap.
func TestARecordThatWasStoredTwiceCountsOnce(t *testing.T) {
	records := stored(t)
	want := all(t, report.Make(slices.Clone(records), report.Options{}))
	r := report.Make(append(slices.Clone(records), records...), report.Options{})
	for i := range r.Sources {
		r.Sources[i].Records /= 2
	}
	for form, text := range all(t, r) {
		if text != want[form] {
			t.Errorf("%s differs", form)
		}
	}
}

func TestWhatTwoEndsOfACallTell(t *testing.T) {
	relayed := func(protocol wire.Protocol, region wire.Region) wire.Traversal {
		r := called("x", 0, wire.ResultConnected, wire.PathRelay, 100)
		r.Protocol, r.RelayRegion = protocol, region
		return r
	}
	direct := called("x", 0, wire.ResultConnected, wire.PathPrflx, 100)
	direct.Protocol = wire.ProtocolUDP
	lost := called("x", 0, wire.ResultNoSignalling, "", 0)
	empty := called("x", 0, wire.ResultNoCandidates, "", 0)
	failed := called("x", 0, wire.ResultFailed, "", 100)
	for name, c := range map[string]struct {
		a, b                   wire.Traversal
		path, protocol, region string // of a path, where it connected
		tried, unsignalled     int
	}{
		"a relay at one end":         {direct, relayed(wire.ProtocolTLS, "eu"), "relay", "tls", "eu", 1, 0},
		"a relay at either":          {relayed(wire.ProtocolTCP, "asia"), relayed(wire.ProtocolTCP, "asia"), "relay", "tcp", "asia", 1, 0},
		"direct":                     {direct, direct, "direct", "udp", "", 1, 0},
		"the answer was lost":        {failed, lost, "", "", "", 0, 1},
		"one had no candidates":      {failed, empty, "", "", "", 1, 0},
		"one end connected, it says": {relayed(wire.ProtocolTCP, "eu"), failed, "", "", "", 1, 0},
	} {
		var both []string
		for _, records := range [][]wire.Traversal{{c.a, c.b}, {c.b, c.a}} {
			records[0].ID, records[1].ID = wire.NewReportID(), wire.NewReportID()
			s := report.Make(records, report.Options{}).Sources[0]
			if s.Attempts != 1 || s.Modes[0].Tried() != c.tried || s.Modes[0].NoSignalling != c.unsignalled {
				t.Errorf("%s: %d attempts, %+v", name, s.Attempts, s.Modes[0].Tally)
			}
			if c.path == "" {
				if len(s.Paths) != 0 {
					t.Errorf("%s: paths %+v", name, s.Paths)
				}
			} else if len(s.Paths) != 1 || s.Paths[0].Path != c.path || s.Paths[0].Protocol != c.protocol {
				t.Errorf("%s: paths %+v, want %s over %s", name, s.Paths, c.path, c.protocol)
			}
			if c.region != "" && (len(s.Relay.Regions) != 1 || s.Relay.Regions[0].Name != c.region) {
				t.Errorf("%s: relays in %+v, want %s", name, s.Relay.Regions, c.region)
			}
			text, _ := json.Marshal(s.Paths)
			both = append(both, string(text))
		}
		if both[0] != both[1] {
			t.Errorf("%s: it depends on who tells first: %s, %s", name, both[0], both[1])
		}
	}
	// Of a pair test only the first end's protocol is stored: how the second reaches its relay is not known.
	one := probed("a", "b", "EIM/EIF", "EIM/EIF", 1, wire.ModeAll, wire.ResultConnected)
	one.Theirs = wire.PathRelay
	if p := report.Make([]wire.Traversal{one}, report.Options{}).Sources[0].Paths; len(p) != 1 || p[0].Path != "relay" || p[0].Protocol != "unknown" {
		t.Errorf("a relay at the second end: %+v", p)
	}
}

// Names of sixty letters that differ in the last are two hosts, two networks, and two pairs with predictions of their own.
func TestLongLabelsStayApart(t *testing.T) {
	long := strings.Repeat("n", 58)
	right := probed(long+"1", long+"2", "EIM/EIF", "EIM/EIF", 1, wire.ModeDirect, wire.ResultConnected)
	wrong := probed(long+"1", long+"3", "APDM/APDF", "APDM/APDF", 1, wire.ModeDirect, wire.ResultConnected)
	for _, r := range []*wire.Traversal{&right, &wrong} {
		for i := range r.Ends {
			r.Ends[i].Region = "eu" // at most 32 bytes
		}
	}
	s := report.Make([]wire.Traversal{right, wrong}, report.Options{}).Sources[0]
	if s.Pairs != 2 || s.Networks != 3 || len(s.Groups[2].Labels) != 3 || s.Prediction.Agree != 1 || s.Prediction.Differ != 1 {
		t.Errorf("%d pairs, %d networks, %q, %+v", s.Pairs, s.Networks, s.Groups[2].Labels, s.Prediction)
	}
}

// A pair of which no transfer was measured says nothing of throughput.
func TestRelayCostsAreOfWhatWasMeasured(t *testing.T) {
	var records []wire.Traversal
	for i, kbit := range []float64{0, 0, 900} {
		for _, m := range []wire.TraversalMode{wire.ModeDirect, wire.ModeRelayUDP} {
			r := probed("a", fmt.Sprintf("b%d", i), "EIM/EIF", "EIM/EIF", 1, m, wire.ResultConnected)
			r.RTTMs, r.KbitPerS = 10, kbit
			if m == wire.ModeRelayUDP {
				r.RTTMs, r.KbitPerS, r.Path, r.Theirs = 25, kbit/2, wire.PathRelay, wire.PathRelay
			}
			records = append(records, r)
		}
	}
	c := report.Make(records, report.Options{}).Sources[0].RelayCosts
	if len(c) != 1 || c[0].Pairs != 3 || c[0].AddedRTTMs != 15 || c[0].DirectKbitPerS != 900 || c[0].RelayKbitPerS != 450 {
		t.Errorf("%+v", c)
	}
}

// Whatever is stored, each output is whole: UTF-8 without controls, tables of one width, no formula, no number that is none.
func FuzzReport(f *testing.F) {
	for i, r := range stored(f) {
		if i%20 == 0 {
			line, _ := json.Marshal(r)
			f.Add(line, r.Ends[0].Network, r.Why, r.At, r.Ms, r.KbitPerS)
		}
	}
	f.Add([]byte("{}\n\n[1]"), "\u202e;=1", "\x1b[2J", int64(1), int64(0), 1e300)
	f.Fuzz(func(t *testing.T, text []byte, network, why string, at, ms int64, kbit float64) {
		lines, err := report.Read(bytes.NewReader(text))
		records := lines.Records
		if r := report.Make(records, report.Options{}); err == nil && r.Ignored > 0 {
			t.Errorf("%d that were read can't be counted", r.Ignored)
		}
		one := probed("a", "b", "EIM/EIF", "EIM/EIF", 1, wire.ModeDirect, wire.ResultConnected)
		one.Ends[0].Network, one.Why, one.At, one.Ms, one.RTTMs, one.KbitPerS = network, why, at, ms, 1, kbit
		r := report.Make(append(records, one), report.Options{})
		for form, text := range all(t, r) {
			if !utf8.ValidString(text) || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
				t.Errorf("%s: %q", form, text)
			}
			if i := strings.IndexFunc(text, func(c rune) bool { return c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) }); i >= 0 {
				t.Errorf("%s: %q in it", form, text[i:min(len(text), i+8)])
			}
			if form != "csv" {
				continue
			}
			lines := csv.NewReader(strings.NewReader(text))
			for {
				line, err := lines.Read()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, cell := range line[2:4] {
					if strings.HasPrefix(cell, "=") || strings.Contains(cell, ";=") {
						t.Errorf("a formula: %q", cell)
					}
				}
			}
		}
	})
}
