package main

import (
	"net/netip"
	"strings"
	"testing"
)

// Callers are told the public address in place of each private one; names, ports and transports stay.
func TestOutward(t *testing.T) {
	urls := []string{
		"turn:10.0.0.4:3478?transport=udp", "turn:10.0.0.4?transport=tcp", "turn:10.0.0.4", "turns:node-1.turn.example.org:443?transport=tcp", "turn:[fd00::4]:3479?transport=udp", "none",
	}
	for public, want := range map[string]string{
		"203.0.113.7": "turn:203.0.113.7:3478?transport=udp turn:203.0.113.7:3478?transport=tcp turn:203.0.113.7:3478?transport=udp " +
			"turns:node-1.turn.example.org:443?transport=tcp turn:203.0.113.7:3479?transport=udp none",
		"2001:db8::7": "turn:[2001:db8::7]:3478?transport=udp turn:[2001:db8::7]:3478?transport=tcp turn:[2001:db8::7]:3478?transport=udp " +
			"turns:node-1.turn.example.org:443?transport=tcp turn:[2001:db8::7]:3479?transport=udp none",
	} {
		if got := strings.Join(outward(urls, netip.MustParseAddr(public)), " "); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	if got := outward(urls, netip.Addr{}); strings.Join(got, " ") != strings.Join(urls, " ") {
		t.Errorf("without one: %v", got)
	}
}

// Whoever fills in an address whose family it does not know writes brackets around it; what is announced has them around IPv6 alone (RFC 7065).
func TestWithoutBrackets(t *testing.T) {
	got := strings.Join(withoutBrackets([]string{"turn:[10.0.0.4]:3478?transport=udp", "turn:[fd00::4]:3478", "turn:[::ffff:10.0.0.4]:3478", "turns:relay.example.org:443?transport=tcp"}), " ")
	if want := "turn:10.0.0.4:3478?transport=udp turn:[fd00::4]:3478 turn:[::ffff:10.0.0.4]:3478 turns:relay.example.org:443?transport=tcp"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
