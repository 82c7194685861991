package edge

import (
	"time"

	"callmesh/bus/wire"
)

// iceServers never returns nil, as a client may hand the list to RTCPeerConnection as it is.
func (e *Edge) iceServers(u wire.UserID) ([]wire.ICEServer, int64) {
	if e.opts.ICE == nil {
		return []wire.ICEServer{}, 0
	}
	servers, ttl := e.opts.ICE.ICEServers(e.region, u)
	if servers == nil {
		servers = []wire.ICEServer{}
	}
	return servers, int64(ttl / time.Second)
}
