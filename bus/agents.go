package bus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// Probe's agents announce themselves like relays: a key `agent.<id>` in a bucket, which ends by itself unless it is said again. It is the bucket of the agent's region, or of the
// first region that there is, as a vantage point may stand where no edge does. They are spoken to live, under `cmx.agent.<id>.<run>`, each message answered or given up: what is for
// one life of an agent no other hears.
const (
	agentKey     = "agent."
	agentSubject = "cmx.agent."
	// maxAgents bounds the agents of a bucket that a reader keeps.
	maxAgents  = 1024
	agentBytes = 2 * maxAgents * wire.MaxAgentBytes
)

func agentsBucket(r wire.Region) string { return "cm_agents_" + string(r) }

func (b *Bus) agentsConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: agentsBucket(b.opts.Region), Description: "callmesh: vantage points of probe", Storage: jetstream.FileStorage, Replicas: b.opts.Replicas,
		MaxBytes: agentBytes, MaxValueSize: wire.MaxAgentBytes + 1<<10, LimitMarkerTTL: wire.MinRelayLease,
	}
}

// Agents are those whose leases hold, as this process has heard of them. It is safe for concurrent use.
type Agents struct {
	watches *watches
	changed func()

	mu  sync.RWMutex // guards the following; taken after every other lock, and changed is called without it
	all map[wire.AgentID]*heardAgent
}

type heardAgent struct {
	agent wire.Agent
	until time.Time   // when the lease ends; of this process's clock
	in    wire.Region // whose bucket said so
}

// WatchAgents follows the registries of all regions, until Close. changed, which may be nil, is called when something in them changes but leases that run out; it must not block.
func (b *Bus) WatchAgents(changed func()) *Agents {
	if changed == nil {
		changed = func() {}
	}
	as := &Agents{changed: changed, all: make(map[wire.AgentID]*heardAgent)}
	as.watches = b.watchAll(&watches{what: "the registry of agents", bucket: agentsBucket, reads: b.metrics.agentReads, take: as.take})
	return as
}

// Close ends the watches.
func (as *Agents) Close() { as.watches.close() }

// Wait is [Relays.Wait].
func (as *Agents) Wait(ctx context.Context) error { return as.watches.wait(ctx) }

// List returns the agents whose leases hold, by name.
func (as *Agents) List() []wire.Agent {
	now := time.Now()
	as.mu.RLock()
	defer as.mu.RUnlock()
	var list []wire.Agent
	for _, h := range as.all {
		if now.Before(h.until) {
			list = append(list, h.agent)
		}
	}
	slices.SortFunc(list, func(a, b wire.Agent) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// take applies one entry of a registry.
func (as *Agents) take(region wire.Region, e entry) {
	if err := as.apply(region, e); err != nil {
		as.watches.bus.log.Error("an entry of the registry of agents can't be read and is passed over", "region", region, "error", err)
		return
	}
	as.changed()
}

func (as *Agents) apply(region wire.Region, e entry) error {
	name, ok := strings.CutPrefix(e.key, agentKey)
	if !ok {
		return fmt.Errorf("key %.40q is about nothing known", e.key)
	}
	id, err := wire.ParseAgentID(name)
	if err != nil {
		return err
	}
	now := time.Now()
	as.mu.Lock()
	defer as.mu.Unlock()
	before := as.all[id]
	if len(e.value) == 0 {
		if before != nil && before.in == region {
			delete(as.all, id)
		}
		return nil
	}
	a, err := wire.ParseAgent(id, e.value)
	if err != nil {
		return err
	}
	for other, h := range as.all {
		if now.After(h.until) {
			delete(as.all, other)
		}
	}
	if before == nil && len(as.all) >= maxAgents {
		return fmt.Errorf("agent %s is one too many: %d are known", id, maxAgents)
	}
	until := now.Add(a.Lease() - e.age)
	if before != nil && before.until.After(until) && before.agent.Run != a.Run {
		return nil // an older word, of a bucket that the agent has left
	}
	as.all[id] = &heardAgent{a, until, region}
	return nil
}

// ServeAgent listens to what is said to an agent in this life of it; each is [Message.Asked] and wants an answer. The bus may be lost meanwhile, and is listened to again when it is back.
func (b *Bus) ServeAgent(id wire.AgentID, run wire.PeerID, h Handler) (*Subscription, error) {
	subject, err := agentAddress(id, run)
	if err != nil {
		return nil, err
	}
	return b.subscribe(subject, 0, h)
}

// AskAgent says something to an agent and calls answer once, on a goroutine of the bus, with its answer or an error: [ErrNobody] if no such agent listens, or not in this life of
// it, as far as the NATS node knows, else [ErrUnavailable]. answer must not block.
func (b *Bus) AskAgent(id wire.AgentID, run wire.PeerID, payload []byte, timeout time.Duration, answer func(payload []byte, err error)) {
	subject, err := agentAddress(id, run)
	if err != nil {
		answer(nil, err)
		return
	}
	b.ask(subject, payload, timeout, func(payload []byte, err error) bool {
		answer(payload, err)
		return false
	})
}

func agentAddress(id wire.AgentID, run wire.PeerID) (string, error) {
	if _, err := wire.ParseAgentID(string(id)); err != nil {
		return "", fmt.Errorf("bus: %w", err)
	}
	if !run.Valid() {
		return "", fmt.Errorf("bus: run %.20q of agent %s: want 16 of a-z and 2-7", run, id)
	}
	return agentSubject + string(id) + "." + string(run), nil
}
