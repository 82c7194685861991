package pair

import (
	"slices"
	"strings"
	"testing"

	"callmesh/bus/wire"
)

func TestModesUseTheirServersOnly(t *testing.T) {
	handed := []wire.ICEServer{
		{URLs: []string{"stun:s.example:3478"}},
		{URLs: []string{"turn:r.example:3478?transport=udp", "Turn:r.example:3478?transport=TCP", "TURNS:R.example:443?transport=TCP"}, Username: "u", Credential: "c"},
		{URLs: []string{"turn:old.example"}, Username: "u", Credential: "c"},
	}
	for mode, want := range map[wire.TraversalMode]string{
		wire.ModeDirect:   "stun:s.example:3478 stun:r.example:3478 stun:old.example",
		wire.ModeRelayUDP: "turn:r.example:3478?transport=udp turn:old.example",
		wire.ModeRelayTCP: "turn:r.example:3478?transport=tcp",
		wire.ModeRelayTLS: "turns:r.example:443?transport=tcp",
		wire.ModeAll:      "stun:s.example:3478 turn:r.example:3478?transport=udp turn:r.example:3478?transport=tcp turns:r.example:443?transport=tcp turn:old.example",
	} {
		servers, err := serversOf(mode, handed)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		var urls []string
		for _, s := range servers {
			urls = append(urls, s.URLs...)
			if mode == wire.ModeDirect && (s.Username != "" || s.Credential != nil) {
				t.Errorf("%s hands credentials to a STUN server", mode)
			}
			if mode.Relayed() && s.Username == "" {
				t.Errorf("%s has no credentials for %q", mode, s.URLs)
			}
		}
		if got := strings.Join(urls, " "); got != want {
			t.Errorf("%s uses %s, want %s", mode, got, want)
		}
	}
}

func TestAModeWithoutARelaySaysWhatItNeeds(t *testing.T) {
	for _, mode := range wire.Modes() {
		_, err := serversOf(mode, []wire.ICEServer{{URLs: []string{"stun:s.example"}}})
		if slices.Contains([]wire.TraversalMode{wire.ModeDirect, wire.ModeAll}, mode) {
			if err != nil {
				t.Errorf("%s: %v", mode, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), like(mode)) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
