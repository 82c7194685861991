package edge

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// maxMarks is how many marks may stand on one letter: no script needs more, and piles of them cover the lines around.
const maxMarks = 4

// guestName makes what others will see of what a guest typed: one form for one look (Unicode's NFC), single blanks, and nothing invisible, with
// which two names could look the same. Control characters, and those that turn the direction of the writing, are left for the signer to refuse:
// nobody types them.
func guestName(typed string) (string, *wire.Error) {
	var b strings.Builder
	runes := []rune(typed)
	var last rune // of what is kept
	blank := false
	for i, r := range runes {
		var next rune
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		switch {
		case unicode.IsSpace(r):
			blank = true
			continue
		case invisible(r) && !joinsEmoji(last, r, next):
			continue
		case !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Cc, unicode.Cf):
			return "", wire.Errorf(wire.CodeBadRequest, "name: U+%04X is no character that others could see: leave it out", r)
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank, last = false, r
		b.WriteRune(r)
	}
	name := norm.NFC.String(b.String())
	seen, marks := false, 0
	for _, r := range name {
		if !unicode.Is(unicode.M, r) {
			seen, marks = seen || !unicode.Is(unicode.Zs, r), 0
		} else if marks++; marks > maxMarks {
			return "", wire.Errorf(wire.CodeBadRequest, "name has more than %d marks on one letter", maxMarks)
		}
	}
	if !seen {
		return "", wire.Errorf(wire.CodeBadRequest, "name is empty: want 1 to %d characters", auth.MaxNameRunes)
	}
	return name, nil
}

// invisible reports what leaves no trace: formats but for the turning ones, variation selectors, fillers.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Bidi_Control, r) ||
		unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800' // a blank of Braille
}

// joinsEmoji reports an invisible character that is part of an emoji: a family is several, joined.
func joinsEmoji(last, r, next rune) bool {
	const joiner, asEmoji = '\u200d', '\ufe0f'
	emoji := unicode.Is(unicode.So, last) || last >= 0x1f3fb && last <= 0x1f3ff // the tones of skin
	switch r {
	case asEmoji:
		return emoji
	case joiner:
		return (emoji || last == asEmoji) && unicode.Is(unicode.So, next)
	}
	return false
}
