// Package discover tells what the NAT before this host is like, by the behaviour tests of RFC 5780, section 4, against one STUN server with two addresses. What can't be told it does not guess.
package discover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"callmesh/probe/nat"
)

// Options say whom to ask, and what for.
type Options struct {
	// Server is the host and port of a STUN server, best one with two addresses.
	Server string
	// FirstWait is how long the first request waits for its answer; each of the next waits twice as long (RFC 8489, section 6.2.1). Default: 500 ms.
	FirstWait time.Duration
	// Tries is how many requests are sent before there is no answer. Default: 4, which with FirstWait takes 7.5 s.
	Tries int
	// Hairpin asks for the test of hairpinning.
	Hairpin bool
	// Lifetime is up to which age mappings are watched; 0: not at all. The test takes so long.
	Lifetime time.Duration
}

func (o *Options) defaults() {
	if o.FirstWait <= 0 {
		o.FirstWait = 500 * time.Millisecond
	}
	if o.Tries <= 0 {
		o.Tries = 4
	}
}

// Run does the tests. An error means that they could not be begun: a name that does not resolve, no network, ctx over.
func Run(ctx context.Context, o Options) (*Result, error) {
	o.defaults()
	v4, v6, err := resolve(ctx, o.Server)
	if err != nil {
		return nil, err
	}
	t := &tests{o: o, r: Result{UDP: UDPBlocked, Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown}}
	defer t.close()
	if err := t.choose(ctx, v4, v6); err != nil {
		return nil, err
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	t.r.Why = strings.Join(t.why, "; ")
	return &t.r, nil
}

// tests are the tests of one run, and what they found so far.
type tests struct {
	o       Options
	server  netip.AddrPort
	local   netip.Addr
	r       Result
	why     []string
	sockets []*socket
}

func (t *tests) cannot(what, why string, args ...any) {
	t.why = append(t.why, what+": "+fmt.Sprintf(why, args...))
}

// unless gives the reason why one test could not be made, and no error: what the others found stands. Only if ctx is over are all of them.
func (t *tests) unless(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.cannot(what, "%v", err)
	return nil
}

func (t *tests) run(ctx context.Context) error {
	first, err := t.open()
	if err != nil {
		return err
	}
	reached := make(chan reach, 1)
	go func() { reached <- t.look(ctx) }()
	a, err := t.ask(ctx, first, t.server)
	r := <-reached
	if errors.Is(err, errNoAnswer) {
		t.silence(ctx, r)
		t.take(r)
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	t.r.UDP, t.r.Measured = UDPOpen, true
	ms := float64(a.took) / float64(time.Millisecond)
	t.r.RoundTripMs = &ms
	t.r.NAT = ptr(a.mapped.Addr() != t.local || a.mapped.Port() != first.port())
	t.r.PortPreserved = ptr(a.mapped.Port() == first.port())

	if other, why := t.other(a); why != "" {
		t.cannot("mapping and filtering", "%s", why)
	} else {
		if err := t.mapping(ctx, first, a.mapped, other); err != nil {
			return err
		}
		if err := t.filtering(ctx, other); err != nil {
			return err
		}
	}
	t.take(r)
	if err := t.pathMTU(ctx); err != nil {
		return err
	}
	if t.o.Hairpin {
		if err := t.hairpin(ctx); err != nil {
			return err
		}
	}
	if t.o.Lifetime > 0 {
		return t.lifetime(ctx)
	}
	return nil
}

// other is the server's second address (RFC 5780, section 7.4), or why it does not serve.
func (t *tests) other(a answer) (netip.AddrPort, string) {
	switch o := a.other; {
	case !o.IsValid():
		return o, "the server names no second address (OTHER-ADDRESS), so it can't tell"
	case o.Addr() == t.server.Addr() || o.Port() == t.server.Port():
		return o, fmt.Sprintf("the server's second address, %s, does not differ in address and port from %s, so it can't tell", o, t.server)
	case o.Addr().Is4() != t.server.Addr().Is4():
		return o, fmt.Sprintf("the server's second address, %s, is of another family than %s, so it can't tell", o, t.server)
	case a.from != t.server:
		return o, fmt.Sprintf("the answer came from %s and not from %s: something on the way answers in the server's place", a.from, t.server)
	default:
		return o, ""
	}
}

// mapping is section 4.3.
func (t *tests) mapping(ctx context.Context, s *socket, first, other netip.AddrPort) error {
	second, err := t.ask(ctx, s, netip.AddrPortFrom(other.Addr(), t.server.Port()))
	if errors.Is(err, errNoAnswer) {
		t.cannot("mapping", "nothing came back from the server's second address, %s", other.Addr())
		return ctx.Err()
	}
	if err != nil {
		return t.unless(ctx, "mapping", err)
	}
	if second.mapped == first {
		t.r.Mapping = nat.EIM
		return nil
	}
	t.r.PortDelta = ptr(int(second.mapped.Port()) - int(first.Port()))
	third, err := t.ask(ctx, s, other)
	if errors.Is(err, errNoAnswer) {
		t.cannot("mapping", "it depends on the address, and nothing came back from %s to tell whether on the port too", other)
		return ctx.Err()
	}
	if err != nil {
		return t.unless(ctx, "mapping", err)
	}
	t.r.Mapping = nat.APDM
	if third.mapped == second.mapped {
		t.r.Mapping = nat.ADM
	}
	return nil
}

// filtering is section 4.4, from a socket that has sent to nobody else. An answer tells something only if it comes from where it was asked to.
func (t *tests) filtering(ctx context.Context, other netip.AddrPort) error {
	s, err := t.open()
	if err != nil {
		return t.unless(ctx, "filtering", err)
	}
	if _, err := t.ask(ctx, s, t.server); err != nil {
		return t.unless(ctx, "filtering", fmt.Errorf("the server stopped answering: %w", err))
	}
	var silent []netip.AddrPort
	found := nat.APDF
	for _, test := range []struct {
		change changeRequest
		from   netip.AddrPort
		means  nat.Filtering
	}{{changeAddress | changePort, other, nat.EIF}, {changePort, netip.AddrPortFrom(t.server.Addr(), other.Port()), nat.ADF}} {
		a, err := t.ask(ctx, s, t.server, test.change)
		if errors.Is(err, errNoAnswer) {
			silent = append(silent, test.from)
			continue
		}
		switch {
		case err != nil:
			return t.unless(ctx, "filtering", err)
		case a.from != test.from:
			t.cannot("filtering", "told to answer from %s, the server answers from %s", test.from, a.from)
			return nil
		}
		found = test.means
		break
	}
	// Silence means filtering only if the server still answers, and what was silent answers who asks it, as it does whatever is filtered.
	if len(silent) > 0 {
		silent = append(silent, t.server)
	}
	for _, from := range silent {
		if _, err := t.ask(ctx, s, from); err != nil {
			return t.unless(ctx, "filtering", fmt.Errorf("%s does not answer when it is asked, so that nothing came from there tells nothing: %w", from, err))
		}
	}
	t.r.Filtering = found
	return nil
}

func (t *tests) close() {
	for _, s := range slices.Backward(t.sockets) {
		s.close()
	}
}

func ptr[T any](v T) *T { return &v }
