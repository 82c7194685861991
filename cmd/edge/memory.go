package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// Between two collections garbage may grow by leastGarbage, so that a small edge does not collect all the time, or by gcPercent of what is in use: what
	// a full edge keeps is many small sessions, and what it throws away is frames.
	leastGarbage = 32 << 20
	gcPercent    = 50
	mostPercent  = 800
	// memoryTick is how often keepMemory looks.
	memoryTick = 5 * time.Second
	// givingBack is what a collection of everything costs at most so often.
	givingBack = 30 * time.Second
	// worthGiving is from how many bytes on it is worth that.
	worthGiving = 16 << 20
)

// keepMemory gives memory back to the operating system once a burst is over: thousands that connect at once leave as much garbage as they
// need to stay, and the runtime by itself would keep it for many minutes. GOGC, if it is set, is the operator's word and stays.
func keepMemory(ctx context.Context) {
	tuned := os.Getenv("GOGC") == ""
	percent := 0
	tune := func(live uint64) {
		if p := min(max(gcPercent, int(100*leastGarbage/max(live, 1))), mostPercent); tuned && p != percent {
			debug.SetGCPercent(p)
			percent = p
		}
	}
	tune(readMemory().live)
	tick := time.NewTicker(memoryTick)
	defer tick.Stop()
	var allocated uint64
	var gave time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m := readMemory()
			tune(m.live)
			quiet := m.allocated-allocated < m.live/2
			allocated = m.allocated
			if quiet && m.waste > worthGiving && m.waste > m.live/4 && now.Sub(gave) > givingBack {
				debug.FreeOSMemory()
				gave = now
			}
		}
	}
}

// memory is in bytes.
type memory struct {
	allocated uint64 // ever
	live      uint64 // found in use by the last collection
	waste     uint64 // garbage since then at most, and what the process holds with nothing in it
}

func readMemory() memory {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	m := memory{allocated: samples[0].Value.Uint64(), live: samples[1].Value.Uint64()}
	if objects := samples[2].Value.Uint64(); objects > m.live {
		m.waste = objects - m.live
	}
	m.waste += samples[3].Value.Uint64()
	return m
}
