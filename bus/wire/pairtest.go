package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of what is said to agents.
const (
	MaxAgentAskBytes = MaxFrameBytes + 2<<10
	maxTestServers   = 16
	// MaxTestLimit bounds how long an attempt may take.
	MaxTestLimit = 5 * time.Minute
)

// AgentAsk is what is said to an agent of probe, by who runs pair tests or by the other agent of a test.
type AgentAsk struct {
	Ask AgentAskKind `json:"ask"`
	// Test is which one it is about, 16 of a-z and 2-7.
	Test  string          `json:"test"`
	Begin *PairTest       `json:"begin,omitempty"` // of begin
	From  PeerID          `json:"from,omitempty"`  // of signal: the life of the agent that says it
	Data  json.RawMessage `json:"data,omitempty"`  // of signal: a description or a candidate, never parsed on the way
}

// AgentAskKind says what is wanted of an agent.
type AgentAskKind string

// What can be wanted.
const (
	AskBegin  AgentAskKind = "begin"  // to take part in a test
	AskSignal AgentAskKind = "signal" // to hear what the other agent of a test says
	AskResult AgentAskKind = "result" // to tell what a test came to
	AskStop   AgentAskKind = "stop"   // to give a test up
)

// PairTest is one attempt of two agents, as one of them is told of it.
type PairTest struct {
	Other    AgentID       `json:"other"`
	OtherRun PeerID        `json:"otherRun"`
	Mode     TraversalMode `json:"mode"`
	LimitMs  int64         `json:"limitMs"` // how long it may take
	// Servers are the relays that this agent may use.
	Servers []ICEServer `json:"servers,omitempty"`
}

// AgentAnswer is what an agent answers.
type AgentAnswer struct {
	State  TestState    `json:"state"`
	Result *AgentResult `json:"result,omitempty"` // of ended
	Why    string       `json:"why,omitempty"`    // of refused
}

// TestState is how a test stands with an agent.
type TestState string

// How it can stand.
const (
	TestTaken   TestState = "taken"   // it was begun, or what was said was heard
	TestBusy    TestState = "busy"    // the agent has as many tests as it takes at once
	TestRefused TestState = "refused" // what was asked makes no sense
	TestUnheard TestState = "unheard" // the agent knows of no such test
	TestRunning TestState = "running"
	TestEnded   TestState = "ended"
)

// AgentResult is what a test came to as one agent saw it: see [Traversal], of which it is a half.
type AgentResult struct {
	Outcome
	GatherMs  int64    `json:"gatherMs,omitempty"`
	PairMs    int64    `json:"pairMs,omitempty"`
	ConnectMs int64    `json:"connectMs,omitempty"`
	JitterMs  float64  `json:"jitterMs,omitempty"`
	Loss      float64  `json:"loss,omitempty"`
	KbitPerS  float64  `json:"kbitPerS,omitempty"`
	Theirs    PathKind `json:"theirs,omitempty"`
	Why       string   `json:"why,omitempty"`
}

// NewTestID returns a fresh [AgentAsk.Test] of 80 bits.
func NewTestID() string { return randomID(peerIDLen) }

// ParseAgentAsk reads what is said to an agent: all but a signal's data is bounded and checked.
func ParseAgentAsk(payload []byte) (AgentAsk, error) {
	if len(payload) > MaxAgentAskBytes {
		return AgentAsk{}, fmt.Errorf("agent: asked with %d bytes: want at most %d", len(payload), MaxAgentAskBytes)
	}
	var a AgentAsk
	if err := json.Unmarshal(payload, &a); err != nil {
		return AgentAsk{}, fmt.Errorf("agent: %w", err)
	}
	if !PeerID(a.Test).Valid() {
		return a, fmt.Errorf("agent: test %.20q: want 16 of a-z and 2-7", a.Test)
	}
	switch {
	case !slices.Contains([]AgentAskKind{AskBegin, AskSignal, AskResult, AskStop}, a.Ask):
		return a, fmt.Errorf("agent: asked to %.20q: want begin, signal, result or stop", a.Ask)
	case (a.Ask == AskBegin) != (a.Begin != nil):
		return a, fmt.Errorf("agent: asked to %s with a test: %t", a.Ask, a.Begin != nil)
	case (a.Ask == AskSignal) != (a.From != "") || a.From != "" && !a.From.Valid() || (a.Ask == AskSignal) != (len(a.Data) > 0):
		return a, fmt.Errorf("agent: asked to %s from %.20q with %d bytes of data", a.Ask, a.From, len(a.Data))
	case a.Begin != nil:
		return a, a.Begin.validate()
	}
	return a, nil
}

