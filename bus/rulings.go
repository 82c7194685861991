package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"callmesh/bus/wire"
)

// regionPatience is how long [Rulings.Wait] waits for a region that can't be read: one that is cut off must not keep everybody out of all others.
const regionPatience = 2 * time.Second

// Rulings are what moderators decided, in every region, as this process has heard of it: one watch per region follows the region's bucket.
// It is safe for concurrent use.
type Rulings struct {
	bus     *Bus
	changed func(Ruling)
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	forget  []func()

	mu      sync.RWMutex // guards the following; taken after every other lock, and changed is called without it
	closed  bool
	all     map[matter]Ruling
	perRoom map[wire.RoomID]int // how many of all are about each room
	made    int                 // how many of all are about rooms that their makers moderate
	watches map[wire.Region]*watch
	news    chan struct{} // closed and made anew when a watch has caught up, or the regions have changed
}

// WatchRulings follows what moderators decide, until Close. changed is called for each ruling that outweighs what was known, whoever made it,
// and when a lock has come to its end. It may be called on several goroutines at once, and must not block; what it is told may be
// outweighed by then, so it asks for what holds.
func (b *Bus) WatchRulings(changed func(Ruling)) *Rulings {
	ds := &Rulings{
		bus: b, changed: changed, all: make(map[matter]Ruling), perRoom: make(map[wire.RoomID]int),
		watches: make(map[wire.Region]*watch), news: make(chan struct{}),
	}
	ds.ctx, ds.cancel = context.WithCancel(b.ctx)
	ds.forget = []func(){b.onLost.add(ds.lost), b.onReady.add(ds.ready), b.onRegions.add(ds.watchAll)}
	ds.watchAll()
	return ds
}

// Close ends the watches. What is known stays.
func (ds *Rulings) Close() {
	ds.mu.Lock()
	ds.closed = true
	ds.mu.Unlock()
	for _, f := range ds.forget {
		f()
	}
	ds.cancel()
	ds.running.Wait()
}

// watchAll has a watch for each region that there is.
func (ds *Rulings) watchAll() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, region := range ds.bus.regions.list() {
		if ds.closed || ds.watches[region] != nil {
			continue
		}
		w := &watch{rulings: ds, region: region, poke: make(chan struct{}, 1), trying: time.Now()}
		ds.running.Add(1)
		if !ds.bus.own(func() { defer ds.running.Done(); w.run(ds.ctx) }) {
			ds.running.Done()
			return
		}
		ds.watches[region] = w
	}
	ds.newsLocked()
}

// unfollow forgets a watch whose region is no more, and reports whether that is so.
func (ds *Rulings) unfollow(w *watch) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if slices.Contains(ds.bus.regions.list(), w.region) {
		return false
	}
	delete(ds.watches, w.region)
	return true
}

func (ds *Rulings) newsLocked() {
	close(ds.news)
	ds.news = make(chan struct{})
}

// lost is called when the connection is lost: what is decided meanwhile is not heard.
func (ds *Rulings) lost() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, w := range ds.watches {
		w.upToDate, w.trying = false, time.Time{}
	}
}

// ready is called when the bus is there again.
func (ds *Rulings) ready() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, w := range ds.watches {
		if !w.upToDate {
			w.trying = time.Now()
		}
		w.again()
	}
}

func (ds *Rulings) caughtUp(w *watch) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	w.upToDate, w.everRead = true, true
	ds.newsLocked()
}

// fellBehind is called when a watch has ended, and will begin anew. Nobody waits for it: that it failed was seen late already, and its region, or a
// part of the cluster, may be away for long.
func (ds *Rulings) fellBehind(w *watch) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if w.upToDate {
		w.upToDate, w.trying = false, time.Now().Add(-regionPatience)
	}
}

// Ready reports whether all that was decided before this process came is known here, as far as its regions can be read. Once it is so, only a region
// that is new makes it wait again.
func (ds *Rulings) Ready() bool {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	ready, _ := ds.readyLocked(time.Now(), func(w *watch) bool { return w.everRead })
	return ready
}

