package edge

import "callmesh/bus/wire"

// report counts and keeps what an attempt to connect came to, but no address and no name.
func (e *Edge) report(s *session, a wire.ReportArgs) (wire.Empty, error) {
	if s.room(a.Room) == nil {
		return wire.Empty{}, notInRoom()
	}
	if !a.Peer.Valid() {
		return wire.Empty{}, wire.Errorf(wire.CodeNoSuchPeer, "no peer has such an id")
	}
	o := a.Outcome
	e.metrics.outcomes.WithLabelValues(string(o.Result), string(o.Path), string(o.Protocol)).Inc()
	e.log.Debug("a peer reports an attempt to connect", "session", s.peer, "room", a.Room, "peer", a.Peer, "result", o.Result, "path", o.Path, "protocol", o.Protocol, "ms", o.Ms, "rtt_ms", o.RTTMs, "step", o.Step)
	e.keepReport(s, a)
	return wire.Empty{}, nil
}
