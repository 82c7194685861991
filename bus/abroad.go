package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"callmesh/bus/wire"
)

const (
	// abroadPatience is how long another region's stream may take to say that it is there.
	abroadPatience = 2 * time.Second
	// abroadMemory is for how long a region that did not is left alone, unless its edges are heard again before. After that
	// it is looked for again, while nobody waits.
	abroadMemory = 5 * time.Second
)

// AbroadError says that all was read but what some other regions have, which are out of reach. It is an [ErrUnavailable].
type AbroadError struct {
	Regions []wire.Region
	Err     error
}

// Error names the regions.
func (e *AbroadError) Error() string {
	names := make([]string, len(e.Regions))
	for i, r := range e.Regions {
		names[i] = string(r)
	}
	return fmt.Sprintf("out of reach: %s: %v", strings.Join(names, ", "), e.Err)
}

// Unwrap returns why.
func (e *AbroadError) Unwrap() []error { return []error{ErrUnavailable, e.Err} }

// Abroad tells from an error of [Bus.Replay] and [Bus.History] that nothing failed but other regions, and which.
func Abroad(err error) (regions []wire.Region, only bool) {
	if abroad, ok := errors.AsType[*AbroadError](err); ok {
		return abroad.Regions, true
	}
	return nil, false
}

var errAway = errors.New("it did not answer just before")

// regionSet is which regions have replay streams, as last listed, and which of them can't be reached.
type regionSet struct {
	mu    sync.Mutex // guards the following
	known []wire.Region
	away  map[wire.Region]time.Time // until when nobody need look for it
	heard map[wire.Region]time.Time // when an edge of the region was heard last
}

func (r *regionSet) list() []wire.Region {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.known)
}

// only reports whether there is no other region.
func (r *regionSet) only(region wire.Region) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known) == 1 && r.known[0] == region
}

func (r *regionSet) set(known []wire.Region) (changed bool) {
	slices.Sort(known)
	r.mu.Lock()
	defer r.mu.Unlock()
	changed = !slices.Equal(r.known, known)
	r.known = known
	return changed
}

// lost notes that the region can't be reached, and reports whether that is news.
func (r *regionSet) lost(region wire.Region, now time.Time) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away == nil {
		r.away = make(map[wire.Region]time.Time)
	}
	_, known := r.away[region]
	r.away[region] = now.Add(abroadMemory)
	return !known
}

// isAway reports whether a region need not be asked, since it did not answer before, and whether it is time that somebody looks for it. While its edges
// are heard it is worth asking.
func (r *regionSet) isAway(region wire.Region, now time.Time) (away, look bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, away := r.away[region]
	if !away || now.Before(until) {
		return away, false
	}
	if r.isHeard(region, now) {
		return false, false
	}
	r.away[region] = now.Add(abroadMemory)
	return true, true
}

func (r *regionSet) isHeard(region wire.Region, now time.Time) bool {
	return now.Sub(r.heard[region]) <= 2*leaseEvery
}

// back notes that a region can be reached again.
func (r *regionSet) back(region wire.Region) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.away, region)
}

// heardFrom notes a heartbeat from the region. The first after a silence says that the way there is open again.
func (r *regionSet) heardFrom(region wire.Region, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.known, region) {
		return
	}
	if r.heard == nil {
		r.heard = make(map[wire.Region]time.Time)
	}
	if !r.isHeard(region, now) {
		delete(r.away, region)
	}
	r.heard[region] = now
}

// reach runs f, which asks something of a region's streams. Of another region than one's own it is given little time, and none for a
// while after it did not answer: a region that is cut off must not make everybody here wait for it. To a guest of none the only region there is is its own:
// while a stream there chooses its leader, there is nothing better to do than to ask again.
func (b *Bus) reach(ctx context.Context, region wire.Region, f func(context.Context) error) error {
	if region == b.opts.Region {
		return f(ctx)
	}
	if b.opts.Region == "" && b.regions.only(region) {
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		defer cancel()
		return f(ctx)
	}
	if b.CutOff(region) {
		return fmt.Errorf("%w: region %s: %w", ErrUnavailable, region, errAway)
	}
	short, cancel := context.WithTimeout(ctx, abroadPatience)
	defer cancel()
	err := f(short)
	switch {
	case err == nil || answered(err):
		b.regions.back(region)
	case ctx.Err() == nil && b.regions.lost(region, time.Now()):
		b.log.Warn("a region is out of reach", "region", region, "error", err)
	}
	return err
}

// look finds out whether a region that was away can be reached again.
func (b *Bus) look(region wire.Region) {
	ctx, cancel := context.WithTimeout(b.ctx, abroadPatience)
	defer cancel()
	if _, err := b.js.Stream(ctx, b.landmark(region)); err == nil {
		b.regions.back(region)
		b.log.Info("a region can be reached again", "region", region)
	}
}

// landmark is the stream by which a region is told to be in reach. A guest asks for one that is about no room: it need not be allowed more.
func (b *Bus) landmark(region wire.Region) string {
	if b.opts.Guest {
		return "KV_" + agentsBucket(region)
	}
	return streamName(region, Shards-1)
}

// answered tells from an error that the region was there to give it.
func answered(err error) bool {
	return errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || errors.Is(err, ErrIncomplete)
}

// Readable reports whether a region's streams can be read now. For another region that takes up to 2 s.
func (b *Bus) Readable(ctx context.Context, region wire.Region) bool {
	err := b.reach(ctx, region, func(ctx context.Context) error {
		_, err := b.js.Stream(ctx, b.landmark(region))
		return err
	})
	return err == nil
}

// RegionOf returns the region of an edge that was heard in the last minutes.
func (b *Bus) RegionOf(edge wire.EdgeID) (wire.Region, bool) {
	if edge == b.opts.Edge {
		return b.opts.Region, true
	}
	b.leases.mu.Lock()
	defer b.leases.mu.Unlock()
	e := b.leases.edges[edge]
	if e == nil {
		return "", false
	}
	return e.lease.Region, true
}

// CutOff reports whether the streams of another region could not be read when somebody last tried.
func (b *Bus) CutOff(region wire.Region) bool {
	away, look := b.regions.isAway(region, time.Now())
	if look {
		b.own(func() { b.look(region) })
	}
	return away
}
