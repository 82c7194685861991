package turnclient

import "callmesh/bus/wire"

// URL is where a relay is, and how a client's packets reach it.
type URL = wire.RelayURL

// Transport is how a client's packets reach the relay.
type Transport = wire.RelayTransport

// The transports.
const (
	UDP  = wire.RelayUDP
	TCP  = wire.RelayTCP
	TLS  = wire.RelayTLS
	DTLS = wire.RelayDTLS
)
