package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/fleet"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// Of an authority that can't be read it is said that, and not only that nobody trusts the relay.
func TestQuickCheckWithoutItsAuthority(t *testing.T) {
	t.Parallel()
	cert := turntest.NewCA(t).Issue(t, time.Now().Add(time.Hour), turntest.Public[0])
	r := turntest.Start(t, turntest.Options{TLS: &cert, Port: 3490})
	garbage := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(garbage, []byte("not there yet"), 0o600); err != nil {
		t.Fatal(err)
	}
	pace := fleet.Pace{Interval: 30 * time.Second, Rule: fleet.Rule{Fail: 2, Recover: 3}}
	for file, says := range map[string]string{garbage: garbage + " holds no certificate", garbage + ".none": "no such file"} {
		report := quickCheck(r.Realm, file, pace)(t.Context(), "turns:"+r.TLSAddr.String()+"?transport=tcp", r.Secret)
		i := slices.IndexFunc(report.Items, func(i verdict.Item) bool { return i.Name == "tls4.certificate" })
		if i < 0 || report.Items[i].Status != verdict.Fail || !strings.Contains(report.Items[i].Summary, "ca-file: ") || !strings.Contains(report.Items[i].Summary, says) {
			t.Errorf("%s: %+v", file, report.Items)
		}
	}
}

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
