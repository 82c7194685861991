package loadtest

import (
	"context"
	"fmt"
	"strconv"
)

// roomsEach is how many rooms one session is in: as many as an edge allows.
const roomsEach = 32

// idleRooms measures whether messages cost more where many rooms are idle: two meshes, loaded in turns.
func idleRooms(ctx context.Context, b *run) error {
	many, err := startMesh(ctx, b.programs, 2)
	if err != nil {
		return err
	}
	defer many.close()
	few, err := startMesh(ctx, b.programs, 2)
	if err != nil {
		return err
	}
	defer few.close()

	var flows [2]*flow
	for i, m := range []*mesh{many, few} {
		rooms := []int{b.ManyRooms, b.FewRooms}[i]
		conns, err := m.occupy(ctx, rooms, b.AtOnce)
		defer closeConns(conns)
		if err != nil {
			return err
		}
		b.tick()
		idle := make([]*stream, len(conns)) // they send nothing; what comes to them is read
		for j, c := range conns {
			idle[j] = newAnswered(`"op":"ping"`, c)
		}
		idlers := newFlow(idle)
		defer idlers.close()
		defer keepAlive(conns)()
		if flows[i], err = opened(m.cross(ctx, b.Pairs, 0, 1, 200)); err != nil {
			return err
		}
		defer flows[i].close()
		defer keepAlive(ends(flows[i].streams))()
	}
	for _, m := range []*mesh{many, few} {
		if err := quiet(ctx, b.Quiet, m.cpu); err != nil {
			return err
		}
	}
	load := func(ctx context.Context, f *flow) error { return paced(ctx, f, b.Rate, b.Slice) }
	got, err := inTurns(ctx, b.tick, 1, b.Reps, cpuOfLoad(flows[0], many.cpu, load), cpuOfLoad(flows[1], few.cpu, load))
	if err != nil {
		return err
	}
	b.add(compareWork(fmt.Sprintf("CPU per message, %d idle rooms beside %d", b.ManyRooms, b.FewRooms), got,
		Target{RatioAtMost: 1.1}))
	return nil
}

// occupy opens sessions on two edges, so that each room has one on both.
func (m *mesh) occupy(ctx context.Context, rooms, atOnce int) ([]*conn, error) {
	perEdge := (rooms + roomsEach - 1) / roomsEach
	conns := make([]*conn, 2*perEdge)
	err := each(ctx, len(conns), atOnce, func(ctx context.Context, i int) error {
		s, err := m.enter(ctx, i%2)
		if err != nil {
			return err
		}
		conns[i] = s.conn
		for room := i / 2 * roomsEach; room < min(rooms, (i/2+1)*roomsEach); room++ {
			if err := s.join("idle" + strconv.Itoa(room)); err != nil {
				return err
			}
		}
		return nil
	})
	return conns, err
}
