package fleet

import (
	"context"
	"sync"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// round checks every URL at once, and the load beside.
func (a *Agent) round(ctx context.Context) {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { a.readLoad(ctx) })
	key, secret, before, fallback := a.sign()
	results := a.checkAll(ctx, secret)
	if before != "" && !anyPassed(results) && ctx.Err() == nil {
		// The relay may not have that secret yet, and be well with the one before.
		if again := a.checkAll(ctx, fallback); anyPassed(again) {
			a.refusedKey(key)
			results, key = again, before
		}
	}
	if ctx.Err() != nil {
		return // what was under way says nothing
	}
	a.note(results, key)
}

// sign chooses the secret to check with: the one that the bus names for the region if the agent has it, else the first. If that is another than the one
// that passed last, that is the fallback.
func (a *Agent) sign() (key wire.KeyID, secret turnauth.Secret, before wire.KeyID, fallback turnauth.Secret) {
	secrets := a.opts.Secrets()
	if len(secrets) == 0 {
		return "", turnauth.Secret{}, "", turnauth.Secret{}
	}
	secret, ok := turnauth.ByID(secrets, string(a.relays.Signer(a.opts.Bus.Region())))
	if !ok {
		secret = secrets[0]
	}
	key = wire.KeyID(turnauth.KeyID(secret))
	a.mu.Lock()
	defer a.mu.Unlock()
	if last, ok := turnauth.ByID(secrets, string(a.proven)); ok && a.proven != key {
		return key, secret, a.proven, last
	}
	return key, secret, "", turnauth.Secret{}
}

// checked is what came of one URL.
type checked struct {
	result Result
	why    string
	// says and fix are the item's, for people.
	says, fix string
}

func anyPassed(results map[string]checked) bool {
	for _, c := range results {
		if c.result == Passed {
			return true
		}
	}
	return false
}

func (a *Agent) checkAll(ctx context.Context, secret turnauth.Secret) map[string]checked {
	var mu sync.Mutex // guards results
	results := make(map[string]checked, len(a.opts.URLs))
	var each sync.WaitGroup
	for _, u := range a.opts.URLs {
		each.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, a.opts.Pace.CheckTimeout())
			defer cancel()
			began := time.Now()
			report := a.opts.Check(ctx, u, secret)
			c := judge(&report)
			a.metrics.checked(u, c.result, time.Since(began))
			a.metrics.rungs.checked(u, report.Items)
			mu.Lock()
			defer mu.Unlock()
			results[u] = c
		})
	}
	each.Wait()
	return results
}

// judge takes a result out of a report: its exit code, and the first item that stands for it.
func judge(r *verdict.Report) checked {
	c, status := checked{result: Passed}, verdict.OK
	switch r.Exit() {
	case verdict.ExitUnhealthy:
		c.result, status = Failed, verdict.Fail
	case verdict.ExitUnmeasured:
		c.result, status, c.why = Unmeasured, verdict.Unknown, "not measured"
	}
	for i := range r.Items {
		if r.Items[i].Status == status && c.result != Passed {
			c.why, c.says, c.fix = r.Items[i].Name, r.Items[i].Summary, r.Items[i].Fix
			break
		}
	}
	return c
}
