package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/turnauth"
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

// StaticRelays are relays named in the configuration, with one shared secret, which stand in the edge's region: the [ICEProvider] of an edge that watches no registry.
type StaticRelays struct {
	// URLs as in RFC 7065: turn:host:port?transport=udp, turns:host:port?transport=tcp; stun: URLs go without credentials.
	URLs []string
	// Secret mints time-limited credentials.
	Secret turnauth.Secret
	// TTL of a credential. A relay checks it when an allocation is made, not later.
	TTL time.Duration
}

// ICEServers implements [ICEProvider].
func (r StaticRelays) ICEServers(region wire.Region, u wire.UserID) ([]wire.ICEServer, time.Duration) {
	var turn, stun []string
	for _, url := range r.URLs {
		if len(url) > 4 && url[:4] == "stun" {
			stun = append(stun, url)
		} else {
			turn = append(turn, url)
		}
	}
	servers := []wire.ICEServer{}
	if len(stun) > 0 {
		servers = append(servers, wire.ICEServer{URLs: stun})
	}
	if len(turn) > 0 {
		// The relay sees who is the same, for its quota, and not who it is.
		name := sha256.Sum256([]byte(u))
		c, err := turnauth.Mint(r.Secret, hex.EncodeToString(name[:10]), r.TTL, time.Now())
		if err == nil {
			servers = append(servers, wire.ICEServer{URLs: turn, Username: c.Username, Credential: c.Password, Region: region})
		}
	}
	return servers, r.TTL
}
