package main

import (
	"context"
	"net"
	"testing"
	"time"

	"callmesh/turnctl/fleet"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// A relay that answers nothing has failed, and is no check that could not be made: neither where all of it was tried in the time that the pace gives, nor
// where that was over before.
func TestQuickCheckOfASilentRelay(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	pace := fleet.Pace{Interval: 10 * time.Second, Rule: fleet.Rule{Fail: 2, Recover: 3}}
	for what, given := range map[string]time.Duration{"all was tried": time.Minute, "the time was over": pace.CheckTimeout() / 10} {
		ctx, cancel := context.WithTimeout(t.Context(), given)
		r := quickCheck("", "", pace)(ctx, "turn:"+silent.LocalAddr().String()+"?transport=udp", turnauth.NewSecret("s"))
		cancel()
		for _, i := range r.Items {
			t.Logf("%s: %s %s %s %v", what, i.Name, i.Status, i.Summary, i.Took)
		}
		if r.Exit() != verdict.ExitUnhealthy {
			t.Errorf("%s: exit %d", what, r.Exit())
		}
	}
}
