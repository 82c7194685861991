package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	retryAfter   = 100 * time.Millisecond // what a resume that could not be served waits
	retryAtMost  = 25 * time.Second       // the grace is 30 s
	survivorSize = 200                    // bytes of a post's data
)

// survivor is a session on the edge that dies, and its peer on the other, which posts to it.
type survivor struct {
	session *session
	stream  *stream
	sink    *sink // the session's side of the stream

	mu   sync.Mutex // guards the following
	conn *conn      // the one to cut
	over bool
}

func (m *mesh) survivor(ctx context.Context, room string) (*survivor, error) {
	s, err := m.enter(ctx, 0)
	if err != nil {
		return nil, err
	}
	v := &survivor{session: s, conn: s.conn}
	if err := s.join(room); err != nil {
		_ = s.Close()
		return nil, err
	}
	peer, err := m.meet(ctx, 1, room, s)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	v.stream = newStream(opPost, room, "", survivorSize, peer.conn)
	v.sink = &sink{} // without a connection: live reads it, whichever it is
	v.stream.sinks = []*sink{v.sink}
	return v, nil
}

// live reads what comes to the session. When the edge is killed, it resumes on the other one, reports, and goes on.
func (v *survivor) live(ctx context.Context, m *mesh, killed *atomic.Int64, resumed chan<- outage) error {
	away := false
	for {
		frame, err := v.session.next()
		if err == nil {
			if err := v.take(frame); err != nil {
				return err
			}
			continue
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case killed.Load() == 0 || away:
			return fmt.Errorf("a session was lost that should not be: %w", err)
		}
		away = true
		if err := v.resume(ctx, m); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		resumed <- outage{time.Now(), v.stream.answered.Load() - min(v.sink.got.Load(), v.stream.answered.Load())}
	}
}

func (v *survivor) take(frame []byte) error {
	if _, err := v.stream.gotFrame(v.sink, frame); err != nil {
		return err
	}
	return v.session.note(frame)
}

// resume tries until an edge takes the session up again.
func (v *survivor) resume(ctx context.Context, m *mesh) error {
	_ = v.session.Close()
	seen, err := json.Marshal(v.session.seen)
	if err != nil {
		return err
	}
	hello := `"op":"hello","token":` + strconv.Quote(v.session.token) + `,"resume":{"session":"` + string(v.session.id) +
		`","key":"` + v.session.key + `","seen":` + string(seen) + `}`
	for begin := time.Now(); ; {
		err := v.tryResume(ctx, m, hello)
		var r *refusal
		final := errors.As(err, &r) && !bytes.Contains([]byte(r.frame), []byte(`"unavailable"`))
		if err == nil || final || errors.Is(err, errNotWhole) || time.Since(begin) > retryAtMost {
			return err
		}
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errNotWhole = errors.New("the edge says that what was missed could not be made whole")

func (v *survivor) tryResume(ctx context.Context, m *mesh, hello string) error {
	next, err := m.connect(ctx, 1, v.session.token)
	if err != nil {
		return err
	}
	if !v.hold(next.conn) {
		return context.Canceled
	}
	v.session.conn = next.conn
	ok, err := v.session.request(hello)
	if err != nil {
		_ = next.Close()
		return err
	}
	if !bytes.Contains(ok, []byte(`"resumed":true`)) {
		return errNotWhole
	}
	return nil
}

// hold makes a connection the one to cut, unless all is over.
func (v *survivor) hold(c *conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		_ = c.Close()
		return false
	}
	v.conn = c
	return true
}

// cut ends the session's connection, and lets it have no other.
func (v *survivor) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	_ = v.conn.Close()
}

// close ends both.
func (v *survivor) close() {
	if v != nil {
		v.cut()
		v.stream.close()
	}
}