func (p *PairTest) validate() error {
	if _, err := ParseAgentID(string(p.Other)); err != nil {
		return err
	}
	switch {
	case !p.OtherRun.Valid():
		return fmt.Errorf("agent: run %.20q of %s: want 16 of a-z and 2-7", p.OtherRun, p.Other)
	case !slices.Contains(Modes(), p.Mode):
		return fmt.Errorf("agent: mode %.20q: want one of %v", p.Mode, Modes())
	case p.LimitMs < 1000 || p.LimitMs > MaxTestLimit.Milliseconds():
		return fmt.Errorf("agent: a limit of %d ms: want 1000 to %d", p.LimitMs, MaxTestLimit.Milliseconds())
	case len(p.Servers) > maxTestServers:
		return fmt.Errorf("agent: %d servers: want at most %d", len(p.Servers), maxTestServers)
	}
	for _, s := range p.Servers {
		if len(s.URLs) > MaxRelayURLs || len(s.Username) > MaxURLBytes || len(s.Credential) > MaxURLBytes {
			return fmt.Errorf("agent: a server of %d URLs: want at most %d, with a name and a credential of at most %d bytes", len(s.URLs), MaxRelayURLs, MaxURLBytes)
		}
		for _, u := range s.URLs {
			if err := ValidICEURL(u); err != nil {
				return err
			}
		}
	}
	return nil
}

// ValidICEURL says what is wrong with the URL of a STUN server (RFC 7064) or a relay (RFC 7065).
func ValidICEURL(u string) error {
	at, stun := strings.CutPrefix(u, "stun:")
	relay := u
	if stun {
		relay = "turn:" + at // of the same form, but that a relay's may name a transport
	}
	if _, err := ParseRelayURL(relay); err != nil || stun && strings.Contains(at, "?") {
		return fmt.Errorf("server %.60q: want stun:HOST:PORT, turn:HOST:PORT?transport=udp or tcp, or turns:HOST:PORT?transport=tcp", u)
	}
	return nil
}

// ParseAgentAnswer reads what an agent answers: everything in it is bounded and checked.
func ParseAgentAnswer(payload []byte) (AgentAnswer, error) {
	if len(payload) > MaxTraversalBytes {
		return AgentAnswer{}, fmt.Errorf("agent: an answer of %d bytes: want at most %d", len(payload), MaxTraversalBytes)
	}
	var a AgentAnswer
	if err := json.Unmarshal(payload, &a); err != nil {
		return AgentAnswer{}, fmt.Errorf("agent: %w", err)
	}
	switch {
	case !slices.Contains([]TestState{TestTaken, TestBusy, TestRefused, TestUnheard, TestRunning, TestEnded}, a.State):
		return a, fmt.Errorf("agent: a test is %.20q", a.State)
	case (a.State == TestEnded) != (a.Result != nil):
		return a, fmt.Errorf("agent: a test is %s, with a result: %t", a.State, a.Result != nil)
	case a.Result == nil:
		return a, nil
	}
	// As a record, it is checked as one.
	t := Traversal{
		At: 1, Source: SourceProbe, Run: "r", N: 1, Pair: PairOf("a", "b"), Mode: ModeAll, Ends: [2]TraversalEnd{{Name: "a"}, {Name: "b"}}, Outcome: a.Result.Outcome,
		GatherMs: a.Result.GatherMs, PairMs: a.Result.PairMs, ConnectMs: a.Result.ConnectMs, JitterMs: a.Result.JitterMs, Loss: a.Result.Loss, KbitPerS: a.Result.KbitPerS, Theirs: a.Result.Theirs, Why: a.Result.Why,
	}
	return a, t.Validate()
}
