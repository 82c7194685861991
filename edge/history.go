package edge

import (
	"context"
	"slices"

	"callmesh/bus/wire"
)

const (
	defaultHistory = 50
	// maxHistoryBytes keeps an answer within one frame: a limit of large posts would else be more than a socket's whole queue takes, and
	// whoever asks would be cut off as a slow reader, again and again.
	maxHistoryBytes = wire.MaxFrameBytes - 128
)

// history returns kept posts of a room that the session is in. The bodies are the very events; what the contract leaves out of an item is cut here.
func (e *Edge) history(ctx context.Context, s *session, a wire.HistoryArgs) (wire.HistoryOK, error) {
	r := s.room(a.Room)
	if r == nil {
		return wire.HistoryOK{}, notInRoom()
	}
	limit := a.Limit
	if limit == 0 {
		limit = defaultHistory
	}
	if limit > e.limits.HistoryPosts {
		return wire.HistoryOK{}, wire.Errorf(wire.CodeBadRequest, "limit: want 1 to %d", e.limits.HistoryPosts)
	}
	posts, more, err := e.bus.History(ctx, r.scope, a.Before, limit)
	if err != nil {
		return wire.HistoryOK{}, unavailable(err)
	}
	ok := wire.HistoryOK{Posts: make([]wire.Post, 0, len(posts)), More: more}
	bytes := 0
	for i := range slices.Backward(posts) {
		var ev wire.PostEvent
		if !r.read(&posts[i], &ev) {
			continue
		}
		post := wire.Post{Mid: ev.Mid, At: ev.At, From: ev.From, User: ev.User, Data: ev.Data}
		bytes += len(wire.AppendJSON(nil, post)) + 1
		if len(ok.Posts) > 0 && bytes > maxHistoryBytes {
			ok.More = true // the client asks on from the first of these
			break
		}
		ok.Posts = append(ok.Posts, post)
	}
	slices.Reverse(ok.Posts)
	return ok, nil
}
