package wire

import (
	"strings"
	"testing"
)

func TestParseRelayURL(t *testing.T) {
	for in, want := range map[string]RelayURL{
		"turn:turn.example.com":                          {"turn.example.com", 3478, RelayUDP},
		"turns:turn.example.com":                         {"turn.example.com", 5349, RelayTLS},
		"turn:203.0.113.1:80?transport=tcp":              {"203.0.113.1", 80, RelayTCP},
		"turns:turn.example.com:443?transport=udp":       {"turn.example.com", 443, RelayDTLS},
		"turns:turn.example.com:443?transport=tcp":       {"turn.example.com", 443, RelayTLS},
		"turn:[2001:db8::1]:3479?transport=udp":          {"2001:db8::1", 3479, RelayUDP},
		"turn:[2001:db8::1]":                             {"2001:db8::1", 3478, RelayUDP},
		"TURN:Turn.Example.com?transport=UDP":            {"turn.example.com", 3478, RelayUDP},
		"turn:relay_1.internal.:65535?transport=tcp":     {"relay_1.internal.", 65535, RelayTCP},
		"turn:" + strings.Repeat("a", 63) + ".example:1": {strings.Repeat("a", 63) + ".example", 1, RelayUDP},
	} {
		got, err := ParseRelayURL(in)
		if err != nil || got != want {
			t.Errorf("%s: %+v, error %v; want %+v", in, got, err, want)
		}
		if again, err := ParseRelayURL(got.String()); err != nil || again != got {
			t.Errorf("%s: written as %s it is %+v, error %v", in, got, again, err)
		}
	}
	for in, want := range map[string]string{
		"":                                  "has no scheme",
		"turn.example.com":                  "has no scheme",
		"http://turn.example.com":           `has the scheme "http"`,
		"stun:turn.example.com":             "for STUN alone",
		"turn://turn.example.com":           "has // after its scheme",
		"turn:":                             "has no host",
		"turn:host:":                        "no port after it",
		"turn:host:0":                       `port "0"`,
		"turn:host:65536":                   "1 to 65535",
		"turn:host:+80":                     `port "+80"`,
		"turn:host?transport=sctp":          `transport "sctp"`,
		"turn:host?proto=udp":               "only transport= can be asked for",
		"turn:host?":                        `asks for ""`,
		"turn:host:x":                       `port "x"`,
		"turn:host\n":                       "more than letters",
		"turn:user@host":                    "has a user",
		"turn:2001:db8::1":                  "without brackets",
		"turn:[2001:db8::1":                 "lacks the ]",
		"turn:[fe80::1%eth0]":               "no IPv6 address",
		"turn:[1.2.3.4]:80":                 "no IPv6 address",
		"turn:[::1]80":                      "where a port would stand",
		"turn:a..b":                         "label is empty",
		"turn:höst":                         "more than letters",
		"turn:a b":                          "more than letters",
		"turn:" + strings.Repeat("a.", 200): "longer than 256",
	} {
		_, err := ParseRelayURL(in)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "write it like turn:") {
			t.Errorf("%q: error %v, want one with %q and an example", in, err, want)
		}
	}
}

func FuzzParseRelayURL(f *testing.F) {
	for _, s := range []string{"turn:a", "turns:[::1]:1?transport=udp", "turn:1.2.3.4:80?transport=tcp", "turn:[::ffff:1.2.3.4]", "turn:a.:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseRelayURL(s)
		if err != nil {
			return
		}
		again, err := ParseRelayURL(u.String())
		if err != nil || again != u {
			t.Errorf("%q is %+v, and written out %+v, error %v", s, u, again, err)
		}
	})
}
