package pair

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"callmesh/bus/wire"
)

// Attempt is what one attempt came to, as this side sees it.
type Attempt struct {
	N    int                `json:"n"`
	Mode wire.TraversalMode `json:"mode"`
	wire.Outcome
	// GatherMs is from the first description to the last candidate, PairMs to the first pair of addresses that answered a check, ConnectMs to the first pair that ICE selected. The outcome's ms is to the
	// open data channel, DTLS included. Where ICE waits for better pairs (mode all), PairMs alone has nothing of it.
	GatherMs  int64 `json:"gatherMs,omitempty"`
	PairMs    int64 `json:"pairMs,omitempty"`
	ConnectMs int64 `json:"connectMs,omitempty"`
	// Over the open channel: JitterMs is the mean difference between one round trip and the next, Loss is the share of packets, from 0 to 1, that did not come back.
	JitterMs float64 `json:"jitterMs,omitempty"`
	Loss     float64 `json:"loss"`
	// KbitPerS is what a transfer of at most 1 MiB and 2 s reached, from the side that offers to the other. 0 if none was asked for, or it came to nothing.
	KbitPerS float64 `json:"kbitPerS,omitempty"`
	// Theirs is the path as the other side sees it, which may differ in kind: what is srflx for one is prflx for the other.
	Theirs wire.PathKind `json:"theirs,omitempty"`
	Why    string        `json:"why,omitempty"`
}

// link is one attempt's connection, and when things happened to it.
type link struct {
	pc      *webrtc.PeerConnection
	begun   time.Time
	opened  chan struct{} // the channel of packets is open
	over    chan struct{} // ICE or DTLS has failed
	barren  chan struct{} // all candidates of our own have come, and there is none
	packets *webrtc.DataChannel
	echoes  chan []byte
	bulk    *transfer

	// mu guards the following.
	mu        sync.Mutex
	gathered  time.Time
	connected time.Time
	found     int // candidates of our own
}

// The times that ICE takes to give up. Its own are made for calls, which may come back after half a minute.
const (
	disconnectedAfter = 2 * time.Second
	failedAfter       = 4 * time.Second
	keepAlive         = 2 * time.Second
)

func settings(m wire.TraversalMode) webrtc.SettingEngine {
	var s webrtc.SettingEngine
	s.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	s.SetDTLSRetransmissionInterval(200 * time.Millisecond)
	s.SetSTUNGatherTimeout(2 * time.Second)
	// A dual-stack socket makes the relay client ask for a relay of IPv6; where no relay is asked, there is nothing against it.
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	switch m {
	case wire.ModeDirect:
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	case wire.ModeRelayTCP, wire.ModeRelayTLS:
		s.SetICEProxyDialer(relayDialer{secure: m == wire.ModeRelayTLS})
	case wire.ModeRelayUDP, wire.ModeAll:
	}
	if m != wire.ModeAll {
		// Waiting for better candidates would be in the times; with all kinds of path it is what keeps a relay from winning where a direct one is possible. There, [Attempt.PairMs] is without it.
		s.SetSrflxAcceptanceMinWait(0)
		s.SetPrflxAcceptanceMinWait(0)
		s.SetRelayAcceptanceMinWait(0)
	}
	return s
}

// open makes a connection and tells of its candidates by trickle.
func open(m wire.TraversalMode, servers []webrtc.ICEServer, trickle func(webrtc.ICECandidateInit)) (*link, error) {
	return openWith(settings(m), m, servers, trickle)
}

func openWith(s webrtc.SettingEngine, m wire.TraversalMode, servers []webrtc.ICEServer, trickle func(webrtc.ICECandidateInit)) (*link, error) {
	policy := webrtc.ICETransportPolicyAll
	if m.Relayed() {
		policy = webrtc.ICETransportPolicyRelay
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{ICEServers: servers, ICETransportPolicy: policy})
	if err != nil {
		return nil, err
	}
	l := &link{pc: pc, begun: time.Now(), opened: make(chan struct{}), over: make(chan struct{}), barren: make(chan struct{}), echoes: make(chan []byte, maxPackets)}
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		l.mu.Lock()
		if c == nil {
			if l.found == 0 && l.gathered.IsZero() {
				close(l.barren)
			}
			l.gathered = time.Now()
		} else {
			l.found++
		}
		l.mu.Unlock()
		if c != nil {
			trickle(c.ToJSON())
		}
	})
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s == webrtc.ICEConnectionStateConnected && l.connected.IsZero() {
			l.connected = time.Now()
		}
	})
	var once sync.Once
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed {
			once.Do(func() { close(l.over) })
		}
	})
	negotiated, ordered, none, id := true, false, uint16(0), uint16(0)
	dc, err := pc.CreateDataChannel("probe", &webrtc.DataChannelInit{Negotiated: &negotiated, Ordered: &ordered, MaxRetransmits: &none, ID: &id})
	if err != nil {
		return nil, errors.Join(err, pc.Close())
	}
	dc.OnOpen(func() { close(l.opened) })
	dc.OnMessage(func(msg webrtc.DataChannelMessage) { l.heard(dc, msg.Data) })
	l.packets = dc
	if l.bulk, err = openTransfer(pc); err != nil {
		return nil, errors.Join(err, pc.Close())
	}
	return l, nil
}

