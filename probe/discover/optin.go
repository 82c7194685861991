package discover

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/stun/v2"
)

// The tests that have to be asked for.

// hairpin is section 4.5, but for one thing: each of the two sockets sends to the other's outer address, so that filtering does not hide hairpinning.
func (t *tests) hairpin(ctx context.Context) error {
	var sockets [2]*socket
	var outer [2]answer
	for i := range sockets {
		s, err := t.open()
		if err != nil {
			return t.unless(ctx, "hairpin", err)
		}
		sockets[i] = s
		if outer[i], err = t.ask(ctx, s, t.server); err != nil {
			return t.unless(ctx, "hairpin", fmt.Errorf("the server stopped answering: %w", err))
		}
	}
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return err
	}
	back, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return err
	}
	// It opens the way; whether it arrives does not matter.
	_, _ = sockets[1].conn.WriteToUDPAddrPort(back.Raw, outer[0].mapped)
	_, _, err = t.send(ctx, sockets[0], sockets[1], m, outer[1].mapped)
	switch {
	case err == nil:
		t.r.Hairpin = ptr(true)
	case errors.Is(err, errNoAnswer):
		t.r.Hairpin = ptr(false)
	default:
		return t.unless(ctx, "hairpin", err)
	}
	return nil
}

// ages are how long mappings are left alone; those of common NATs lie between (RFC 4787, REQ-5, wants two minutes).
var ages = []time.Duration{
	5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute, 90 * time.Second,
	2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute, 7 * time.Minute, 10 * time.Minute,
}

// watched are the ages that are watched up to one, itself too: one that was asked for is told, be it between two of ages or before all of them.
func watched(upTo time.Duration) []time.Duration {
	all := []time.Duration{0}
	for _, age := range ages {
		if age < upTo {
			all = append(all, age)
		}
	}
	return append(all, upTo)
}

// lifetime is section 4.6, with a mapping of its own for each age and all at once, so that it takes as long as the oldest. Each is tried by an answer that the server sends to its port on another
// socket's request (RESPONSE-PORT): nothing that the mapping's own socket sends keeps it alive.
func (t *tests) lifetime(over context.Context) error {
	ctx, stop := context.WithCancel(over)
	defer stop()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		alive = map[time.Duration]bool{}
		first error
	)
	asker, err := t.open()
	if err != nil {
		return t.unless(ctx, "lifetime", err)
	}
	if _, err := t.ask(ctx, asker, t.server); err != nil {
		return t.unless(ctx, "lifetime", fmt.Errorf("the server stopped answering: %w", err))
	}
	var tried []time.Duration
	var sockets []*socket // all there before any is used: whatever fails, nothing is left running
	for _, age := range watched(t.o.Lifetime) {
		s, err := t.open()
		if err != nil {
			return t.unless(ctx, "lifetime", err)
		}
		tried, sockets = append(tried, age), append(sockets, s)
	}
	for i, age := range tried {
		wg.Go(func() {
			lives, err := t.outlives(ctx, sockets[i], asker, age)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = err
				stop()
			}
			alive[age] = lives
		})
	}
	wg.Wait()
	if first != nil {
		t.cannot("lifetime", "%v", first)
		return over.Err()
	}
	// A mapping that was just made must be reached, or the server does not do RESPONSE-PORT.
	if !alive[0] {
		t.cannot("lifetime", "the server does not answer to another port (RESPONSE-PORT)")
		return nil
	}
	lasted := time.Duration(0)
	for _, age := range tried {
		if !alive[age] {
			t.r.LifetimeSeconds = ptr(lasted.Seconds())
			t.cannot("lifetime", "at least %v and less than %v", lasted, age)
			return nil
		}
		lasted = age
	}
	t.r.LifetimeSeconds = ptr(lasted.Seconds())
	t.cannot("lifetime", "at least %v: longer was not waited", lasted)
	return nil
}

// outlives says whether a new mapping is there after some time without use.
func (t *tests) outlives(ctx context.Context, s, asker *socket, age time.Duration) (bool, error) {
	a, err := t.ask(ctx, s, t.server)
	if err != nil {
		return false, fmt.Errorf("making a mapping: %w", err)
	}
	timer := time.NewTimer(age)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, responsePort(a.mapped.Port()))
	if err != nil {
		return false, err
	}
	p, _, err := t.send(ctx, asker, s, m, t.server)
	switch {
	case errors.Is(err, errNoAnswer):
		return false, nil
	case err != nil:
		return false, err
	}
	return p.message.Type == stun.BindingSuccess, nil
}
