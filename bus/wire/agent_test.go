package wire

import (
	"reflect"
	"strings"
	"testing"
)

func agent() Agent {
	return Agent{
		ID: "berlin", Run: "abcdefghijklmnop", Region: "eu", Network: "dsl", ASN: 3320, Mapping: "EIM", Filtering: "APDF", Slots: 2, Busy: 1, ForMs: 5000, LeaseMs: 10_000, Version: "v1",
	}
}

func TestAgentsAreReadBackAsTheyWere(t *testing.T) {
	want := agent()
	if got, err := ParseAgent("berlin", AppendJSON(nil, want)); err != nil || got != want {
		t.Errorf("%v: %+v, want %+v", err, got, want)
	}
}

func TestBadAgents(t *testing.T) {
	for says, spoil := range map[string]func(*Agent){
		`agent "Berlin"`:       func(a *Agent) { a.ID = "Berlin" },
		"no region":            func(a *Agent) { a.Region = "" },
		`region "e u"`:         func(a *Agent) { a.Region = "e u" },
		`run "x"`:              func(a *Agent) { a.Run = "x" },
		"0 slots":              func(a *Agent) { a.Slots = 0 },
		"65 slots":             func(a *Agent) { a.Slots = 65 },
		"3 of 2 slots":         func(a *Agent) { a.Busy = 3 },
		"lease of 1 ms":        func(a *Agent) { a.LeaseMs = 1 },
		"there for -1 ms":      func(a *Agent) { a.ForMs = -1 },
		"want both":            func(a *Agent) { a.Filtering = "" },
		`behaviour "EDM"`:      func(a *Agent) { a.Mapping = "EDM" },
		"where UDP is blocked": func(a *Agent) { a.UDPBlocked = true },
		"network has 65":       func(a *Agent) { a.Network = strings.Repeat("x", 65) },
		"version":              func(a *Agent) { a.Version = "a\nb" },
	} {
		a := agent()
		spoil(&a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want it to say %s", err, says)
		}
	}
	for _, value := range []string{"", "null", "[]", strings.Repeat(" ", MaxAgentBytes+1)} {
		if _, err := ParseAgent("berlin", []byte(value)); err == nil {
			t.Errorf("%.20q is taken", value)
		}
	}
}

func asks() []AgentAsk {
	const test, run = "abcdefghijklmnop", PeerID("ponmlkjihgfedcba")
	return []AgentAsk{
		{Ask: AskBegin, Test: test, Begin: &PairTest{Other: "tokyo", OtherRun: run, Mode: ModeAll, LimitMs: 20_000, Servers: []ICEServer{
			{URLs: []string{"stun:a.example:3478"}},
			{URLs: []string{"turn:a.example:3478?transport=udp", "turns:[2001:db8::1]:443?transport=tcp"}, Username: "1:u", Credential: "p", Region: "eu"},
		}}},
		{Ask: AskSignal, Test: test, From: run, Data: []byte(`{"x":1}`)},
		{Ask: AskResult, Test: test},
		{Ask: AskStop, Test: test},
	}
}