// readyLocked asks of each region whether it has been read, or was tried for long enough. It also returns after how long the answer may be another
// without anything having happened.
func (ds *Rulings) readyLocked(now time.Time, read func(*watch) bool) (ready bool, again time.Duration) {
	ready, again = true, regionPatience
	regions := ds.bus.regions.list()
	for _, region := range regions {
		w := ds.watches[region]
		switch {
		case w == nil:
			ready = false
		case read(w):
		case region == ds.bus.opts.Region && !w.everRead:
			ready = false // without its own region's rulings nobody comes in
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

// Known reports whether Wait would return at once.
func (ds *Rulings) Known() bool {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	known, _ := ds.readyLocked(time.Now(), func(w *watch) bool { return w.upToDate })
	return known
}

// Wait returns when all that was decided before is known here, also after a loss of the connection; a region that can't be read is waited for only
// briefly, unless it is the own one and was never read. It returns [ErrUnavailable] when ctx has ended.
func (ds *Rulings) Wait(ctx context.Context) error {
	for {
		ds.mu.RLock()
		ready, again := ds.readyLocked(time.Now(), func(w *watch) bool { return w.upToDate })
		news := ds.news
		ds.mu.RUnlock()
		if ready {
			return nil
		}
		timer := time.NewTimer(again)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: what moderators decided can't be read: %w", ErrUnavailable, ctx.Err())
		case <-ds.ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: it was closed", ErrUnavailable)
		}
		timer.Stop()
	}
}

// User returns the latest ruling about a user in a room, or in the mesh if room is empty. It is the zero value if there is none.
func (ds *Rulings) User(room wire.RoomID, user wire.UserID) Ruling {
	d, _ := ds.about(matter{room, user})
	return d
}

// Locked reports whether the room is locked now.
func (ds *Rulings) Locked(room wire.RoomID) bool {
	d, _ := ds.about(matter{room: room})
	return d.Locks(time.Now())
}

func (ds *Rulings) about(m matter) (Ruling, bool) {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	d, ok := ds.all[m]
	return d, ok
}

// bounded returns [ErrFull] if one more would be too many. Whatever stands already can be decided anew.
func (ds *Rulings) bounded(m matter) error {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	_, known := ds.all[m]
	switch {
	case known:
		return nil
	case m.room != "" && ds.perRoom[m.room] >= maxRoomRulings:
		return fmt.Errorf("%w: %d rulings of a day stand about this room", ErrFull, maxRoomRulings)
	case m.room.Made() && (ds.perRoom[m.room] >= maxMadeRoomRulings || ds.made >= maxMadeRulings):
		return fmt.Errorf("%w: %d rulings of a day stand about rooms that their makers moderate, %d about this one", ErrFull, ds.made, ds.perRoom[m.room])
	case len(ds.all) >= maxRulings:
		return fmt.Errorf("%w: %d rulings of a day stand", ErrFull, len(ds.all))
	}
	return nil
}

// apply makes a ruling hold here, if it outweighs what is known.
func (ds *Rulings) apply(d Ruling) {
	if d.over(time.Now()) {
		return
	}
	m := d.matter()
	ds.mu.Lock()
	known, ok := ds.all[m]
	if ok && !d.outweighs(known) {
		ds.mu.Unlock()
		return
	}
	ds.all[m] = d
	if !ok {
		ds.perRoom[m.room]++
		if m.room.Made() {
			ds.made++
		}
	}
	ds.bus.metrics.rulings.Set(float64(len(ds.all)))
	ds.mu.Unlock()
	ds.changed(d)
}

// Sweep forgets what is over, and tells of the locks among it.
func (ds *Rulings) Sweep(now time.Time) {
	var unlocked []Ruling
	ds.mu.Lock()
	for m, d := range ds.all {
		if !d.over(now) {
			continue
		}
		delete(ds.all, m)
		if m.room.Made() {
			ds.made--
		}
		if ds.perRoom[m.room]--; ds.perRoom[m.room] == 0 {
			delete(ds.perRoom, m.room)
		}
		if d.Locked {
			unlocked = append(unlocked, d)
		}
	}
	ds.bus.metrics.rulings.Set(float64(len(ds.all)))
	ds.mu.Unlock()
	for _, d := range unlocked {
		ds.changed(d)
	}
}
