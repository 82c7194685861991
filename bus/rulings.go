package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"callmesh/bus/wire"
)

// Rulings are what moderators decided, in every region, as this process has heard of it. It is safe for concurrent use.
type Rulings struct {
	bus     *Bus
	watches *watches
	changed func(Ruling)

	mu      sync.RWMutex // guards the following; taken after every other lock, and changed is called without it
	all     map[matter]Ruling
	perRoom map[wire.RoomID]int // how many of all are about each room
	made    int                 // how many of all are about rooms that their makers moderate
}

// WatchRulings follows what moderators decide, until Close. changed is called for each ruling that outweighs what was known, whoever made it,
// and when a lock has come to its end. It may be called on several goroutines at once, and must not block; what it is told may be
// outweighed by then, so it asks for what holds.
func (b *Bus) WatchRulings(changed func(Ruling)) *Rulings {
	ds := &Rulings{bus: b, changed: changed, all: make(map[matter]Ruling), perRoom: make(map[wire.RoomID]int)}
	ds.watches = b.watchAll(&watches{what: "what moderators decided", bucket: rulingsBucket, reads: b.metrics.watches, take: ds.take})
	return ds
}

// Close ends the watches. What is known stays.
func (ds *Rulings) Close() { ds.watches.close() }

// Ready reports whether all that was decided before this process came is known here, as far as its regions can be read. Once it is so, only a region
// that is new makes it wait again.
func (ds *Rulings) Ready() bool { return ds.watches.ready() }

// Known reports whether Wait would return at once.
func (ds *Rulings) Known() bool { return ds.watches.known() }

// Wait returns when all that was decided before is known here, also after a loss of the connection; a region that can't be read is waited for only
// briefly, unless it is the own one and was never read. It returns [ErrUnavailable] when ctx has ended.
func (ds *Rulings) Wait(ctx context.Context) error { return ds.watches.wait(ctx) }

// take applies one entry of a bucket. An empty one was deleted there, by hand or by age: what it said ends by itself.
func (ds *Rulings) take(region wire.Region, e entry) {
	if len(e.value) == 0 {
		return
	}
	m, err := parseMatter(e.key)
	var d Ruling
	if err == nil {
		d, err = m.ruling(e.value)
	}
	if err != nil {
		ds.bus.log.Error("a moderator's ruling can't be read and does not hold here", "region", region, "error", err)
		return
	}
	ds.apply(d)
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
