package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Bounds of what agents say of themselves. Leases are bounded as relays' are.
const (
	MaxAgentBytes = 2 << 10
	MaxAgentSlots = 64
)

// Agent is what a vantage point of probe says of itself: a value in the bucket `cm_agents_<region>`, under the key `agent.<id>`.
type Agent struct {
	ID AgentID `json:"-"` // the key's
	// Run is one life of the agent's process, and its peer id in tests: one that was started again is another peer, and knows nothing of the tests of the one before.
	Run PeerID `json:"run"`
	// Region, Network and ASN are labels that the operator chose. The region need not have edges.
	Region  Region `json:"region"`
	Network string `json:"network,omitempty"`
	ASN     uint32 `json:"asn,omitempty"`
	// Mapping and Filtering are the behaviours of the NAT before it (RFC 4787), empty if nobody has tried to tell.
	Mapping   string `json:"mapping,omitempty"`
	Filtering string `json:"filtering,omitempty"`
	// UDPBlocked says that no UDP leaves its network; the behaviours are then unknown.
	UDPBlocked bool `json:"udpBlocked,omitempty"`
	// Slots is how many tests it takes at once, Busy how many it has.
	Slots int `json:"slots"`
	Busy  int `json:"busy"`
	// ForMs is for how long this life had the name when this was said, in ms.
	ForMs int64 `json:"forMs,omitempty"`
	// LeaseMs is how long this holds unless it is said again, in ms.
	LeaseMs int64  `json:"leaseMs"`
	Version string `json:"version,omitempty"`
}

// Lease is how long what was said holds.
func (a *Agent) Lease() time.Duration { return time.Duration(a.LeaseMs) * time.Millisecond }

// End is how the agent stands in the record of an attempt.
func (a *Agent) End() TraversalEnd {
	return TraversalEnd{Name: a.ID, Region: a.Region, Network: a.Network, ASN: a.ASN, Mapping: a.Mapping, Filtering: a.Filtering, UDPBlocked: a.UDPBlocked}
}

// ParseAgent reads an agent's value: everything in it is bounded and checked.
func ParseAgent(id AgentID, value []byte) (Agent, error) {
	if len(value) > MaxAgentBytes {
		return Agent{}, fmt.Errorf("agent: %d bytes: want at most %d", len(value), MaxAgentBytes)
	}
	var a Agent
	if err := json.Unmarshal(value, &a); err != nil {
		return Agent{}, fmt.Errorf("agent: %w", err)
	}
	a.ID = id
	return a, a.Validate()
}

// Validate says what is wrong with what an agent says of itself.
func (a *Agent) Validate() error {
	if _, err := ParseAgentID(string(a.ID)); err != nil {
		return err
	}
	end := a.End()
	if err := end.validate(); err != nil {
		return fmt.Errorf("agent %s: %w", a.ID, err)
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("agent %s: %w", a.ID, fmt.Errorf(format, args...))
	}
	switch {
	case a.Region == "":
		return wrong("no region: want the label of where it stands")
	case !a.Run.Valid():
		return wrong("run %.20q: want 16 of a-z and 2-7", a.Run)
	case a.Slots < 1 || a.Slots > MaxAgentSlots:
		return wrong("%d slots: want 1 to %d", a.Slots, MaxAgentSlots)
	case a.Busy < 0 || a.Busy > a.Slots:
		return wrong("%d of %d slots busy", a.Busy, a.Slots)
	case a.ForMs < 0:
		return wrong("there for %d ms", a.ForMs)
	case a.LeaseMs < MinRelayLease.Milliseconds() || a.LeaseMs > MaxRelayLease.Milliseconds():
		return wrong("a lease of %d ms: want %d to %d", a.LeaseMs, MinRelayLease.Milliseconds(), MaxRelayLease.Milliseconds())
	case slices.Contains([]string{a.Mapping, a.Filtering}, "") && a.Mapping != a.Filtering:
		return wrong("mapping %q and filtering %q: want both, unknown for what could not be told, or neither", a.Mapping, a.Filtering)
	}
	if err := shortText("version", a.Version); err != nil {
		return wrong("%w", err)
	}
	return nil
}
