package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const goodRelay = `{"urls":["turn:a.example.org:3478?transport=udp","turns:[2001:db8::1]:443?transport=tcp"],"down":[{"url":"turn:a.example.org?transport=tcp","why":"tcp4.connect"}],
	"realm":"example.org","health":"healthy","forMs":5000,"key":"0123456789abcdef","load":7,"capacity":100,"leaseMs":10000,"software":"Coturn-4.6.1","agent":"v1","later":true}`

func TestParseRelay(t *testing.T) {
	r, err := ParseRelay("a", "eu", []byte(goodRelay))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "a" || r.Region != "eu" || r.Lease() != 10*time.Second || r.Free() != 0.93 || r.Full() || len(r.Down) != 1 {
		t.Errorf("%+v", r)
	}
	for replace, want := range map[[2]string]string{
		{`"forMs":5000`, `"forMs":-1`}:                       "healthy for -1 ms",
		{`"load":7`, `"load":-2`}:                            "load -2 of 100",
		{`"leaseMs":10000`, `"leaseMs":1`}:                   "a lease of 1 ms: want 2000 to 120000",
		{`"leaseMs":10000`, `"leaseMs":99999999999`}:         "a lease of 99999999999 ms",
		{`0123456789abcdef`, `secret`}:                       `key "secret": want 16 hexadecimal digits`,
		{`"healthy"`, `"failing"`}:                           "failing with 2 URLs that work",
		{`"healthy"`, `"well"`}:                              `health "well"`,
		{`turn:a.example.org:3478`, `http://x`}:              "not a turn: or turns: URL",
		{`"tcp4.connect"`, `"a\u0000b"`}:                     "why contains the control character",
		{`"example.org"`, `"` + strings.Repeat("x", 200)}:    "unexpected end of JSON",
		{`"v1"`, `"` + strings.Repeat("x", 200) + `"`}:       "agent has 200 bytes",
		{`"v1"`, `"` + strings.Repeat("x", 4096) + `"`}:      "want at most 4096",
		{`"urls":[`, `"urls":[` + strings.Repeat(`"a",`, 9)}: "12 URLs: want 1 to 8",
		{`"capacity":100`, `"capacity":"100"`}:               "cannot unmarshal",
	} {
		text := strings.Replace(goodRelay, replace[0], replace[1], 1)
		if strings.Contains(want, "unexpected end") {
			text = text[:100]
		}
		if _, err := ParseRelay("a", "eu", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", replace[1], err, want)
		}
	}
	for _, id := range []RelayID{"", "-a", "A", "a.b", "a>", RelayID(strings.Repeat("a", 64))} {
		if _, err := ParseRelay(id, "eu", []byte(goodRelay)); err == nil {
			t.Errorf("relay %q was taken", id)
		}
	}
}

func TestRelayIDOf(t *testing.T) {
	for host, want := range map[string]RelayID{
		"Relay1.example.org": "relay1-example-org", "2001:db8::1": "2001-db8--1", "x_y": "x-y", strings.Repeat("é", 80): "", ".a.": "a",
	} {
		if got := RelayIDOf(host); got != want {
			t.Errorf("%q makes %q, want %q", host, got, want)
		}
	}
}

func TestParseRelayURL(t *testing.T) {
	for s, want := range map[string]RelayURL{
		"turn:a":                             {"a", 3478, RelayUDP},
		"turn:a?transport=tcp":               {"a", 3478, RelayTCP},
		"turns:a":                            {"a", 5349, RelayTLS},
		"turns:a.b:443?transport=tcp":        {"a.b", 443, RelayTLS},
		"turns:a:443?transport=udp":          {"a", 443, RelayDTLS},
		"turn:[::1]:3478?transport=udp":      {"::1", 3478, RelayUDP},
		"turn:[2001:db8::1]":                 {"2001:db8::1", 3478, RelayUDP},
		"turn:192.0.2.1:65535?transport=udp": {"192.0.2.1", 65535, RelayUDP},
	} {
		if got, err := ParseRelayURL(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "turn:", "turn", "a", "stun:a", "turn://a", "turn:a:", "turn:a:0", "turn:a:65536", "turn:a:x", "turn:a?transport=sctp", "turn:a?", "turn:a?x=y", "turn:a b",
		"turn:[::1", "turn:[::1]x", "turn:[a]", "turn:::1", "turn:[fe80::1%eth0]", "turn:a/b", "turn:u@a", "turn:a\n", "turn:" + strings.Repeat("a", 300),
	} {
		if got, err := ParseRelayURL(s); err == nil {
			t.Errorf("%q is taken for %+v", s, got)
		}
	}
}

// What is read can be said again, and is read as the same.
func FuzzParseRelay(f *testing.F) {
	f.Add(goodRelay)
	f.Add(`{"health":"failing","urls":[],"down":[{"url":"turn:a","why":""}],"load":-1,"capacity":-1,"leaseMs":2000}`)
	f.Fuzz(func(t *testing.T, value string) {
		r, err := ParseRelay("a", "eu", []byte(value))
		if err != nil {
			return
		}
		if free := r.Free(); !(free >= 0 && free <= 1) {
			t.Errorf("%g is free", free)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > MaxRelayBytes {
			return // escapes can make it longer
		}
		again, err := ParseRelay("a", "eu", b)
		if err != nil || again.Health != r.Health || again.LeaseMs != r.LeaseMs || len(again.URLs) != len(r.URLs) {
			t.Errorf("%s is read back as %+v, %v", b, again, err)
		}
	})
}
