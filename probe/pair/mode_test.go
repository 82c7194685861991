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
		{URLs: []string{"turn:r.example:3478?transport=udp", "turn:r.example:3478?transport=tcp", "turns:r.example:443?transport=tcp"}, Username: "u", Credential: "c"},
		{URLs: []string{"turn:old.example"}, Username: "u", Credential: "c"},
	}
	for mode, want := range map[Mode]string{
		Direct:   "stun:s.example:3478 stun:r.example:3478 stun:old.example",
		RelayUDP: "turn:r.example:3478?transport=udp turn:old.example",
		RelayTCP: "turn:r.example:3478?transport=tcp",
		RelayTLS: "turns:r.example:443?transport=tcp",
		All:      "stun:s.example:3478 turn:r.example:3478?transport=udp turn:r.example:3478?transport=tcp turns:r.example:443?transport=tcp turn:old.example",
	} {
		servers, err := mode.servers(handed)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		var urls []string
		for _, s := range servers {
			urls = append(urls, s.URLs...)
			if mode == Direct && (s.Username != "" || s.Credential != nil) {
				t.Errorf("%s hands credentials to a STUN server", mode)
			}
			if mode.relayed() && s.Username == "" {
				t.Errorf("%s has no credentials for %q", mode, s.URLs)
			}
		}
		if got := strings.Join(urls, " "); got != want {
			t.Errorf("%s uses %s, want %s", mode, got, want)
		}
	}
}

func TestAModeWithoutARelaySaysWhatItNeeds(t *testing.T) {
	for _, mode := range Modes() {
		_, err := mode.servers([]wire.ICEServer{{URLs: []string{"stun:s.example"}}})
		if slices.Contains([]Mode{Direct, All}, mode) {
			if err != nil {
				t.Errorf("%s: %v", mode, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), mode.like()) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
