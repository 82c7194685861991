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

// A relay that answers nothing has failed, and within the time that the pace gives: it is no check that could not be made.
func TestQuickCheckOfASilentRelay(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	pace := fleet.Pace{Interval: 10 * time.Second, Rule: fleet.Rule{Fail: 2, Recover: 3}}
	ctx, cancel := context.WithTimeout(t.Context(), pace.CheckTimeout())
	defer cancel()
	began := time.Now()
	r := quickCheck("", "", pace)(ctx, "turn:"+silent.LocalAddr().String()+"?transport=udp", turnauth.NewSecret("s"))
	for _, i := range r.Items {
		t.Logf("%s %s %s %v", i.Name, i.Status, i.Summary, i.Took)
	}
	if r.Exit() != verdict.ExitUnhealthy || ctx.Err() != nil {
		t.Errorf("exit %d after %v of %v", r.Exit(), time.Since(began), pace.CheckTimeout())
	}
}
