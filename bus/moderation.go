package bus

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// What moderators decide must hold over edges that come and go, over regions, and while a room is empty, so it stands in a bucket of the
// region in which it was decided, where every edge of every region reads it: see [Rulings].
const (
	// RulingLife is how long a ruling is remembered, and with it the longest ban and the longest lock: past it, nothing is left that a
	// ruling must outweigh.
	RulingLife = 24 * time.Hour
	// rulingTTL leaves edges whose clock is late the whole of a ruling.
	rulingTTL = RulingLife + time.Hour
	// maxRoomRulings bounds what the moderators of one room can fill, so that they can't take the place of another's; maxRulings bounds the
	// memory of every edge; rulingBytes holds as many of the largest.
	maxRoomRulings = 1024
	maxRulings     = 32 << 10
	rulingBytes    = 32 << 20
	// maxMadeRulings and maxMadeRoomRulings bound what is decided of rooms that their makers moderate: anybody can be one, and must not take the place of
	// those who were given the right.
	maxMadeRulings     = maxRulings / 2
	maxMadeRoomRulings = 128
)

// ErrFull says that no more rulings can be remembered about a room, or about all of them, or no more contacts of a user.
var ErrFull = errors.New("no more can be remembered")

// Ruling is what a moderator decided: about a user in a room, about a user in the whole mesh (Room is empty), or about a room (User is
// empty). The latest about the same holds, in every region.
type Ruling struct {
	Room wire.RoomID
	User wire.UserID
	// At is when it was decided, in Unix ms. It rises with every ruling about the same, whatever the clocks of the edges say.
	At int64
	// Until is when the user may come back, in Unix ms. 0: at once.
	Until int64
	// Peer is the only one of the user's sessions that was removed; empty: all were.
	Peer wire.PeerID
	// Locked keeps out of the room all who don't moderate it.
	Locked bool
	// By is who decided, for who looks into the bucket. Nobody is told.
	By wire.UserID
}

// Bans reports whether the ruling keeps the user out at a time.
func (d Ruling) Bans(now time.Time) bool { return d.Until > now.UnixMilli() }

// Locks reports whether the ruling keeps the room locked at a time.
func (d Ruling) Locks(now time.Time) bool { return d.Locked && !d.over(now) }

// over reports whether the ruling is so old that nothing is left of it.
func (d Ruling) over(now time.Time) bool { return d.At < now.Add(-RulingLife).UnixMilli() }

// outweighs orders rulings about the same, so that every edge comes to the same one in whatever order it hears them.
func (d Ruling) outweighs(o Ruling) bool {
	locked := 0
	if d.Locked != o.Locked {
		locked = 1
		if o.Locked {
			locked = -1
		}
	}
	return cmp.Or(cmp.Compare(d.At, o.At), cmp.Compare(d.Until, o.Until), locked, cmp.Compare(d.By, o.By), cmp.Compare(d.Peer, o.Peer)) > 0
}

// matter is what a ruling is about.
type matter struct {
	room wire.RoomID
	user wire.UserID
}

func (d Ruling) matter() matter { return matter{d.Room, d.User} }

// meshToken stands where a room would in keys about the whole mesh. No room is written so: base64 of one byte has two characters.
const meshToken = "_"

func (m matter) key() string {
	room := meshToken
	if m.room != "" {
		room = base64.RawURLEncoding.EncodeToString([]byte(m.room))
	}
	if m.user == "" {
		return room + ".lock"
	}
	return room + ".ban." + userKey(m.user)
}

func parseMatter(key string) (matter, error) {
	var m matter
	room, rest, _ := strings.Cut(key, ".")
	if room != meshToken {
		b, err := base64.RawURLEncoding.DecodeString(room)
		if m.room = wire.RoomID(b); err != nil || m.room.Validate() != nil {
			return m, fmt.Errorf("key %.40q names no room", key)
		}
	}
	user, ban := strings.CutPrefix(rest, "ban.")
	if !ban {
		if rest != "lock" || m.room == "" {
			return m, fmt.Errorf("key %.40q is about nothing known", key)
		}
		return m, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(user)
	if m.user = wire.UserID(b); err != nil || m.user.Validate() != nil {
		return m, fmt.Errorf("key %.40q names no user", key)
	}
	return m, nil
}

// storedRuling is a ruling's value; its key says what it is about.
type storedRuling struct {
	At     int64       `json:"at"`
	Until  int64       `json:"until,omitempty"`
	Peer   wire.PeerID `json:"peer,omitempty"`
	Locked bool        `json:"locked,omitempty"`
	By     wire.UserID `json:"by"`
}

func (d Ruling) value() []byte {
	return wire.AppendJSON(nil, storedRuling{At: d.At, Until: d.Until, Peer: d.Peer, Locked: d.Locked, By: d.By})
}

func (m matter) ruling(value []byte) (Ruling, error) {
	var v storedRuling
	if err := json.Unmarshal(value, &v); err != nil {
		return Ruling{}, fmt.Errorf("a ruling: %w", err)
	}
	return Ruling{Room: m.room, User: m.user, At: v.At, Until: v.Until, Peer: v.Peer, Locked: v.Locked, By: v.By}, nil
}

func rulingsBucket(r wire.Region) string { return "cm_rooms_" + string(r) }

func (b *Bus) rulingsConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: rulingsBucket(b.opts.Region), Description: "callmesh: what moderators decided",
		TTL: rulingTTL, Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxBytes: rulingBytes,
	}
}

// Rule stores a ruling in the own region and applies it here; every other edge hears of it. It keeps d's user out for so long, if at all, and
// returns d with At and Until. Errors are [ErrFull], and [ErrUnavailable], after which it is not known whether the ruling holds.
func (ds *Rulings) Rule(ctx context.Context, d Ruling, keepOut time.Duration) (Ruling, error) {
	b := ds.bus
	if err := ds.bounded(d.matter()); err != nil {
		return d, err
	}
	kv, err := b.bucket(ctx, rulingsBucket(b.opts.Region))
	if err != nil {
		return d, err
	}
	ctx, cancel := b.bounded(ctx, ackTimeout)
	defer cancel()
	key := d.matter().key()
	for {
		// Only after the last one, which the stream's leader has: so the bucket and the clock agree on which is the later.
		last, err := b.lastOf(ctx, "KV_"+kv.Bucket(), "$KV."+kv.Bucket()+"."+key)
		if err != nil {
			return d, err
		}
		known, _ := ds.about(d.matter())
		if len(last.Data) > 0 {
			if stored, err := d.matter().ruling(last.Data); err == nil && stored.outweighs(known) {
				known = stored
			}
		}
		d.At = max(time.Now().UnixMilli(), known.At+1)
		if d.Until = 0; keepOut > 0 {
			d.Until = d.At + keepOut.Milliseconds()
		}
		_, err = kv.Update(ctx, key, d.value(), last.Seq)
		switch {
		case err == nil:
			ds.apply(d)
			return d, nil
		case !conflicts(err):
			return d, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}
