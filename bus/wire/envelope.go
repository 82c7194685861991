package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Kind says what an [Envelope] carries.
type Kind byte

// The kinds of envelope.
const (
	// KindEvent carries a ready client frame, numbered within its source.
	KindEvent Kind = 1
	// KindAnnounce carries an [Announce]: one edge tells others whom it has in a room.
	KindAnnounce Kind = 2
	// KindTail carries only a source and its current number, so that a hole at the end of a burst is seen.
	KindTail Kind = 3
	// KindSession carries a [SessionNote] to the edges that hold sessions of a user.
	KindSession Kind = 4
	// KindWho asks the edges that hold sessions of a user to answer with their ids.
	KindWho Kind = 5
	// KindPresence carries a [PresenceNote] to the edges that watch a user.
	KindPresence Kind = 6
	// KindKnock carries a [KnockNote]: it asks the edges that have a room to tell the moderators in it, and to answer with a [KnockAnswer].
	KindKnock Kind = 7
)

// envelopeVersion is the first byte of every envelope. Additions go into the extension block, which older edges skip.
const envelopeVersion = 1

// Envelope is what travels between edges:
//
//	byte   version (1)
//	byte   kind
//	byte   event, as its index in [Events] plus one; 0 if kind is not KindEvent
//	byte   flags: bit 0, To names the one peer that must not get it; bit 1, a kept post; bit 2, the session goes on
//	8 byte source, big endian
//	uvarint n, at, gen
//	string edge, from, to, key      each a uvarint length and the bytes
//	string extension                empty in this version, which skips what a later one writes there
//	rest   body
//
// After [ParseEnvelope] the byte slices alias the message.
type Envelope struct {
	Kind   Kind
	Event  Event
	Source Source
	N      uint64
	At     int64  // Unix ms
	Gen    uint64 // how often the session From was resumed: a later one outweighs an earlier one
	Edge   EdgeID // who sent it
	From   PeerID // whose session caused it; empty if none
	To     PeerID // empty for all
	Except bool   // To is left out instead
	Keep   bool   // a post that the history keeps
	Again  bool   // a joined of a session that was in the room before, and goes on from another edge or after a lost socket
	Key    []byte // the sender's own name for the message; a repeated one is dropped
	Body   []byte
}

// Mid returns the event's mid.
func (e *Envelope) Mid() Mid { return Mid{e.Source, e.N} }

// For reports whether the event is for the session with this public id. Nobody gets their own messages.
func (e *Envelope) For(p PeerID) bool {
	switch {
	case e.From == p && e.Event != EvCall:
		return false
	case e.To == "":
		return true
	default:
		return (e.To == p) != e.Except
	}
}

// Append writes the envelope.
func (e *Envelope) Append(dst []byte) []byte {
	var flags byte
	if e.Except {
		flags |= 1
	}
	if e.Keep {
		flags |= 2
	}
	if e.Again {
		flags |= 4
	}
	dst = append(dst, envelopeVersion, byte(e.Kind), eventIndex(e.Event), flags)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Source))
	dst = binary.AppendUvarint(dst, e.N)
	dst = binary.AppendUvarint(dst, uint64(e.At))
	dst = binary.AppendUvarint(dst, e.Gen)
	dst = appendBlock(dst, string(e.Edge))
	dst = appendBlock(dst, string(e.From))
	dst = appendBlock(dst, string(e.To))
	dst = appendBlock(dst, string(e.Key))
	dst = append(dst, 0) // no extension
	return append(dst, e.Body...)
}

func appendBlock(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func eventIndex(ev Event) byte {
	for i := range Events {
		if Events[i].Event == ev {
			return byte(i + 1)
		}
	}
	return 0
}

var errShort = errors.New("envelope is cut short")

// ParseEnvelope reads what [Envelope.Append] wrote.
func ParseEnvelope(b []byte) (Envelope, error) {
	var e Envelope
	if len(b) < 12 {
		return e, errShort
	}
	if b[0] != envelopeVersion {
		return e, fmt.Errorf("envelope version %d: this edge knows %d", b[0], envelopeVersion)
	}
	e.Kind = Kind(b[1])
	// An event that a later version added keeps no name here, but its frame goes on to the clients, and its number makes no hole.
	if i := int(b[2]); i > 0 && i <= len(Events) {
		e.Event = Events[i-1].Event
	}
	e.Except = b[3]&1 != 0
	e.Keep = b[3]&2 != 0
	e.Again = b[3]&4 != 0
	e.Source = Source(binary.BigEndian.Uint64(b[4:]))
	r := blockReader{rest: b[12:]}
	e.N = r.uvarint()
	e.At = int64(r.uvarint())
	e.Gen = r.uvarint()
	e.Edge = EdgeID(r.block())
	e.From = PeerID(r.block())
	e.To = PeerID(r.block())
	if key := r.block(); len(key) > 0 {
		e.Key = key
	}
	r.block() // the extension
	e.Body = r.rest
	return e, r.err
}

type blockReader struct {
	rest []byte
	err  error
}

func (r *blockReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest, r.err = nil, errShort
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *blockReader) block() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.rest, r.err = nil, errShort
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// Announce tells edges whom the sender has in a room, as of number N of Source.
type Announce struct {
	Edge   EdgeID         `json:"edge"`
	Region Region         `json:"region"`
	Room   RoomID         `json:"room"`
	Source Source         `json:"source"`
	N      uint64         `json:"n"`              // how many it has published
	Kept   uint64         `json:"kept,omitempty"` // the last of them that the streams are known to have
	Last   int64          `json:"last,omitempty"` // when the sender published N, in Unix ms
	Peers  []AnnouncePeer `json:"peers,omitempty"`
	Edges  []EdgeID       `json:"edges,omitempty"` // the other edges that the sender knows to be in the room
	Want   bool           `json:"want,omitempty"`  // the sender asks for an announce in return
	Gone   bool           `json:"gone,omitempty"`  // the sender has left the room
}

// AnnouncePeer is a peer and how often its session was resumed.
type AnnouncePeer struct {
	Peer
	Gen uint64 `json:"gen,omitempty"`
}

// SessionNote tells the edges that hold a user's sessions what happened to one of them.
type SessionNote struct {
	Note    Note      `json:"note"`
	Session SessionID `json:"session"`
	Peer    PeerID    `json:"peer"`
	Gen     uint64    `json:"gen"`
	Edge    EdgeID    `json:"edge"`
	Rooms   []RoomID  `json:"rooms,omitempty"` // the rooms in which it goes on
}

// Note is what a [SessionNote] tells.
type Note string

// The notes.
const (
	NoteResumed Note = "resumed" // on Edge: whoever else holds it lets go
	NoteEnded   Note = "ended"   // for good: it can't be resumed
)

// PresenceNote tells that an edge now holds a session of the user, or holds none any more.
type PresenceNote struct {
	User   UserID `json:"user"`
	Edge   EdgeID `json:"edge"`
	Online bool   `json:"online"`
	// Blocks says that the user has blocked somebody, or no longer: for whom it seems offline may be another now.
	Blocks bool `json:"blocks,omitempty"`
}

// AppendJSON writes v, which must be one of this package's types, or made of such.
func AppendJSON(dst []byte, v any) []byte {
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // no frame is put into a page as it is, and what clients sent must not grow sixfold
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("wire: %T can't be encoded: %v", v, err)) // every type here can; a raw member was checked on its way in
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
