package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// scanAll reports whether b is one JSON value.
func scanAll(b []byte) error {
	s := scanner{b: b}
	if _, err := s.value(); err != nil {
		return err
	}
	if s.space(); s.i != len(b) {
		return s.fail("something follows the value")
	}
	return nil
}

func tooDeep(err error) bool { return err != nil && strings.Contains(err.Error(), "nested deeper") }

// The scanner and encoding/json agree on what JSON is.
func TestScannerAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range []string{
		"", " ", "1", "-1", "-0", "0", "00", "01", "1.", ".1", "-", "-.1", "1.0", "1e5", "1E+5", "1e-5", "1e", "1e+", "1.e5", "+1", "0x1", "1_0", "Infinity", "NaN",
		"true", "false", "null", "tru", "True", "nulll", "true false",
		`""`, `"a`, `"`, `"\`, `"\"`, `"\u`, `"\u123`, `"\u123g"`, `"\u12aF"`, `"\ud800"`, `"\b\f\n\r\t\/\\\""`, `"\a"`, "\"\t\"", "\"\x7f\"", "\"\x00\"", "'a'",
		"[]", "[ ]", "[1]", "[1,]", "[,1]", "[1 2]", "[1,2", "[", "]", "[[[]]]", "[}", "[\n1\r,\t2 ]", "[\v1]", "[\u00a01]",
		"{}", "{ }", `{"a":1}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1,"a":2}`, "{", "}", "{]", `{1:1}`, "{}{}", "{} x", "\ufeff{}", "/**/1", "1//",
	} {
		if err := scanAll([]byte(text)); (err == nil) != json.Valid([]byte(text)) {
			t.Errorf("%q: the scanner says %v, encoding/json says valid: %t", text, err, json.Valid([]byte(text)))
		}
	}
}

func TestUnquoteAgreesWithEncodingJSON(t *testing.T) {
	for _, raw := range []string{`""`, `"a"`, `"\u0000"`, `"\u00e9\u4e2d"`, `"\ud83d\udcde"`, `"x\ud83d\udcdey"`, `"\uD83D\uDCDE"`, `"\\u0041"`, `"\"\\\/\b\f\n\r\t"`, `"房\n间"`} {
		var want string
		if err := json.Unmarshal([]byte(raw), &want); err != nil {
			t.Fatal(err)
		}
		if got, ok := unquote([]byte(raw)); !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", raw, got, ok, want)
		}
	}
	for _, raw := range []string{`"\ud83d"`, `"\udcde"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\udcde"`, `"\ud83d\\udcde"`, `"a\ud83db"`, `"\udcde\ud83d"`} {
		if got, ok := unquote([]byte(raw)); ok {
			t.Errorf("%s is read as %q", raw, got)
		}
	}
}

func TestAppendStringIsReadBack(t *testing.T) {
	for _, text := range []string{"", "a", `"\`, "\x00\x01\n\r\t\x1f\x7f", "房间\U0001F4DE\u2028\u2029<>&"} {
		raw := appendString(nil, text)
		var back string
		if err := json.Unmarshal(raw, &back); err != nil || back != text {
			t.Errorf("%q is written as %s: %v", text, raw, err)
		}
		if back, ok := unquote(raw); !ok || back != text {
			t.Errorf("%q is written as %s and read as %q", text, raw, back)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e+3,"\u00e9\\",true,false,null,{}]}`, `"\ud83d\udcde"`, "[[[", "1e", " 0 "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := scanAll(b)
		if tooDeep(err) {
			return
		}
		if (err == nil) != json.Valid(b) {
			t.Fatalf("%q: the scanner says %v, encoding/json says valid: %t", b, err, json.Valid(b))
		}
		if err != nil || !utf8.Valid(b) {
			return
		}
		s := scanner{b: b}
		if s.space(); s.next() != '"' {
			return
		}
		raw, _ := s.value()
		if got, ok := unquote(raw); ok {
			var want string
			if err := json.Unmarshal(raw, &want); err != nil || got != want {
				t.Fatalf("%s: got %q, want %q (%v)", raw, got, want, err)
			}
		}
	})
}
