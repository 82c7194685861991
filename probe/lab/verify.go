package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	Agree   bool      `json:"agree"`
	Why     string    `json:"why,omitempty"`
}

// Look gives what a prober at a site finds of a server.
type Look func(ctx context.Context, site, server string) (*discover.Result, error)

// Verify looks at every site, all at once, and says whether each is what it claims to be.
func (l *Lab) Verify(ctx context.Context, look Look) ([]Verdict, error) {
	server := fmt.Sprintf("%s:%d", ServerAddr, RelayPort)
	verdicts := make([]Verdict, len(l.sites))
	errs := make(chan error, len(l.sites))
	for i, s := range l.sites {
		go func() {
			v, err := l.verify(ctx, s, server, look)
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

func (l *Lab) verify(ctx context.Context, s Site, server string, look Look) (Verdict, error) {
	v := Verdict{Site: s.Name, Kind: s.Kind, Claims: s.Kind.Class()}
	r, err := look(ctx, s.Name, server)
	if err != nil {
		return v, fmt.Errorf("site %s: %w", s.Name, err)
	}
	v.Found, v.Why = r.Class(), r.Why
	if v.Coturns, err = l.natdiscovery(ctx, s.Name); err != nil {
		return v, fmt.Errorf("site %s: %w", s.Name, err)
	}
	v.Agree = v.Found == v.Claims && v.Coturns == v.Claims
	return v, nil
}

// natdiscovery asks the tool that comes with coturn, which shares no code with ours.
func (l *Lab) natdiscovery(ctx context.Context, site string) (nat.Class, error) {
	// Where nothing comes back, it waits for ever.
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	c := l.Command(ctx, site, "timeout", "15", "turnutils_natdiscovery", "-m", "-f", ServerAddr.String())
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nat.Class{}, fmt.Errorf("turnutils_natdiscovery: %w", err)
	}
	return parseNatdiscovery(out.String()), nil
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
