package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// Three edges are upgraded, one after another, under load and with a call going on: nothing is lost, nobody is, and the call does not end.
func TestFaultRollingRestart(t *testing.T) {
	t.Parallel()
	m := newFaultMesh(t)
	nats := []string{bustest.NewProcess(t).URL()}
	for range 3 {
		m.addEdge(nats, "--drain-timeout", "5s")
	}
	for i := range 5 {
		m.client(fmt.Sprintf("client-%d", i), 10*time.Millisecond, m.edges...)
	}
	caller, callee := m.clients[0], m.clients[1]
	m.start()
	call := m.call(caller, callee)
	for range rounds(t, 1) {
		for _, p := range m.edges {
			m.moment()
			m.say("%s is told to stop", p.name)
			p.stop()
			m.say("%s has stopped", p.name)
			p.launch()
			m.recovered()
		}
	}
	m.rostersAgree()
	for _, c := range m.clients {
		if c.Resumes() == 0 {
			t.Errorf("%s was on an edge that never stopped", c.name)
		}
		for _, e := range c.Calls() {
			if e.State != wire.CallAccepted {
				t.Errorf("%s was told that the call is %s", c.name, e.State)
			}
		}
	}
	if a, err := caller.Ask(wire.OpHangup, wire.HangupArgs{Call: call}); err != nil || a.Error != nil {
		t.Errorf("hangup: %v %v", err, a.Error)
	}
	m.eventually(func() string { return lacksState(callee, wire.CallEnded) })
	m.finish()
}

// call has one client call another, who accepts.
func (m *faultMesh) call(caller, callee *steady) wire.CallID {
	m.t.Helper()
	a, err := caller.Ask(wire.OpCall, wire.CallArgs{To: wire.UserID(callee.name), Media: wire.MediaVideo})
	if err != nil || a.Error != nil {
		m.t.Fatalf("call: %v %v", err, a.Error)
	}
	var ok wire.CallOK
	must(m.t, json.Unmarshal(a.OK, &ok))
	m.eventually(func() string {
		if len(callee.Rings()) == 0 {
			return callee.name + " hears no ring"
		}
		return ""
	})
	if a, err := callee.Ask(wire.OpAnswer, wire.AnswerArgs{Call: ok.Call, Accept: true}); err != nil || a.Error != nil {
		m.t.Fatalf("answer: %v %v", err, a.Error)
	}
	m.eventually(func() string { return lacksState(caller, wire.CallAccepted) })
	return ok.Call
}

func lacksState(c *steady, want wire.CallState) string {
	for _, e := range c.Calls() {
		if e.State == want {
			return ""
		}
	}
	return fmt.Sprintf("%s was not told that the call is %s", c.name, want)
}
