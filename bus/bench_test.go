package bus_test

import (
	"sync"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
)

// BenchmarkPublish measures what acceptance costs: a publish that its stream acks against one that is only heard, both heard by one other
// process on the same node. The last sub-benchmark reports their ratio, which says more than times of one machine do.
func BenchmarkPublish(b *testing.B) {
	c := bustest.Cluster(b, 1)
	from, to := ready(b, node(b, c.URL(0))), ready(b, node(b, c.URL(0)))
	s := room("r")
	var heard sync.WaitGroup
	sub, err := to.Subscribe(s, func(bus.Message) { heard.Done() })
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Close()
	reach(b, from, to, room("interest"))
	payload := make([]byte, 200)
	const window = 256 // as many sessions would have in flight

	var each [2]time.Duration
	b.Run("live", func(b *testing.B) {
		for i := range b.N {
			heard.Add(1)
			if err := from.PublishLive(s, bus.ToAll, payload); err != nil {
				b.Fatal(err)
			}
			if i%window == window-1 {
				heard.Wait()
			}
		}
		heard.Wait()
		each[0] = b.Elapsed() / time.Duration(b.N)
	})
	b.Run("acked", func(b *testing.B) {
		var acked sync.WaitGroup
		for i := range b.N {
			heard.Add(1)
			acked.Add(1)
			from.Publish(s, bus.ToAll, payload, func(err error) {
				if err != nil {
					b.Error(err)
				}
				acked.Done()
			})
			if i%window == window-1 {
				acked.Wait()
				heard.Wait()
			}
		}
		acked.Wait()
		heard.Wait()
		each[1] = b.Elapsed() / time.Duration(b.N)
	})
	b.Run("ratio", func(b *testing.B) {
		if each[0] == 0 || each[1] == 0 {
			b.Fatal("run it together with live and acked")
		}
		b.ReportMetric(float64(each[1])/float64(each[0]), "acked/live")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkAck measures one at a time: the time that a sender waits for its ok.
func BenchmarkAck(b *testing.B) {
	c := bustest.Cluster(b, 1)
	from := ready(b, node(b, c.URL(0)))
	payload := string(make([]byte, 200))
	for b.Loop() {
		accept(b, from, room("r"), payload)
	}
}
