package edge

import (
	"time"

	"callmesh/bus/wire"
)

// iceServers is what the session is told of relays. It never returns nil, as a client may hand the list to RTCPeerConnection as it is.
func (e *Edge) iceServers(s *session) ([]wire.ICEServer, int64) {
	if e.opts.ICE == nil {
		return []wire.ICEServer{}, 0
	}
	servers, ttl := e.opts.ICE.ICEServers(e.region, s.user.ID)
	if servers == nil {
		servers = []wire.ICEServer{}
	}
	s.noteGiven(servers)
	return servers, int64(ttl / time.Second)
}
