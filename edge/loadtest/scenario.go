package loadtest

import (
	"context"
	"fmt"
	"io"
	"path"
	"time"
)

// Size says how much the scenarios do.
type Size struct {
	Reps  int           // repetitions of each measurement, of which the median is taken
	Slice time.Duration // of a load, in each repetition

	Pairs      int           // sender and receiver, under a paced load
	Rate       int           // messages a second of a paced load
	Pumps      int           // pairs for the highest throughput
	Window     int           // unanswered requests of each
	FanRooms   int           // rooms with one sender
	FanPeers   int           // receivers in each
	FanRate    int           // posts a second, over all rooms
	Idle       int           // sessions, or bare connections, of which the memory is measured
	Settle     time.Duration // for which their memory has to stay as it is
	Joins      int           // in each repetition of the join storm
	AtOnce     int           // clients that join at the same time
	Reconnects int           // sessions before the reconnect storm; half of them are on the edge that dies
	StormReps  int           // repetitions of the reconnect storm
	FewRooms   int           // idle rooms against which
	ManyRooms  int           // so many are compared
	Quiet      time.Duration // for which idle rooms have to be quiet
}

// Full is what the targets are about.
func Full() Size {
	return Size{
		Reps: 11, Slice: 500 * time.Millisecond, Pairs: 50, Rate: 5000, Pumps: 300, Window: 4, FanRooms: 4, FanPeers: 50, FanRate: 400,
		Idle: 10_000, Settle: 5 * time.Second, Joins: 1000, AtOnce: 32, Reconnects: 2500, StormReps: 3, FewRooms: 10, ManyRooms: 10_000, Quiet: 9 * time.Second,
	}
}

// Smoke only shows that everything works.
func Smoke() Size {
	return Size{
		Reps: 1, Slice: 100 * time.Millisecond, Pairs: 2, Rate: 200, Pumps: 2, Window: 2, FanRooms: 1, FanPeers: 3, FanRate: 50,
		Idle: 20, Settle: 100 * time.Millisecond, Joins: 10, AtOnce: 4, Reconnects: 20, StormReps: 1, FewRooms: 2, ManyRooms: 20, Quiet: 100 * time.Millisecond,
	}
}

// Scenario is one thing that is measured.
type Scenario struct {
	Name  string
	About string
	run   func(ctx context.Context, b *run) error
}

// run is one scenario under way.
type run struct {
	Size
	programs Programs
	rows     []Row
	tick     func()
}

func (b *run) add(r Row) { b.rows = append(b.rows, r) }

// Scenarios are all there are, in the order in which they run.
func Scenarios() []Scenario {
	return []Scenario{
		{"latency", "from a sender's write to the receiver's read, on one edge and across two", latency},
		{"cpu", "CPU time of one message from edge to edge, with its ack and its replay", cpuPerMessage},
		{"ceiling", "messages a second from edge to edge, as many as go", ceiling},
		{"fanout", "CPU time of delivering one post to many", fanOut},
		{"join", "clients that connect and join, rooms of two on two edges", joinStorm},
		{"reconnect", "one of two edges is killed; its sessions resume on the other", reconnectStorm},
		{"rooms", "whether rooms that are idle make messages dearer", idleRooms},
		{"memory", "resident memory of an idle session", idleMemory},
	}
}

// Run runs the scenarios whose names fit the pattern (as of path.Match) and returns their rows. What is under way goes to progress.
func Run(ctx context.Context, programs Programs, size Size, pattern string, progress io.Writer) ([]Row, error) {
	var rows []Row
	fitting := 0
	for _, s := range Scenarios() {
		if ok, err := path.Match(pattern, s.Name); err != nil || !ok {
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", pattern, err)
			}
			continue
		}
		fitting++
		begin := time.Now()
		_, _ = fmt.Fprintf(progress, "%-10s %s ", s.Name, s.About)
		b := &run{Size: size, programs: programs, tick: func() { _, _ = fmt.Fprint(progress, ".") }}
		err := s.run(ctx, b)
		_, _ = fmt.Fprintf(progress, " %.1fs\n", time.Since(begin).Seconds())
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.Name, err)
		}
		for _, r := range b.rows {
			r.Scenario = s.Name
			rows = append(rows, r)
		}
	}
	if fitting == 0 {
		return nil, fmt.Errorf("no scenario fits %q", pattern)
	}
	return rows, nil
}
