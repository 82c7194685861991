package natsd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// poll is how often Ready looks; the server offers no event to wait on.
const poll = 10 * time.Millisecond

// Ready waits until the server accepts clients and its JetStream can be used:
// at once when it stands alone; in a cluster, once a leader is elected that
// knows this server. It returns the server's own error if it gave up, or says
// what is still missing when ctx ends.
func (s *Server) Ready(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		missing := s.missing()
		if missing == nil {
			return nil
		}
		select {
		case <-s.fatal.done:
			return fmt.Errorf("embedded nats: %w", s.fatal.err)
		case <-ctx.Done():
			return fmt.Errorf("embedded nats is not ready: %w (%w)", missing, ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Server) missing() error {
	switch {
	case !s.nats.Running():
		return errors.New("the server has ended")
	case s.opts.ClusterName != "" && s.nats.ClusterAddr() == nil:
		return errors.New("the route listener is not up")
	case !s.nats.JetStreamEnabled():
		return errors.New("JetStream is off")
	case !s.nats.JetStreamIsCurrent():
		return errors.New("JetStream has no leader yet, more than half of the cluster must be there")
	}
	return nil
}

// Routed lists the names of the cluster's other members that this server has
// all its routes to, sorted.
func (s *Server) Routed() []string {
	routes, err := s.nats.Routez(nil)
	if err != nil {
		return nil
	}
	perPeer := map[string]int{}
	for _, r := range routes.Routes {
		perPeer[r.RemoteName]++
	}
	// Routes come in a pool, plus one for the system account; an account's
	// messages take one of them, so some are not enough.
	for name, n := range perPeer {
		if n < server.DEFAULT_ROUTE_POOL_SIZE+1 {
			delete(perPeer, name)
		}
	}
	return slices.Sorted(maps.Keys(perPeer))
}

// Linked lists the names of the regions that this server has a gateway
// connection to, sorted.
func (s *Server) Linked() []string {
	gw, err := s.nats.Gatewayz(nil)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(gw.OutboundGateways))
}

// Followers lists, on the JetStream leader, the names of all servers it sees
// working, itself included, sorted. It is nil on any other server. One that
// stands alone leads itself.
func (s *Server) Followers() []string {
	if !s.nats.JetStreamIsClustered() {
		return []string{s.Name()}
	}
	if !s.nats.JetStreamIsLeader() {
		return nil
	}
	names := s.nats.JetStreamClusterPeers()
	slices.Sort(names)
	return names
}
