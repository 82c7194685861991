package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"callmesh/bus/wire"
)

// session is a client of an edge while it is set up; then its conn is all that is needed.
type session struct {
	*conn
	token string
	id    wire.SessionID
	peer  wire.PeerID
	key   string
	asked uint64
	seen  map[string]uint64 // what a resume tells: the highest number of each source
	early [][]byte          // joined events that came before the answer to a request
}

func (s *session) hello() error {
	var ok wire.HelloOK
	if err := s.ask(&ok, `"op":"hello","token":`+strconv.Quote(s.token)); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	s.id, s.peer = ok.Session, ok.Peer
	return nil
}

func (s *session) join(room string) error {
	var ok wire.JoinOK
	if err := s.ask(&ok, `"op":"join","room":`+strconv.Quote(room)); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	return nil
}

// ask sends a request and waits for its ok; what comes before is passed over.
func (s *session) ask(ok any, request string) error {
	frame, err := s.request(request)
	if err != nil {
		return err
	}
	var a struct {
		OK json.RawMessage `json:"ok"`
	}
	if err := json.Unmarshal(frame, &a); err != nil {
		return err
	}
	return json.Unmarshal(a.OK, ok)
}

// request is ask without reading the answer, which is valid until the next frame is read.
func (s *session) request(request string) ([]byte, error) {
	s.asked++
	if err := s.send([]byte(`{"id":` + strconv.FormatUint(s.asked, 10) + `,` + request + `}`)); err != nil {
		return nil, err
	}
	for {
		frame, err := s.nextWithin(patience)
		if err == nil {
			err = s.note(frame)
		}
		if err != nil {
			return nil, err
		}
		switch id, accepted, isAnswer := answer(frame); {
		case isEvent(frame, "joined"):
			s.early = append(s.early, bytes.Clone(frame))
		case !isAnswer || id != s.asked:
		case !accepted:
			return nil, &refusal{string(frame)}
		default:
			return frame, nil
		}
	}
}

// refusal is an answer that was an error.
type refusal struct{ frame string }

func (r *refusal) Error() string { return "refused: " + r.frame }

// note keeps what a resume will want to know: the newest key, and how far each source has come.
func (s *session) note(frame []byte) error {
	if !bytes.HasPrefix(frame, eventHead) {
		if key, ok := text(frame, keyHead); ok {
			s.key = string(key)
		}
		return nil
	}
	mid, ok := text(frame, midHead)
	if !ok {
		return nil // an event on the connection
	}
	source, n, _ := bytes.Cut(mid, []byte(":"))
	number, err := strconv.ParseUint(string(n), 10, 64)
	if err != nil {
		return fmt.Errorf("a mid that is none: %.100s", frame)
	}
	s.seen[string(source)] = number
	return nil
}

// text is the string that follows a member's name.
func text(frame, head []byte) ([]byte, bool) {
	_, rest, found := bytes.Cut(frame, head)
	if !found {
		return nil, false
	}
	value, _, ended := bytes.Cut(rest, []byte(`"`))
	return value, ended
}

var (
	answerHead = []byte(`{"id":`)
	okHead     = []byte(`,"ok"`)
	eventHead  = []byte(`{"ev":"`)
	dataHead   = []byte(`"data":"`)
	keyHead    = []byte(`"key":"`)
	midHead    = []byte(`"mid":"`)
)

// answer reads the head of an answer: `{"id":1,"ok"` or `{"id":1,"error"`.
func answer(frame []byte) (id uint64, accepted, isAnswer bool) {
	rest, found := bytes.CutPrefix(frame, answerHead)
	if !found {
		return 0, false, false
	}
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		id = 10*id + uint64(rest[n]-'0')
		n++
	}
	return id, bytes.HasPrefix(rest[n:], okHead), true
}

// isEvent tells whether a frame is an event of that kind.
func isEvent(frame []byte, ev string) bool {
	rest, found := bytes.CutPrefix(frame, eventHead)
	return found && len(rest) > len(ev) && string(rest[:len(ev)]) == ev && rest[len(ev)] == '"'
}

// dataNumber is the number with which an event's data begins.
func dataNumber(frame []byte) (uint64, error) {
	at := bytes.Index(frame, dataHead)
	if at < 0 {
		return 0, fmt.Errorf("no data in %.300s", frame)
	}
	return number(frame[at+len(dataHead):])
}

// digits is how long the number is that every message carries. It begins with a 1, so that it is a number in JSON too.
const (
	digits = 10
	first  = 1_000_000_000
)

var errNumber = errors.New("a message without a number: it is none of ours")

func number(b []byte) (uint64, error) {
	if len(b) < digits {
		return 0, errNumber
	}
	var n uint64
	for _, d := range b[:digits] {
		if d < '0' || d > '9' {
			return 0, errNumber
		}
		n = 10*n + uint64(d-'0')
	}
	return n - first, nil
}

// putNumber writes number n over the digits at the start of b.
func putNumber(b []byte, n uint64) {
	n += first
	for i := digits - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// joinAndMeet joins a room and returns when it has been told of the peer in it: in the answer, or later as joined.
func (s *session) joinAndMeet(room, peer string) error {
	var ok wire.JoinOK
	if err := s.ask(&ok, `"op":"join","room":`+strconv.Quote(room)); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for _, p := range ok.Peers {
		if string(p.Peer) == peer {
			return nil
		}
	}
	if err := s.told(peer); err != nil {
		return fmt.Errorf("join: never told of peer %s: %w", peer, err)
	}
	return nil
}

// told waits for the joined event of a peer; any will do if it is empty.
func (s *session) told(peer string) error {
	fits := func(frame []byte) bool {
		return isEvent(frame, "joined") && (peer == "" || bytes.Contains(frame, []byte(`"`+peer+`"`)))
	}
	if slices.ContainsFunc(s.early, fits) {
		return nil
	}
	for {
		frame, err := s.nextWithin(patience)
		if err == nil {
			err = s.note(frame)
		}
		if err != nil || fits(frame) {
			return err
		}
	}
}

// joinPair says hello and joins a room for two, reading no more of the answers than it must. Afterwards met tells whether the other one has
// been heard of.
func (s *session) joinPair(room string) (met func() error, err error) {
	if _, err := s.request(`"op":"hello","token":` + strconv.Quote(s.token)); err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	ok, err := s.request(`"op":"join","room":` + strconv.Quote(room))
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	if bytes.Contains(ok, []byte(`"peers":[{`)) {
		return func() error { return nil }, nil
	}
	return func() error {
		if err := s.told(""); err != nil {
			return fmt.Errorf("never told of the other peer in %s: %w", room, err)
		}
		return nil
	}, nil
}
