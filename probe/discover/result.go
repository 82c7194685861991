package discover

import (
	"callmesh/probe/nat"
)

// UDP says whether UDP reaches a server and comes back.
type UDP string

// What there is to say. Nothing may come back because the server is down, too: Result.Measured tells.
const (
	UDPOpen    UDP = "open"
	UDPBlocked UDP = "blocked"
	UDPUnknown UDP = "unknown" // something on the way said that the port is closed, so packets do pass
)

// Result is what was found.
type Result struct {
	// Server is the address that was asked, with its port.
	Server    string        `json:"server"`
	UDP       UDP           `json:"udp"`
	Mapping   nat.Mapping   `json:"mapping"`
	Filtering nat.Filtering `json:"filtering"`
	// NAT says whether the outer address is another than this host's own.
	NAT *bool `json:"nat"`
	// PortPreserved says whether the outer port is this host's own; null if that could not be told, as the rest.
	PortPreserved *bool `json:"portPreserved"`
	// PortDelta is how far apart the outer ports are of two mappings of one socket that follow each other. Null where there is only one mapping.
	PortDelta *int `json:"portDelta,omitempty"`
	// Hairpin says whether two hosts behind this NAT reach each other by their outer addresses. Null unless asked for: firewalls read the test as an attack.
	Hairpin *bool `json:"hairpin"`
	// LifetimeSeconds is how long a mapping that is not used lasts, at least. Null unless asked for.
	LifetimeSeconds *float64 `json:"lifetimeSeconds"`
	// IPv4 and IPv6 say whether there is a way out by each; null where the server has no address to try it with.
	IPv4 *bool `json:"ipv4"`
	IPv6 *bool `json:"ipv6"`
	// TCP says whether TCP connects to the server's port, TLS443 whether TLS does to its port 443, with any certificate: who answers may be a proxy. Null where the server does not listen there.
	TCP    *bool `json:"tcp"`
	TLS443 *bool `json:"tls443"`
	// PathMTU is the size in bytes of the largest IP packet that reached the server whole, of the sizes that are common. Null if that could not be told.
	PathMTU *int `json:"pathMtu"`
	// RoundTripMs is the time from the first request that was answered to its answer.
	RoundTripMs *float64 `json:"roundTripMs"`
	// Why says what could not be told, and what stood in the way.
	Why string `json:"why"`
	// Measured is false if nothing came back and that may as well be the server's doing.
	Measured bool `json:"measured"`
}

// Class is the result as predictions take it.
func (r *Result) Class() nat.Class {
	return nat.Class{Mapping: r.Mapping, Filtering: r.Filtering, UDPBlocked: r.UDP == UDPBlocked}
}
