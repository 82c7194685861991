package turnauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// KeyID names a secret without telling it: 16 hexadecimal digits, the head of HMAC-SHA256(secret, "callmesh turn key id v1"); empty for no secret. So that
// two who hold several secrets can agree on one of them in the open. It lets whoever sees it try guesses at the secret, as every credential does.
func KeyID(s Secret) string {
	if s.IsZero() {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(s.Reveal()))
	mac.Write([]byte("callmesh turn key id v1"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// ParseSecrets reads the secrets of a file, one a line, in their order. Lines without anything are passed over, and so is a secret that stands twice.
func ParseSecrets(text string) []Secret {
	var list []Secret
	seen := make(map[string]bool)
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line == "" || seen[line] {
			continue
		}
		seen[line] = true
		list = append(list, NewSecret(line))
	}
	return list
}

// ByID returns the secret of that id among several; ok is false if it is none of them.
func ByID(secrets []Secret, id string) (s Secret, ok bool) {
	for _, s := range secrets {
		if id != "" && KeyID(s) == id {
			return s, true
		}
	}
	return Secret{}, false
}
