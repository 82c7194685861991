package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"strings"

	"callmesh/bus/wire"
)

// sessionState is what an edge must know to go on with a session that it has never seen. The client carries it, signed: see [keyring].
type sessionState struct {
	Session wire.SessionID         `json:"s"`
	Peer    wire.PeerID            `json:"p"`
	User    wire.UserID            `json:"u"`
	Gen     uint64                 `json:"g"` // how often it was resumed
	Edge    wire.EdgeID            `json:"e,omitempty"`
	Issued  int64                  `json:"i"`           // Unix ms; everything that the session was sent before stands before the key on its socket
	Whole   int64                  `json:"h,omitempty"` // Unix ms: the session may lack what was sent since; not set if that is Issued
	Rooms   []roomState            `json:"r,omitempty"`
	Inbox   map[wire.Source]uint64 `json:"b,omitempty"`
	Watched []wire.UserID          `json:"w,omitempty"`
	Calls   []wire.CallID          `json:"c,omitempty"`
	Owed    *debt                  `json:"o,omitempty"`
	Makes   []wire.RoomID          `json:"m,omitempty"` // rooms whose maker's secret the session has shown
}

// roomState is a room that the session is in, and how far each source of it had gone when the key was issued: what came before that is
// either delivered or was never for this session.
type roomState struct {
	Room wire.RoomID     `json:"r"`
	Info json.RawMessage `json:"i,omitempty"`
	// Since is when the session joined, in Unix ms: what sources that At does not name sent before that was not for it.
	Since int64 `json:"j"`
	// Under is the At of the latest ruling about the user when the session joined: a later one has removed it.
	Under int64                  `json:"k,omitempty"`
	At    map[wire.Source]uint64 `json:"a,omitempty"`
	// Own is the source by which the room heard the session: of the edge that it was on.
	Own wire.Source `json:"o,omitempty"`
}

func (st *sessionState) room(id wire.RoomID) *roomState {
	for i := range st.Rooms {
		if st.Rooms[i].Room == id {
			return &st.Rooms[i]
		}
	}
	return nil
}

// keyring signs and reads resume keys, or what else clients carry. All edges of a mesh have the same secret.
type keyring struct{ secret []byte }

// newKeyring derives the secret that signs resume keys.
func newKeyring(master []byte) keyring { return keyringFor(master, "callmesh resume key v1") }

// keyringFor derives the secret for one end, so that the same master secret can serve others too.
func keyringFor(master []byte, end string) keyring {
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte(end))
	return keyring{mac.Sum(nil)}
}

func (k keyring) sum(payload string) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(payload))
	return mac.Sum(nil)
}

func (k keyring) sign(s *sessionState) string { return k.seal(s) }

// read returns what sign was given, if an edge of this mesh signed it.
func (k keyring) read(key string) (*sessionState, bool) {
	var s sessionState
	if !k.open(key, &s) {
		return nil, false
	}
	return &s, true
}

// seal makes a text of v that open knows to be this mesh's.
func (k keyring) seal(v any) string {
	payload := base64.RawURLEncoding.EncodeToString(wire.AppendJSON(nil, v))
	return payload + "." + base64.RawURLEncoding.EncodeToString(k.sum(payload))
}

// open reads what seal was given into v, if an edge of this mesh sealed it.
func (k keyring) open(text string, v any) bool {
	payload, sum, ok := strings.Cut(text, ".")
	if !ok {
		return false
	}
	mac, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || !hmac.Equal(mac, k.sum(payload)) {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(payload)
	return err == nil && json.Unmarshal(body, v) == nil
}

// sessionMAC is how many characters of a session id prove that an edge of this mesh made it, so that an id that never was can be told from a
// key that does not fit.
const sessionMAC = 10

func (k keyring) newSessionID() wire.SessionID {
	id := wire.NewSessionID()
	head := string(id[:len(id)-sessionMAC])
	return wire.SessionID(head + k.proof(head))
}

func (k keyring) made(id wire.SessionID) bool {
	if !id.Valid() {
		return false
	}
	head := string(id[:len(id)-sessionMAC])
	return hmac.Equal([]byte(id[len(id)-sessionMAC:]), []byte(k.proof(head)))
}

func (k keyring) proof(head string) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(k.sum("session " + head)))[:sessionMAC]
}
