package main

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// A second secret that could not be tried is not taken for proved.
func TestSecondSecretUnmeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := new(ProvisionConfig)
	c.ListenIP, c.Port, c.TLSOff = []netip.Addr{netip.MustParseAddr("127.0.0.1")}, 3478, true
	c.Secret = turnauth.NewSecret("prove-first-0123456789\nprove-second-0123456789")
	items := c.prove(ctx)
	if !slices.ContainsFunc(items, func(i verdict.Item) bool { return i.Name == "secret-2.resolve" && i.Status == verdict.Unknown }) {
		t.Errorf("%v", items)
	}
}
