package wire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"dial tcp: refused":          "dial tcp: refused",
		"a\x00b\r\nc\x7fd\u0085e":    "a b  c d e",
		"für 通话":                     "für 通话",
		strings.Repeat("a", 30):      strings.Repeat("a", 20),
		"0123456789012345678é":       "0123456789012345678", // cut before what does not fit whole
		strings.Repeat("\xff", 3):    strings.Repeat("\ufffd", 3),
		strings.Repeat("\xff", 1000): strings.Repeat("\ufffd", 6),
	} {
		got := PlainText(in, 20)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if err := validText("it", got, 20); err != nil {
			t.Errorf("%q as %q is no text of a record: %v", in, got, err)
		}
	}
}
