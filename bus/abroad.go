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
	// abroadMemory is for how long a region that did not is left alone, unless its edges are heard again before.
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
	away  map[wire.Region]time.Time // until when nobody need try
	heard map[wire.Region]time.Time // when an edge of the region was heard last
}

func (r *regionSet) list() []wire.Region {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.known)
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
	news = now.Sub(r.away[region]) > ReplayAge
	r.away[region] = now.Add(abroadMemory)
	return news
}

func (r *regionSet) isAway(region wire.Region, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.away[region])
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
	if now.Sub(r.heard[region]) > 2*leaseEvery {
		delete(r.away, region)
	}
	r.heard[region] = now
}

// reach runs f, which asks something of a region's streams. Of another region than one's own it is given little time, and none for a
// while after it did not answer: a region that is cut off must not make everybody here wait for it.
func (b *Bus) reach(ctx context.Context, region wire.Region, f func(context.Context) error) error {
	if region == b.opts.Region {
		return f(ctx)
	}
	if b.regions.isAway(region, time.Now()) {
		return fmt.Errorf("%w: region %s: %w", ErrUnavailable, region, errAway)
	}
	short, cancel := context.WithTimeout(ctx, abroadPatience)
	defer cancel()
	err := f(short)
	if err != nil && ctx.Err() == nil && !answered(err) {
		if b.regions.lost(region, time.Now()) {
			b.log.Warn("a region is out of reach", "region", region, "error", err)
		}
	}
	return err
}

// answered tells from an error that the region was there to give it.
func answered(err error) bool {
	return errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || errors.Is(err, ErrIncomplete)
}

// Readable reports whether a region's streams can be read now. For another region that takes up to 2 s.
func (b *Bus) Readable(ctx context.Context, region wire.Region) bool {
	err := b.reach(ctx, region, func(ctx context.Context) error {
		_, err := b.js.Stream(ctx, streamName(region, Shards-1))
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

// CutOff reports whether the streams of another region could not be read just before.
func (b *Bus) CutOff(region wire.Region) bool { return b.regions.isAway(region, time.Now()) }
