package wire

// Outcome is what one attempt to connect two peers came to. Real calls report it and probe stores it, under one definition.
// It holds no address: it can be kept.
type Outcome struct {
	Result      Result   `json:"result"`
	Path        PathKind `json:"path,omitempty"`        // of the selected pair, when connected
	Protocol    Protocol `json:"protocol,omitempty"`    // between the peer and its relay, or to the other peer
	RelayRegion Region   `json:"relayRegion,omitempty"` // of the relay on the path
	Ms          int64    `json:"ms,omitempty"`          // from the first description to connected or failed
	RTTMs       float64  `json:"rttMs,omitempty"`       // of the selected pair
	Step        Step     `json:"step,omitempty"`        // at which it failed
	Network     string   `json:"network,omitempty"`     // NetworkInformation.type, where the browser tells: wifi, cellular, …
}

// Result says how far an attempt came.
type Result string

// How far an attempt can come.
const (
	ResultConnected    Result = "connected"
	ResultFailed       Result = "failed"
	ResultNoSignalling Result = "no_signalling"
	ResultNoCandidates Result = "no_candidates"
)

// PathKind is the candidate type that describes how media flows (RFC 8445, section 4): the first three are direct.
type PathKind string

// The kinds of path.
const (
	PathHost  PathKind = "host"
	PathSrflx PathKind = "srflx"
	PathPrflx PathKind = "prflx"
	PathRelay PathKind = "relay"
)

// Protocol carries the path.
type Protocol string

// The protocols of a path.
const (
	ProtocolUDP Protocol = "udp"
	ProtocolTCP Protocol = "tcp"
	ProtocolTLS Protocol = "tls"
)

// Step is a stage of connecting.
type Step string

// The stages, in order.
const (
	StepSignal Step = "signal" // descriptions did not come across
	StepGather Step = "gather" // no candidate was found
	StepCheck  Step = "check"  // no candidate pair answered
	StepDTLS   Step = "dtls"   // a pair answered, the handshake did not end
	StepMedia  Step = "media"  // connected, but nothing came
)

// outcomeValues holds what each enumerated member of an outcome may be.
var outcomeValues = struct {
	results   []Result
	paths     []PathKind
	protocols []Protocol
	steps     []Step
}{
	[]Result{ResultConnected, ResultFailed, ResultNoSignalling, ResultNoCandidates},
	[]PathKind{PathHost, PathSrflx, PathPrflx, PathRelay},
	[]Protocol{ProtocolUDP, ProtocolTCP, ProtocolTLS},
	[]Step{StepSignal, StepGather, StepCheck, StepDTLS, StepMedia},
}
