package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"time"

	"callmesh/probe/discover"
	"callmesh/probe/nat"
)

// Verdict is what one site is, by its own claim, by ours, and by coturn's own tool.
type Verdict struct {
	Site    string    `json:"site"`
	Kind    Kind      `json:"kind"`
	Claims  nat.Class `json:"claims"`
	Found   nat.Class `json:"found"`
	Coturns nat.Class `json:"coturns"` // by turnutils_natdiscovery
	// CoturnsWhy says why that tool was not asked.
	CoturnsWhy string `json:"coturnsWhy,omitempty"`
	// KeepsPorts says whether the host's port was its outer port, too.
	KeepsPorts bool   `json:"keepsPorts"`
	Hairpins   bool   `json:"hairpins"`
	Agree      bool   `json:"agree"`
	Why        string `json:"why,omitempty"`
}

// Look gives what a prober at a site finds of a server.
type Look func(ctx context.Context, site, server string) (*discover.Result, error)

// Verify looks at every site, all at once, and says whether each is what it claims to be.
func (l *Lab) Verify(ctx context.Context, look Look) ([]Verdict, error) {
	verdicts := make([]Verdict, len(l.sites))
	errs := make(chan error, len(l.sites))
	for i, s := range l.sites {
		go func() {
			v, err := l.verify(ctx, s, look)
			verdicts[i] = v
			errs <- err
		}()
	}
	var all []error
	for range l.sites {
		all = append(all, <-errs)
	}
	return verdicts, errors.Join(all...)
}

func (l *Lab) verify(ctx context.Context, s Site, look Look) (Verdict, error) {
	v := Verdict{Site: s.Name, Kind: s.Kind, Claims: s.Kind.Class()}
	r, err := look(ctx, s.Name, netip.AddrPortFrom(s.server(), RelayPort).String())
	if err != nil {
		return v, fmt.Errorf("site %s: %w", s.Name, err)
	}
	v.Found, v.Why = r.Class(), r.Why
	v.KeepsPorts = r.PortPreserved != nil && *r.PortPreserved
	v.Hairpins = r.Hairpin != nil && *r.Hairpin
	v.Agree = v.Found == v.Claims && v.KeepsPorts == s.Kind.KeepsPorts() && v.Hairpins == s.Kind.Hairpins() && delta(r, s.Kind)
	if s.Kind == Lossy {
		v.CoturnsWhy = "it asks once, and takes what is lost for filtered"
		return v, nil
	}
	if v.Coturns, err = l.natdiscovery(ctx, s); err != nil {
		return v, fmt.Errorf("site %s: %w", s.Name, err)
	}
	v.Agree = v.Agree && v.Coturns == v.Claims
	return v, nil
}

// server is where a site asks.
func (s Site) server() netip.Addr {
	if s.Kind.IPv6() {
		return Server6Addr
	}
	return ServerAddr
}

func delta(r *discover.Result, k Kind) bool {
	return k.Delta() == 0 || r.PortDelta != nil && *r.PortDelta == k.Delta()
}

// natdiscovery asks the tool that comes with coturn, which shares no code with ours.
func (l *Lab) natdiscovery(ctx context.Context, s Site) (nat.Class, error) {
	// Where nothing comes back, it waits for ever.
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	c := l.Command(ctx, s.Name, "timeout", "15", "turnutils_natdiscovery", "-m", "-f", s.server().String())
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nat.Class{}, fmt.Errorf("turnutils_natdiscovery: %w", err)
	}
	return readNatdiscovery(out.String(), c.ProcessState.ExitCode())
}

// timedOut is how timeout (coreutils) ends if what it ran had to be ended.
const timedOut = 124

// readNatdiscovery reads what the tool said. That nothing comes back it has found only if it says that it waited, or was still waiting: one that could not run agrees with nobody.
func readNatdiscovery(out string, exit int) (nat.Class, error) {
	c := parseNatdiscovery(out)
	if c.UDPBlocked && exit != timedOut && !strings.Contains(out, "STUN receive timeout") {
		return c, fmt.Errorf("turnutils_natdiscovery told nothing, exit %d: %.500q", exit, out)
	}
	return c, nil
}

// parseNatdiscovery reads the sentences in which turnutils_natdiscovery says what it found. One that got no answer at all has found that UDP is blocked.
func parseNatdiscovery(out string) nat.Class {
	c := nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown}
	for line := range strings.Lines(out) {
		switch strings.TrimSpace(line) {
		case "NAT with Endpoint Independent Mapping!":
			c.Mapping = nat.EIM
		case "NAT with Address Dependent Mapping!":
			c.Mapping = nat.ADM
		case "NAT with Address and Port Dependent Mapping!":
			c.Mapping = nat.APDM
		case "NAT with Endpoint Independent Filtering!":
			c.Filtering = nat.EIF
		case "NAT with Address Dependent Filtering!":
			c.Filtering = nat.ADF
		case "NAT with Address and Port Dependent Filtering!":
			c.Filtering = nat.APDF
		}
	}
	c.UDPBlocked = !strings.Contains(out, "UDP reflexive addr")
	return c
}
