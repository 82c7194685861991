package lab

import (
	"testing"

	"callmesh/probe/nat"
)

// A tool that could not run has not found that UDP is blocked.
func TestWhatNatdiscoverySays(t *testing.T) {
	unknown := nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown, UDPBlocked: true}
	const open = "UDP reflexive addr: 203.0.113.10:5\nNAT with Endpoint Independent Mapping!\nUDP reflexive addr: 203.0.113.10:6\nNAT with Address and Port Dependent Filtering!\n"
	for name, c := range map[string]struct {
		out  string
		exit int
		want nat.Class
		ok   bool
	}{
		"it tells":         {open, 0, nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}, true},
		"it waited":        {"-= Mapping Behavior Discovery =-\nSTUN receive timeout..\n", 0, unknown, true},
		"it still waits":   {"-= Mapping Behavior Discovery =-\n", timedOut, unknown, true},
		"it is not there":  {"timeout: failed to run command 'turnutils_natdiscovery': No such file or directory", 127, unknown, false},
		"it crashed":       {"", 139, unknown, false},
		"it found no name": {"Cannot resolve", 255, unknown, false},
	} {
		got, err := readNatdiscovery(c.out, c.exit)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
