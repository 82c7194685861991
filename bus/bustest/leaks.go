package bustest

import "go.uber.org/goleak"

// IgnoredLeaks are goroutines of the nats-server that outlive its shutdown by a few seconds: they wait for the answer to a request that the
// server made of itself, and for nothing of ours.
func IgnoredLeaks() []goleak.Option {
	const sourcing = "github.com/nats-io/nats-server/v2/server.(*stream).trySetupSourceConsumer.func"
	return []goleak.Option{
		goleak.IgnoreTopFunction(sourcing + "1"), goleak.IgnoreTopFunction(sourcing + "2"), goleak.IgnoreTopFunction(sourcing + "3"),
	}
}
