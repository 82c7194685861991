package main

import (
	"fmt"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/edge/edgetest"
)

// Everybody who sends is on one edge, and stays. The edges of those who only receive are killed.
func TestFaultReceiversEdgeIsKilled(t *testing.T) {
	m := newFaultMesh(t)
	nats := []string{bustest.NewProcess(t).URL()}
	senders, one, other := m.addEdge(nats), m.addEdge(nats), m.addEdge(nats)
	m.client("sender-0", 4*time.Millisecond, senders)
	m.client("sender-1", 4*time.Millisecond, senders)
	receivers := []*steady{
		m.client("receiver-0", 0, one, other), m.client("receiver-1", 0, one, other), m.client("receiver-2", 0, one, other),
	}
	m.start()
	for range rounds(t, 8) {
		m.killUnder(pick(m, receivers...))
	}
	m.finish()
}

// The senders' edges are killed, with messages of theirs in every state between sent and answered. Those who receive stay on theirs.
func TestFaultSendersEdgeIsKilled(t *testing.T) {
	m := newFaultMesh(t)
	nats := []string{bustest.NewProcess(t).URL()}
	receivers, one, other := m.addEdge(nats), m.addEdge(nats), m.addEdge(nats)
	var senders []*steady
	for i := range 5 { // so many that some are always together on the edge that is killed
		senders = append(senders, m.client(fmt.Sprintf("sender-%d", i), 2*time.Millisecond, one, other))
	}
	m.client("receiver-0", 0, receivers)
	m.client("receiver-1", 0, receivers)
	m.start()
	for range rounds(t, 8) {
		m.killUnder(pick(m, senders...))
	}
	m.finish()
}

// killUnder ends the edge that a client is on, at a moment of its own, waits until all is well, and starts it again.
func (m *faultMesh) killUnder(c *steady) {
	m.t.Helper()
	m.moment()
	p := m.at(c)
	resumes := c.Resumes()
	m.say("kill %s under %s", p.name, c.name)
	p.kill()
	m.resumed(c, resumes)
	m.recovered()
	p.launch()
}

// An edge stands still for longer than its lease lasts, as a machine does that is suspended. Of its clients one waits, and one goes elsewhere;
// then the edge goes on, and believes for a moment that nothing has happened.
func TestFaultEdgeStandsStill(t *testing.T) {
	t.Parallel()
	m := newFaultMesh(t)
	nats := []string{bustest.NewProcess(t).URL()}
	frozen, other := m.addEdge(nats), m.addEdge(nats)
	m.clientWith(edgetest.SteadyOptions{Name: "waits", Every: 10 * time.Millisecond, Patience: time.Minute}, frozen)
	goes := m.client("goes", 10*time.Millisecond, frozen, other)
	m.client("elsewhere", 10*time.Millisecond, other)
	m.start()
	for range rounds(t, 2) {
		m.moveTo(goes, frozen)
		m.moment()
		resumes := goes.Resumes()
		m.say("%s stands still", frozen.name)
		frozen.freeze()
		m.last(7 * time.Second) // a lease lasts 5
		m.resumed(goes, resumes)
		frozen.thaw()
		m.say("%s goes on", frozen.name)
		m.recovered()
		m.rostersAgree()
	}
	m.finish()
}
