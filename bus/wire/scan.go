package wire

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a frame, so that no reader on the way needs a deep stack.
const maxDepth = 256

// maxFields bounds the members of a frame's outer object. No op has more than half of that.
const maxFields = 16

// scanner walks JSON (RFC 8259) without building anything: it checks and it finds where values begin and end.
// encoding/json would visit a body twice more (once to check, once to copy); a frame that is only passed on is walked just once.
type scanner struct {
	b     []byte
	i     int
	depth int
}

func (s *scanner) fail(what string) error {
	return Errorf(CodeBadRequest, "the frame is not JSON: %s at byte %d", what, s.i)
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) next() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// value skips one value and returns its bytes.
func (s *scanner) value() ([]byte, error) {
	s.space()
	start := s.i
	var err error
	switch c := s.next(); {
	case c == '{':
		err = s.members(func([]byte, []byte) error { return nil })
	case c == '[':
		err = s.elements(func([]byte) error { return nil })
	case c == '"':
		_, err = s.str()
	case c == '-' || c >= '0' && c <= '9':
		err = s.number()
	case c == 't':
		err = s.literal("true")
	case c == 'f':
		err = s.literal("false")
	case c == 'n':
		err = s.literal("null")
	case s.i >= len(s.b):
		err = s.fail("it ends where a value should be")
	default:
		err = s.fail("no value begins with " + strconv.QuoteRune(rune(c)))
	}
	return s.b[start:s.i], err
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return Errorf(CodeBadRequest, "the frame is nested deeper than %d", maxDepth)
	}
	s.i++
	s.space()
	return nil
}

// members walks an object and hands each member's raw key (quotes included) and raw value to member.
func (s *scanner) members(member func(key, value []byte) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	if s.next() == '}' {
		s.i++
		s.depth--
		return nil
	}
	for {
		s.space()
		if s.next() != '"' {
			return s.fail("a member's name should be here")
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		if s.space(); s.next() != ':' {
			return s.fail("':' should be here")
		}
		s.i++
		value, err := s.value()
		if err != nil {
			return err
		}
		if err := member(key, value); err != nil {
			return err
		}
		s.space()
		switch s.next() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.depth--
			return nil
		default:
			return s.fail("',' or '}' should be here")
		}
	}
}

// elements walks an array.
func (s *scanner) elements(element func(value []byte) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	if s.next() == ']' {
		s.i++
		s.depth--
		return nil
	}
	for {
		value, err := s.value()
		if err != nil {
			return err
		}
		if err := element(value); err != nil {
			return err
		}
		s.space()
		switch s.next() {
		case ',':
			s.i++
		case ']':
			s.i++
			s.depth--
			return nil
		default:
			return s.fail("',' or ']' should be here")
		}
	}
}

// str skips a string and returns it with its quotes.
func (s *scanner) str() ([]byte, error) {
	start := s.i
	s.i++
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start:s.i], nil
		case c < 0x20:
			return nil, s.fail("a control character stands in a string")
		case c != '\\':
			s.i++
		default:
			s.i++
			switch s.next() {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				s.i++
			case 'u':
				s.i++
				if s.i+4 > len(s.b) || !isHex(s.b[s.i:s.i+4]) {
					return nil, s.fail("\\u wants four hexadecimal digits")
				}
				s.i += 4
			default:
				return nil, s.fail("a bad escape stands in a string")
			}
		}
	}
	return nil, s.fail("it ends within a string")
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func (s *scanner) digits() error {
	if c := s.next(); c < '0' || c > '9' {
		return s.fail("a digit should be here")
	}
	for c := s.next(); c >= '0' && c <= '9'; c = s.next() {
		s.i++
	}
	return nil
}

func (s *scanner) number() error {
	if s.next() == '-' {
		s.i++
	}
	if s.next() == '0' {
		s.i++
		if c := s.next(); c >= '0' && c <= '9' {
			return s.fail("a number begins with 0")
		}
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.next() == '.' {
		s.i++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.next(); c == 'e' || c == 'E' {
		s.i++
		if c := s.next(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(word)) {
		return s.fail(word + " should be here")
	}
	s.i += len(word)
	return nil
}

// unquote decodes a scanned string. ok is false where an escape names half a surrogate pair: such a string has no UTF-8 form,
// and two of them could otherwise become one id.
func unquote(raw []byte) (text string, ok bool) {
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), true
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hexRune(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				if i+6 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
					return "", false
				}
				r = utf16.DecodeRune(r, hexRune(raw[i+3:]))
				if r == utf8.RuneError {
					return "", false
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, raw[i])
		}
	}
	return string(out), true
}

func hexRune(b []byte) rune {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 16) // the scanner has checked the digits
	return rune(n)
}

// appendString writes s as a JSON string. s must be valid UTF-8.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[plain:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		plain = i + 1
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}
