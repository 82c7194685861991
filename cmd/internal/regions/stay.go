package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// stay is what somebody has seen so far who came into a room to stay, and speaks there without end, one number after another.
type stay struct {
	Said  int // numbers that were accepted
	Tries int // those that were not, and were said again
	Heard int // the highest number of the other, of whom all before were heard, each once and in order
	// There says that the other is in the room, and Online that their presence says so.
	There, Online bool
	// Wrong is what must never be: numbers that are missing, or came again.
	Wrong []string
}

// stayed comes to an edge and into a room, watches another user there, speaks four times a second, and prints each time what it has seen. It ends
// when it is told to, or its session is over.
func stayed(url, room, other string) int {
	fmt.Fprintln(os.Stderr, stayIn(context.Background(), url, wire.RoomID(room), wire.UserID(other)))
	return 1
}

// stayIn never returns nil.
func stayIn(ctx context.Context, url string, room wire.RoomID, other wire.UserID) error {
	ws, res, err := websocket.Dial(ctx, url+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		return err
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	ws.SetReadLimit(4 * wire.MaxFrameBytes)
	s := &staying{ws: ws, room: room, other: other}
	if _, err := s.ask(ctx, wire.OpHello, wire.HelloArgs{Token: os.Getenv(tokenEnv)}); err != nil {
		return err
	}
	raw, err := s.ask(ctx, wire.OpJoin, wire.JoinArgs{Room: room})
	if err != nil {
		return err
	}
	var joined wire.JoinOK
	if err := json.Unmarshal(raw, &joined); err != nil {
		return err
	}
	for _, p := range joined.Peers {
		s.came(p.Peer, p.User.ID)
	}
	if raw, err = s.ask(ctx, wire.OpPresence, wire.PresenceArgs{Users: []wire.UserID{other}}); err != nil {
		return err
	}
	var presence wire.PresenceOK
	if err := json.Unmarshal(raw, &presence); err != nil {
		return err
	}
	s.seen.Online = presence.Online[other]
	out := json.NewEncoder(os.Stdout)
	for {
		n := s.seen.Said + 1
		var refusal *wire.Error
		_, err := s.ask(ctx, wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(fmt.Sprint(n)), Key: fmt.Sprint("n", n)})
		switch {
		case err == nil:
			s.seen.Said = n
		case errors.As(err, &refusal) && refusal.Code == wire.CodeUnavailable:
			s.seen.Tries++
		default:
			return err
		}
		if err := out.Encode(s.seen); err != nil {
			return err
		}
		time.Sleep(time.Second / 4)
	}
}

// staying is one session, which does one thing after another.
type staying struct {
	ws    *websocket.Conn
	room  wire.RoomID
	other wire.UserID
	id    int
	peer  wire.PeerID // the other's
	seen  stay
}

// ask sends a request and takes in what comes until its answer.
func (s *staying) ask(ctx context.Context, op wire.Op, args any) (json.RawMessage, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	s.id++
	frame := append(fmt.Appendf(nil, `{"id":%d,"op":%q,`, s.id, op), raw[1:]...)
	if err := s.ws.Write(ctx, websocket.MessageText, frame); err != nil {
		return nil, err
	}
	for {
		_, raw, err := s.ws.Read(ctx)
		if err != nil {
			return nil, err
		}
		var f struct {
			ID    *int
			OK    json.RawMessage
			Error *wire.Error
		}
		if err := json.Unmarshal(raw, &f); err != nil {
			return nil, err
		}
		switch {
		case f.ID == nil:
			if err := s.take(raw); err != nil {
				return nil, err
			}
		case f.Error != nil:
			return nil, f.Error
		default:
			return f.OK, nil
		}
	}
}

func (s *staying) take(raw []byte) error {
	var e struct {
		wire.Head
		Room   wire.RoomID
		Peer   wire.PeerID
		User   json.RawMessage // somebody, or, of presence, an id
		Online bool
		Data   json.RawMessage
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	var who wire.User
	switch e.Ev {
	case wire.EvPresence:
		s.seen.Online = e.Online
		return nil
	case wire.EvLeft:
		s.seen.There = s.seen.There && e.Peer != s.peer
		return nil
	case wire.EvJoined, wire.EvPost:
		if err := json.Unmarshal(e.User, &who); err != nil {
			return err
		}
	}
	switch {
	case e.Ev == wire.EvJoined:
		s.came(e.Peer, who.ID)
	case e.Ev == wire.EvPost && who.ID == s.other:
		var n int
		if err := json.Unmarshal(e.Data, &n); err != nil {
			return err
		}
		if s.seen.Heard > 0 && n != s.seen.Heard+1 { // the first is what the other said as this one came
			s.seen.Wrong = append(s.seen.Wrong, fmt.Sprintf("%d after %d", n, s.seen.Heard))
		}
		s.seen.Heard = n
	}
	return nil
}

func (s *staying) came(peer wire.PeerID, who wire.UserID) {
	if who == s.other {
		s.peer, s.seen.There = peer, true
	}
}
