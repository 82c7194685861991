package loadtest

import (
	"context"
	"strconv"
)

// cross makes streams between two edges, each of a pair of sessions in a room of its own; the same number for both if there is but one.
func (m *mesh) cross(ctx context.Context, n, from, to, size int) ([]*stream, error) {
	streams := make([]*stream, n)
	err := each(ctx, n, 16, func(ctx context.Context, i int) error {
		room := "pair" + strconv.FormatUint(m.users.Add(1), 10)
		b, err := m.join(ctx, to, room)
		if err != nil {
			return err
		}
		a, err := m.meet(ctx, from, room, b)
		if err != nil {
			return err
		}
		streams[i] = newStream(opSignal, room, string(b.peer), size, a.conn, b.conn)
		return nil
	})
	return streams, err
}

// meet opens a session in a room in which another one is, and returns when it knows of that.
func (m *mesh) meet(ctx context.Context, edge int, room string, other *session) (*session, error) {
	s, err := m.enter(ctx, edge)
	if err != nil {
		return nil, err
	}
	if err := s.joinAndMeet(room, string(other.peer)); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (b *bare) cross(ctx context.Context, n, from, to, size int) ([]*stream, error) {
	streams := make([]*stream, n)
	err := each(ctx, n, 16, func(ctx context.Context, i int) error {
		room := "pair" + strconv.Itoa(from) + "-" + strconv.Itoa(size) + "-" + strconv.Itoa(i)
		receiver, err := b.enter(ctx, to, doRelay, room)
		if err != nil {
			return err
		}
		sender, err := b.enter(ctx, from, doRelay, room)
		if err != nil {
			return err
		}
		streams[i] = newStream("", room, "", size, sender, receiver)
		return nil
	})
	return streams, err
}

// fan makes streams of one who posts on the first edge to so many on the second, each in a room of its own.
func (m *mesh) fan(ctx context.Context, rooms, peers, size int) ([]*stream, error) {
	var streams []*stream
	for range rooms {
		room := "fan" + strconv.FormatUint(m.users.Add(1), 10)
		s, err := fan(ctx, peers, size, opPost, room, func(ctx context.Context, node int) (*conn, error) {
			s, err := m.join(ctx, node, room)
			if err != nil {
				return nil, err
			}
			return s.conn, nil
		})
		if err != nil {
			return streams, err
		}
		streams = append(streams, s)
	}
	return streams, nil
}

func (b *bare) fan(ctx context.Context, rooms, peers, size int) ([]*stream, error) {
	var streams []*stream
	for i := range rooms {
		room := "fan" + strconv.Itoa(i)
		s, err := fan(ctx, peers, size, "", room, func(ctx context.Context, node int) (*conn, error) {
			return b.enter(ctx, node, doRelay, room)
		})
		if err != nil {
			return streams, err
		}
		streams = append(streams, s)
	}
	return streams, nil
}

func fan(ctx context.Context, peers, size int, op, room string, join func(ctx context.Context, node int) (*conn, error)) (*stream, error) {
	conns := make([]*conn, peers+1)
	err := each(ctx, peers, 16, func(ctx context.Context, i int) (err error) {
		conns[1+i], err = join(ctx, 1)
		return err
	})
	if err == nil { // the sender comes last, when all are there
		conns[0], err = join(ctx, 0)
	}
	if err != nil {
		closeConns(conns)
		return nil, err
	}
	return newStream(op, room, "", size, conns[0], conns[1:]...), nil
}

func closeConns(conns []*conn) {
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
}
