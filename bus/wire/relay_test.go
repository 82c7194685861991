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
		{`turn:a.example.org:3478`, `http://x`}:              "neither turn nor turns",
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
