package bus

import (
	"math/rand/v2"
	"net/url"
	"time"
)

// lameSpread is over how long the clients of a NATS node that shuts down leave it, so that they don't storm the others. The node itself waits for 10 s
// by default before it cuts them; its streams have moved on by then.
const lameSpread = 3 * time.Second

// leave goes to another NATS node, after a while that differs from client to client. What is in flight fails as when a connection is lost, and is mended
// like that.
func (b *Bus) leave() {
	epoch := b.epoch.Load()
	b.own(func() {
		moment := time.NewTimer(rand.N(lameSpread))
		defer moment.Stop()
		select {
		case <-b.ctx.Done():
			return
		case <-moment.C:
		}
		if b.epoch.Load() != epoch {
			return // it was cut off meanwhile, and is elsewhere by now or on its way
		}
		if !b.knowsAnother() {
			b.log.Warn("the NATS node shuts down, and no other is known: the bus will be lost until one is back")
			return
		}
		b.log.Info("leaving the NATS node, which shuts down", "address", b.nc.ConnectedAddr())
		b.metrics.lameDucks.Inc()
		if err := b.nc.ForceReconnect(); err != nil { // it has the node at the end of its list
			b.log.Warn("the NATS node could not be left", "error", err)
		}
	})
}

// knowsAnother reports whether the connection has anywhere else to go.
func (b *Bus) knowsAnother() bool {
	here, err := url.Parse(b.nc.ConnectedUrl())
	for _, s := range b.nc.Servers() {
		if u, perr := url.Parse(s); err == nil && perr == nil && u.Host != here.Host {
			return true
		}
	}
	return false
}
