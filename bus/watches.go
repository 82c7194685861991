package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus/wire"
)

// regionPatience is how long a wait for all regions' buckets waits for one that can't be read: one that is cut off must not keep everybody out of all others.
const regionPatience = 2 * time.Second

// entry is one key of a bucket, as it stands or as it is changed just now.
type entry struct {
	key   string
	value []byte // empty: it was deleted, by hand or by age
	at    time.Time
	// age is how long the entry had stood when it was read from the beginning, by the clock of the stream's leader alone; 0 for what comes later.
	age time.Duration
}

// watches follow one kind of bucket in every region that there is, each by a [watch]. The functions are called without locks, those about one region one
// after another; they must not block.
type watches struct {
	bus    *Bus
	what   string // for errors: "what moderators decided"
	bucket func(wire.Region) string
	reads  prometheus.Counter
	take   func(wire.Region, entry)
	// begin, read and behind may be nil. They are told that a region is about to be read from the beginning, that all of it is known now, and that it is
	// not followed for the moment.
	begin, read, behind func(wire.Region)

	ctx     context.Context // ends with close
	cancel  context.CancelFunc
	running sync.WaitGroup
	forget  []func()

	mu       sync.RWMutex // guards the following, and what its watches say so of; taken after every other lock
	closed   bool
	byRegion map[wire.Region]*watch
	news     chan struct{} // closed and made anew when a watch has caught up, or the regions have changed
}

// watchAll starts to follow.
func (b *Bus) watchAll(ws *watches) *watches {
	ws.bus, ws.byRegion, ws.news = b, make(map[wire.Region]*watch), make(chan struct{})
	ws.ctx, ws.cancel = context.WithCancel(b.ctx)
	ws.forget = []func(){b.onLost.add(ws.lost), b.onReady.add(ws.again), b.onRegions.add(ws.regions)}
	ws.regions()
	return ws
}

func (ws *watches) close() {
	ws.mu.Lock()
	ws.closed = true
	ws.mu.Unlock()
	for _, f := range ws.forget {
		f()
	}
	ws.cancel()
	ws.running.Wait()
}

// regions has a watch for each region that there is.
func (ws *watches) regions() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, region := range ws.bus.regions.list() {
		if ws.closed || ws.byRegion[region] != nil {
			continue
		}
		w := &watch{of: ws, region: region, poke: make(chan struct{}, 1), trying: time.Now()}
		ws.running.Add(1)
		if !ws.bus.own(func() { defer ws.running.Done(); w.run(ws.ctx) }) {
			ws.running.Done()
			return
		}
		ws.byRegion[region] = w
	}
	ws.newsLocked()
}

// unfollow forgets a watch whose region is no more, and reports whether that is so.
func (ws *watches) unfollow(w *watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if slices.Contains(ws.bus.regions.list(), w.region) {
		return false
	}
	delete(ws.byRegion, w.region)
	return true
}

func (ws *watches) newsLocked() {
	close(ws.news)
	ws.news = make(chan struct{})
}

// lost is called when the connection is lost: what is said meanwhile is not heard.
func (ws *watches) lost() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.byRegion {
		w.upToDate, w.trying = false, time.Time{}
	}
}

// again is called when the bus is there again.
func (ws *watches) again() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.byRegion {
		if !w.upToDate {
			w.trying = time.Now()
		}
		w.again()
	}
}

func (ws *watches) caughtUp(w *watch) {
	if ws.read != nil {
		ws.read(w.region)
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.upToDate, w.everRead = true, true
	ws.newsLocked()
}

// fellBehind is called when a watch has ended, and will begin anew. Nobody waits for it: that it failed was seen late already, and its region, or a
// part of the cluster, may be away for long.
func (ws *watches) fellBehind(w *watch) {
	if ws.behind != nil {
		ws.behind(w.region)
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w.upToDate {
		w.upToDate, w.trying = false, time.Now().Add(-regionPatience)
	}
}

// ready reports whether each region was read once, or was tried for long enough.
func (ws *watches) ready() bool {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	ready, _ := ws.readyLocked(time.Now(), func(w *watch) bool { return w.everRead })
	return ready
}

// known reports whether wait would return at once.
func (ws *watches) known() bool {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	known, _ := ws.readyLocked(time.Now(), func(w *watch) bool { return w.upToDate })
	return known
}

// readyLocked asks of each region whether it has been read, or was tried for long enough. It also returns after how long the answer may be another
// without anything having happened.
func (ws *watches) readyLocked(now time.Time, read func(*watch) bool) (ready bool, again time.Duration) {
	ready, again = true, regionPatience
	regions := ws.bus.regions.list()
	for _, region := range regions {
		w := ws.byRegion[region]
		switch {
		case w == nil:
			ready = false
		case read(w):
		case region == ws.bus.opts.Region && !w.everRead:
			ready = false // the own region is waited for, however long that takes
		case w.trying.IsZero():
			ready = false
		default:
			if left := regionPatience - now.Sub(w.trying); left > 0 {
				ready, again = false, min(again, left)
			}
		}
	}
	return ready && len(regions) > 0, again
}

// wait returns when all regions are known up to now; see [Rulings.Wait].
func (ws *watches) wait(ctx context.Context) error {
	for {
		ws.mu.RLock()
		ready, again := ws.readyLocked(time.Now(), func(w *watch) bool { return w.upToDate })
		news := ws.news
		ws.mu.RUnlock()
		if ready {
			return nil
		}
		timer := time.NewTimer(again)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %s can't be read: %w", ErrUnavailable, ws.what, ctx.Err())
		case <-ws.ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: it was closed", ErrUnavailable)
		}
		timer.Stop()
	}
}