// settle waits until the attempt has come to something.
func (l *link) settle(ctx context.Context) wire.Outcome {
	select {
	case <-l.opened:
		return l.path()
	case <-l.over:
	case <-ctx.Done():
	}
	o := wire.Outcome{Result: wire.ResultFailed, Step: wire.StepCheck, Ms: time.Since(l.begun).Milliseconds()}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.found == 0:
		o.Result, o.Step = wire.ResultNoCandidates, wire.StepGather
	case !l.connected.IsZero():
		o.Step = wire.StepDTLS
	}
	return o
}

// path is how the selected pair goes. It is relayed if either end is a relay's.
func (l *link) path() wire.Outcome {
	o := wire.Outcome{Result: wire.ResultConnected, Ms: time.Since(l.begun).Milliseconds(), Protocol: wire.ProtocolUDP}
	pair, err := l.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return o // by which way is not guessed
	}
	o.Path = kind(pair.Local.Typ)
	if pair.Remote.Typ == webrtc.ICECandidateTypeRelay || pair.Local.Typ == webrtc.ICECandidateTypeRelay {
		o.Path = wire.PathRelay
	}
	if pair.Local.Typ == webrtc.ICECandidateTypeRelay {
		o.Protocol = l.relayProtocol()
	}
	return o
}

func kind(t webrtc.ICECandidateType) wire.PathKind {
	switch t {
	case webrtc.ICECandidateTypeSrflx:
		return wire.PathSrflx
	case webrtc.ICECandidateTypePrflx:
		return wire.PathPrflx
	case webrtc.ICECandidateTypeRelay:
		return wire.PathRelay
	case webrtc.ICECandidateTypeHost, webrtc.ICECandidateTypeUnknown:
	}
	return wire.PathHost
}

// relayProtocol is what this side reaches its relay by (W3C webrtc-stats, relayProtocol).
func (l *link) relayProtocol() wire.Protocol {
	pair, ok := l.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return wire.ProtocolUDP
	}
	for _, s := range l.pc.GetStats() {
		c, is := s.(webrtc.ICECandidateStats)
		if !is || c.ID != pair.LocalCandidateID {
			continue
		}
		switch c.RelayProtocol {
		case "tcp":
			return wire.ProtocolTCP
		case "tls":
			return wire.ProtocolTLS
		}
	}
	return wire.ProtocolUDP
}

// firstPair is when the first pair answered a check of ours, whatever ICE made of it then. Zero if none did, or ICE has given up and forgotten its pairs.
func (l *link) firstPair() (first time.Time) {
	for _, s := range l.pc.GetStats() {
		p, is := s.(webrtc.ICECandidatePairStats)
		if !is || p.ResponsesReceived == 0 {
			continue
		}
		if at := p.FirstResponseTimestamp.Time(); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

func (l *link) times(a *Attempt) {
	pair := l.firstPair()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gathered.IsZero() {
		a.GatherMs = l.gathered.Sub(l.begun).Milliseconds()
	}
	if !l.connected.IsZero() {
		a.ConnectMs = l.connected.Sub(l.begun).Milliseconds()
	}
	// It is by the clock of the wall, which may have been set meanwhile: what can't be is not told.
	if ms := pair.Sub(l.begun.Round(0)).Milliseconds(); !pair.IsZero() && ms >= 0 && (l.connected.IsZero() || ms <= a.ConnectMs) {
		a.PairMs = ms
	}
}

func (l *link) close() error {
	if err := l.pc.GracefulClose(); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}
