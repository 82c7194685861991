package plan

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// a thousand calls, a fifth of them relayed, on hosts of a gigabit.
func example() (Demand, Host) {
	return Demand{Calls: 1000, BitsPerSecond: 1_200_000, Share: Given(0.2), URLs: 3},
		Host{Ports: 16384, BitsPerSecond: 1e9, Headroom: 0.3, Files: 65536, Bytes: 4 << 30, Spare: 1}
}

func TestMake(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(*Demand, *Host)
		allocations int
		megabits    float64 // each way
		hosts       int
		because     string
	}{
		// 200 relayed calls, 2 people sending 1.25 Mbit/s with headers; 2 people with 3 allocations in every call.
		"as it is":                              {func(*Demand, *Host) {}, 6000, 500, 2, "ports"},
		"bandwidth decides":                     {func(_ *Demand, h *Host) { h.BitsPerSecond = 1e8 }, 6000, 500, 9, "bandwidth"},
		"ports decide":                          {func(_ *Demand, h *Host) { h.Ports = 1000 }, 6000, 500, 7, "ports"},
		"files decide":                          {func(_ *Demand, h *Host) { h.Files = 4200 }, 6000, 500, 4, "file descriptors"},
		"memory decides":                        {func(_ *Demand, h *Host) { h.Bytes = 96 << 20 }, 6000, 500, 7, "memory"},
		"relays at both ends":                   {func(d *Demand, _ *Host) { d.BothEnds = 1 }, 6000, 1000, 3, "bandwidth"},
		"an interval counts with its upper end": {func(d *Demand, _ *Host) { d.Share = Share{0.2, 0.1, 0.4, 50} }, 6000, 1000, 3, "bandwidth"},
		// 200 in use, and a tenth of the other 5800.
		"unused ones go early": {func(d *Demand, _ *Host) { d.Linger, d.CallLength = 30, 300 }, 780, 500, 2, "ports"},
		"nothing relayed":      {func(d *Demand, _ *Host) { d.Share = Given(0) }, 6000, 0, 2, "ports"},
		"no spare":             {func(_ *Demand, h *Host) { h.Spare = 0 }, 6000, 500, 1, "ports"},
	} {
		d, h := example()
		c.change(&d, &h)
		p, err := Make(d, h)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.Need.Allocations != c.allocations || math.Abs(p.Need.BitsPerSecond/1e6-c.megabits) > 0.01 || p.Hosts != c.hosts || p.Because != c.because {
			t.Errorf("%s: %d allocations, %.2f Mbit/s, %d hosts because of %s; want %d, %.2f, %d, %s", name,
				p.Need.Allocations, p.Need.BitsPerSecond/1e6, p.Hosts, p.Because, c.allocations, c.megabits, c.hosts, c.because)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	nan := math.NaN()
	for want, change := range map[string]func(*Demand, *Host){
		"calls: 0 is not":              func(d *Demand, _ *Host) { d.Calls = 0 },
		"bitrate: NaN bit/s is not":    func(d *Demand, _ *Host) { d.BitsPerSecond = nan },
		"relay-share: 1.2":             func(d *Demand, _ *Host) { d.Share = Given(1.2) },
		"relay-share: NaN":             func(d *Demand, _ *Host) { d.Share = Given(nan) },
		"both-ends-share: -1 is not":   func(d *Demand, _ *Host) { d.BothEnds = -1 },
		"urls: 0 is not":               func(d *Demand, _ *Host) { d.URLs = 0 },
		"linger: 5 s of calls of 0 s":  func(d *Demand, _ *Host) { d.Linger = 5 },
		"ports: 70000 is not":          func(_ *Demand, h *Host) { h.Ports = 70000 },
		"bandwidth: 1 bit/s is not 1M": func(_ *Demand, h *Host) { h.BitsPerSecond = 1 },
		"headroom: 1 is not":           func(_ *Demand, h *Host) { h.Headroom = 1 },
		"files: 10 is not 300 or more": func(_ *Demand, h *Host) { h.Files = 10 },
		"memory: 10 bytes is not":      func(_ *Demand, h *Host) { h.Bytes = 10 },
		"spare: -1 is not":             func(_ *Demand, h *Host) { h.Spare = -1 },
	} {
		d, h := example()
		change(&d, &h)
		if _, err := Make(d, h); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestReadShare(t *testing.T) {
	got, err := ReadShare(strings.NewReader(`{"schema":1,"relayShare":{"estimate":0.22,"low":0.18,"high":0.27,"pairs":312},"more":[]}`))
	if err != nil || got != (Share{0.22, 0.18, 0.27, 312}) {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		``:                                "not a JSON object of results",
		`[]`:                              "not a JSON object of results",
		`{}`:                              "no relayShare in it",
		`{"relayShare":0.2}`:              "not a JSON object of results",
		`{"relayShare":{"estimate":0.2}}`: "lacks estimate, low, high or pairs",
		`{"relayShare":{"estimate":0.2,"low":0.3,"high":0.4,"pairs":1}}`:  "is not within its interval 0.3 to 0.4",
		`{"relayShare":{"estimate":0.2,"low":0.1,"high":1.4,"pairs":1}}`:  "is not within its interval 0.1 to 1.4",
		`{"relayShare":{"estimate":0.2,"low":0.1,"high":0.4,"pairs":0}}`:  "rests on 0 pairs",
		`{"relayShare":{"estimate":-0.2,"low":-1,"high":0.4,"pairs":10}}`: "is not within",
	} {
		if _, err := ReadShare(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// What is read never makes a plan fail later, and never panics.
func FuzzReadShare(f *testing.F) {
	f.Add(`{"relayShare":{"estimate":0.22,"low":0.18,"high":0.27,"pairs":312}}`)
	f.Add(`{"relayShare":{"estimate":1e400}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadShare(strings.NewReader(text))
		if err != nil {
			return
		}
		d, h := example()
		d.Share = s
		if _, err := Make(d, h); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	})
}

var spaces = regexp.MustCompile(" +")

func TestOutputs(t *testing.T) {
	d, h := example()
	d.Share = Share{0.2, 0.15, 0.25, 40}
	p, err := Make(d, h)
	if err != nil {
		t.Fatal(err)
	}
	var text, machine strings.Builder
	if err := p.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 hosts (1 of them spare), because of ports\n", "\n allocations 6,000\n", "\n bandwidth 625 Mbit/s in, as much out\n", "total-quota=16384",
		"measured between 40 pairs; its interval is 0.15 to 0.25", "relay share, planned for", "LimitNOFILE=65536", "min-port=49152",
	} {
		if !strings.Contains(spaces.ReplaceAllString(text.String(), " "), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if err := p.JSON(&machine); err != nil {
		t.Fatal(err)
	}
	var back Plan
	if err := json.Unmarshal([]byte(machine.String()), &back); err != nil || back.Hosts != 2 || back.Need != p.Need || len(back.Assumptions) != len(p.Assumptions) {
		t.Errorf("%v, %+v", err, back)
	}
}
