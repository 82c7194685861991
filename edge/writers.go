package edge

import (
	"context"
	"runtime"
	"sync/atomic"
)

// writers write to sockets. A goroutine for each burst of frames would begin with a small stack and grow it in every write; those that have
// just written wait for the next socket instead.
type writers struct {
	next chan *socket
	idle atomic.Int32
	most int32 // of those that wait
}

func newWriters() writers {
	return writers{next: make(chan *socket), most: 8 * int32(runtime.GOMAXPROCS(0))}
}

// start lets one of the writers, or a new one, write what waits for the socket. A socket whose client stops to read keeps its writer, and nobody else's.
func (w *writers) start(s *socket) {
	select {
	case w.next <- s:
	default:
		s.edge.own(func(ctx context.Context) { w.run(ctx, s) })
	}
}

func (w *writers) run(ctx context.Context, s *socket) {
	for {
		s.write()
		if w.idle.Add(1) > w.most {
			w.idle.Add(-1)
			return
		}
		select {
		case s = <-w.next:
			w.idle.Add(-1)
		case <-ctx.Done():
			return
		}
	}
}
