package bus

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"

	"callmesh/bus/wire"
)

// Shards is how many replay streams a region has. Shards keep a replay cheap, as a read scans one stream, and spread the streams'
// leaders over a cluster. All edges of a mesh must agree on it.
const Shards = 8

// live stands where a region would in subjects that no stream captures.
const live = "_"

// Scope names where messages go to: a room or a user's inbox. It is the middle of their subjects, `<shard>.room.<room>`.
type Scope string

// RoomScope is the scope of a room.
func RoomScope(r wire.RoomID) Scope { return scope("room", string(r)) }

// UserScope is the scope of a user's inbox.
func UserScope(u wire.UserID) Scope { return scope("user", string(u)) }

// PresenceScope is where the comings and goings of a user are told. It is apart from the inbox, so that whoever watches a user hears nothing else.
func PresenceScope(u wire.UserID) Scope { return scope("presence", string(u)) }

func scope(kind, id string) Scope {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	shard := strconv.Itoa(int(h.Sum32() % Shards))
	return Scope(shard + "." + kind + "." + base64.RawURLEncoding.EncodeToString([]byte(id)))
}

// Room is the room whose scope it is; ok is false if it is another's.
func (s Scope) Room() (room wire.RoomID, ok bool) {
	_, kindAndID, _ := strings.Cut(string(s), ".")
	id, ok := strings.CutPrefix(kindAndID, "room.")
	raw, err := base64.RawURLEncoding.DecodeString(id)
	return wire.RoomID(raw), ok && err == nil
}

// Shard is which of the [Shards] replay streams keeps the scope's messages.
func (s Scope) Shard() int { return s.shard() }

func (s Scope) shard() int {
	digits, _, _ := strings.Cut(string(s), ".")
	n, _ := strconv.Atoi(digits)
	return n
}

// Audience is the last token of a subject: for whom in the scope a message is.
type Audience string

// The audiences that are no peers. Peer ids have 16 characters, so none of them can be mistaken for one of these.
const (
	ToAll   Audience = "_"     // everybody in the scope
	ToKeep  Audience = "keep"  // everybody, and the history
	ToEdges Audience = "edges" // the edges themselves: announces, tails, notes
)

// ToPeer addresses one peer. The id must be [wire.PeerID.Valid].
func ToPeer(p wire.PeerID) Audience { return Audience(p) }

// kept is the subject that a replay stream captures. Nobody else listens to it: see told.
func kept(region wire.Region, s Scope, to Audience) string {
	return "cm." + string(region) + "." + string(s) + "." + string(to)
}

// toldPrefix begins what subscribers hear: what the streams tell once they have stored it, and what no stream keeps. Nobody listens to what is only on its
// way to a stream, so whatever is heard can be read back by whoever missed it.
const toldPrefix = "cmtold."

// told is under which subjects a stream tells what it has stored: shardFilter with another head.
func told(region wire.Region, shard int) string {
	return toldPrefix + string(region) + "." + strconv.Itoa(shard) + ".>"
}

// liveOnly is the subject of what no stream keeps.
func liveOnly(s Scope, to Audience) string {
	return toldPrefix + live + "." + string(s) + "." + string(to)
}

// heard is what a subscriber to the scope listens to: every region's, stored or not.
func heard(s Scope) string { return toldPrefix + "*." + string(s) + ".>" }

// scopeOf takes the scope out of a subject that is kept, or that heard matched.
func scopeOf(subject string) Scope {
	_, rest, _ := strings.Cut(subject, ".") // the head
	if i := strings.IndexByte(rest, '.'); i >= 0 {
		rest = rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, '.'); i >= 0 {
		rest = rest[:i]
	}
	return Scope(rest)
}

func streamName(region wire.Region, shard int) string {
	return streamPrefix + string(region) + "_" + strconv.Itoa(shard)
}

const (
	streamPrefix = "CM_"
	chatPrefix   = "CMCHAT_"
	leaseSubject = "cmx.lease."
	edgeSubject  = "cmx.edge."
)
