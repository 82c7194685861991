package wire

import (
	"strconv"
	"strings"
)

// Traversal is one attempt to connect two ends as it is kept: a pair test of two agents, or what a page reported of a real call. Both are counted under
// the definitions of [Outcome]. It holds no address, and of real calls no name.
type Traversal struct {
	At     int64           `json:"at"` // Unix ms at which the attempt began
	Source TraversalSource `json:"source"`
	// ID tells one report of a real call from another, so that one that was stored twice counts once: 16 of a-z and 2-7, made by the edge. Pair tests have none: see [Traversal.Key].
	ID  string `json:"id,omitempty"`
	Run RunID  `json:"run,omitempty"` // of a pair test
	N   int    `json:"n,omitempty"`   // which repetition of the pair in this mode, from 1
	// Pair is the same for every attempt of the same two ends, whichever of them tells: [PairOf] the two agents, or of a real call a digest of the room and its two peers.
	Pair string        `json:"pair"`
	Mode TraversalMode `json:"mode"`
	// Ends are the two, ordered by name. Of a real call the first is the one who reported, and what is not known of the other is empty.
	Ends [2]TraversalEnd `json:"ends"`
	// Outcome is as the first end saw it; of an attempt that failed, what stopped it earliest at either end.
	Outcome
	// GatherMs is from the first description to the last candidate, PairMs to the first pair of addresses that answered a check, ConnectMs to the first pair that ICE selected; the outcome's ms is to the
	// open data channel. In [ModeAll] ICE waits for better pairs before it selects one: that is in ConnectMs and in ms, and not in PairMs.
	GatherMs  int64 `json:"gatherMs,omitempty"`
	PairMs    int64 `json:"pairMs,omitempty"`
	ConnectMs int64 `json:"connectMs,omitempty"`
	// Over the open channel: JitterMs is the mean difference of successive round trips, Loss the share, from 0 to 1, that did not come back, KbitPerS what a bounded transfer
	// from the end that offered to the other reached.
	JitterMs float64 `json:"jitterMs,omitempty"`
	Loss     float64 `json:"loss,omitempty"`
	KbitPerS float64 `json:"kbitPerS,omitempty"`
	// Theirs is the path as the second end saw it: what is srflx for one can be prflx for the other.
	Theirs PathKind `json:"theirs,omitempty"`
	Why    string   `json:"why,omitempty"` // in words, where it failed
}

// Key is the same for a record however often it was stored, and no other's.
func (t *Traversal) Key() string {
	if t.Source == SourceCall {
		return string(SourceCall) + "/" + t.ID
	}
	return strings.Join([]string{string(t.Source), string(t.Run), t.Pair, string(t.Mode), strconv.Itoa(t.N)}, "/")
}

// NewReportID returns a fresh [Traversal.ID] of 80 bits.
func NewReportID() string { return randomID(peerIDLen) }

// TraversalEnd is one end of an attempt.
type TraversalEnd struct {
	Name    AgentID `json:"name,omitempty"` // empty for a real call
	Region  Region  `json:"region,omitempty"`
	Network string  `json:"network,omitempty"` // the operator's label of the network; of a real call NetworkInformation.type
	ASN     uint32  `json:"asn,omitempty"`
	// Mapping and Filtering are the behaviours of the NAT before it (RFC 4787), as far as they could be told.
	Mapping   string `json:"mapping,omitempty"`   // EIM, ADM, APDM, unknown
	Filtering string `json:"filtering,omitempty"` // EIF, ADF, APDF, unknown
	// UDPBlocked says that no UDP leaves the network, so that there is no NAT to tell the behaviours of.
	UDPBlocked bool `json:"udpBlocked,omitempty"`
}

// TraversalSource says who made an attempt.
type TraversalSource string

// Who can have made it.
const (
	SourceProbe TraversalSource = "probe"
	SourceCall  TraversalSource = "call"
)

// TraversalMode says which paths an attempt may take.
type TraversalMode string

// The modes. Real calls are always [ModeAll].
const (
	ModeDirect   TraversalMode = "direct"
	ModeRelayUDP TraversalMode = "relay-udp"
	ModeRelayTCP TraversalMode = "relay-tcp"
	ModeRelayTLS TraversalMode = "relay-tls"
	ModeAll      TraversalMode = "all"
)

// Modes are all of them.
func Modes() []TraversalMode {
	return []TraversalMode{ModeDirect, ModeRelayUDP, ModeRelayTCP, ModeRelayTLS, ModeAll}
}

// Relayed reports whether the mode allows nothing but relays.
func (m TraversalMode) Relayed() bool { return m != ModeDirect && m != ModeAll }

// RunID names one run of pair tests: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit.
type RunID string

// NewRunID returns a fresh random id of 50 bits.
func NewRunID() RunID { return RunID(randomID(10)) }

// AgentID names a vantage point. The operator chose it: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit.
type AgentID string

// PairOf is the pair of two agents, whichever is named first.
func PairOf(a, b AgentID) string { return string(min(a, b)) + "/" + string(max(a, b)) }
