package main

import (
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/edge/edgetest"
)

// cutTime is for how long a line says nothing.
const cutTime = 10 * time.Second

// The line between clients and their edge falls silent, and nobody is told. One client has no other edge and waits; one goes elsewhere.
func TestFaultClientLineIsSilent(t *testing.T) {
	t.Parallel()
	m := newFaultMesh(t)
	nats := []string{bustest.NewProcess(t).URL()}
	cut, other := m.addEdge(nats), m.addEdge(nats)
	m.clientWith(edgetest.SteadyOptions{Name: "waits", Every: 10 * time.Millisecond, Patience: time.Minute}, cut)
	goes := m.client("goes", 10*time.Millisecond, cut, other)
	m.client("elsewhere", 10*time.Millisecond, other)
	m.start()
	m.moveTo(goes, cut)
	m.moment()
	m.say("silence")
	resumes := goes.Resumes()
	cut.proxy.Blackhole()
	m.last(cutTime)
	m.resumed(goes, resumes)
	cut.proxy.Heal()
	m.say("the line is back")
	m.recovered()
	m.finish()
}

// The line between an edge and NATS falls silent. The edge notices by itself, says that it is not ready, and comes back.
func TestFaultNATSLineIsSilent(t *testing.T) {
	t.Parallel()
	m := newFaultMesh(t)
	nats := bustest.NewProcess(t)
	line := bustest.NewProxy(t, nats.Proxy().Addr())
	cut, other := m.addEdge([]string{"nats://" + line.Addr()}), m.addEdge([]string{nats.URL()})
	m.client("stays", 10*time.Millisecond, cut)
	goes := m.client("goes", 10*time.Millisecond, cut, other)
	m.client("elsewhere", 10*time.Millisecond, other)
	m.start()
	m.moveTo(goes, cut)
	m.moment()
	m.say("silence")
	line.Blackhole()
	m.last(cutTime)
	m.eventually(func() string {
		if _, err := cut.get("/readyz"); err == nil {
			return cut.name + " says that it is ready, and hears no NATS"
		}
		return ""
	})
	line.Heal()
	m.say("the line is back")
	m.recovered()
	m.finish()
}
