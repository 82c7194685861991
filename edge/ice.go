package edge

import (
	"time"

	"callmesh/bus/wire"
)

// tellRelays gives tell the relays that there are now for the session. Until it has been told, nobody else tells it: so what is noted last is what it heard last.
// The list is never nil, as a client may hand it to RTCPeerConnection as it is.
func (e *Edge) tellRelays(s *session, tell func(servers []wire.ICEServer, ttlSeconds int64)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	e.tellRelaysLocked(s, tell)
}

func (e *Edge) tellRelaysLocked(s *session, tell func(servers []wire.ICEServer, ttlSeconds int64)) {
	servers, ttl := []wire.ICEServer(nil), time.Duration(0)
	if e.opts.ICE != nil {
		servers, ttl = e.opts.ICE.ICEServers(e.region, s.user.ID)
	}
	if servers == nil {
		servers = []wire.ICEServer{}
	}
	s.noteGiven(servers)
	tell(servers, int64(ttl/time.Second))
}