func TestWhatIsSaidToAgents(t *testing.T) {
	for _, want := range asks() {
		if got, err := ParseAgentAsk(AppendJSON(nil, want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
	}
	for says, spoil := range map[string]func(*AgentAsk){
		`test "x"`:                  func(a *AgentAsk) { a.Test = "x" },
		`asked to "dance"`:          func(a *AgentAsk) { a.Ask = "dance" },
		"with a test: false":        func(a *AgentAsk) { a.Begin = nil },
		"from":                      func(a *AgentAsk) { a.From = a.Begin.OtherRun },
		`agent "To kyo"`:            func(a *AgentAsk) { a.Begin.Other = "To kyo" },
		`run "x" of tokyo`:          func(a *AgentAsk) { a.Begin.OtherRun = "x" },
		`mode "any"`:                func(a *AgentAsk) { a.Begin.Mode = "any" },
		"limit of 0 ms":             func(a *AgentAsk) { a.Begin.LimitMs = 0 },
		"17 servers":                func(a *AgentAsk) { a.Begin.Servers = make([]ICEServer, 17) },
		"server \"http://x\"":       func(a *AgentAsk) { a.Begin.Servers[0].URLs[0] = "http://x" },
		"server \"stun:a?transport": func(a *AgentAsk) { a.Begin.Servers[0].URLs[0] = "stun:a?transport=udp" },
		"9 URLs":                    func(a *AgentAsk) { a.Begin.Servers[1].URLs = make([]string, 9) },
	} {
		a := asks()[0]
		spoil(&a)
		if _, err := ParseAgentAsk(AppendJSON(nil, a)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want it to say %s", err, says)
		}
	}
}

func TestWhatAgentsAnswer(t *testing.T) {
	result := AgentResult{Outcome: Outcome{Result: ResultConnected, Path: PathSrflx, Protocol: ProtocolUDP, Ms: 200, RTTMs: 12.5}, GatherMs: 20, ConnectMs: 90, JitterMs: 0.5, Loss: 0.02, Theirs: PathPrflx}
	for _, want := range []AgentAnswer{{State: TestTaken}, {State: TestRefused, Why: "no"}, {State: TestEnded, Result: &result}} {
		if got, err := ParseAgentAnswer(AppendJSON(nil, want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
	}
	spoiled := result
	spoiled.Loss = 2
	for _, bad := range []AgentAnswer{{}, {State: "dancing"}, {State: TestEnded}, {State: TestRunning, Result: &result}, {State: TestEnded, Result: &spoiled}, {State: TestEnded, Result: &AgentResult{}}} {
		if _, err := ParseAgentAnswer(AppendJSON(nil, bad)); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func FuzzParseAgentAsk(f *testing.F) {
	for _, a := range asks() {
		f.Add(AppendJSON(nil, a))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if a, err := ParseAgentAsk(payload); err == nil && (a.Ask == AskBegin) != (a.Begin != nil) {
			t.Fatalf("%+v", a)
		}
	})
}

// Agents and coordinators of two versions meet during every upgrade: these bytes stay.
func TestWhatAgentsAndCoordinatorsSayStays(t *testing.T) {
	pinned := func(value any, want string) {
		t.Helper()
		if got := string(AppendJSON(nil, value)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	pinned(agent(), `{"run":"abcdefghijklmnop","region":"eu","network":"dsl","asn":3320,"mapping":"EIM","filtering":"APDF","slots":2,"busy":1,"forMs":5000,"leaseMs":10000,"version":"v1"}`)
	for i, want := range []string{
		`{"ask":"begin","test":"abcdefghijklmnop","begin":{"other":"tokyo","otherRun":"ponmlkjihgfedcba","mode":"all","limitMs":20000,"servers":[{"urls":["stun:a.example:3478"]},` +
			`{"urls":["turn:a.example:3478?transport=udp","turns:[2001:db8::1]:443?transport=tcp"],"username":"1:u","credential":"p","region":"eu"}]}}`,
		`{"ask":"signal","test":"abcdefghijklmnop","from":"ponmlkjihgfedcba","data":{"x":1}}`,
		`{"ask":"result","test":"abcdefghijklmnop"}`,
		`{"ask":"stop","test":"abcdefghijklmnop"}`,
	} {
		pinned(asks()[i], want)
	}
	pinned(AgentAnswer{State: TestEnded, Result: &AgentResult{Outcome: Outcome{Result: ResultFailed, Step: StepCheck, Ms: 7}, GatherMs: 1, KbitPerS: 5, Why: "w"}},
		`{"state":"ended","result":{"result":"failed","ms":7,"step":"check","gatherMs":1,"kbitPerS":5,"why":"w"}}`)
	pinned(probed(), `{"at":1760000000000,"source":"probe","run":"nightly-1","n":3,"pair":"berlin/tokyo","mode":"relay-tls","ends":[{"name":"berlin","region":"eu","network":"dsl","asn":3320,`+
		`"mapping":"EIM","filtering":"APDF"},{"name":"tokyo","region":"asia","mapping":"unknown","filtering":"unknown","udpBlocked":true}],"result":"connected","path":"relay","protocol":"tls",`+
		`"relayRegion":"eu","ms":412,"rttMs":230.5,"gatherMs":90,"pairMs":250,"connectMs":300,"jitterMs":2.5,"loss":0.02,"kbitPerS":5000,"theirs":"relay"}`)
}
