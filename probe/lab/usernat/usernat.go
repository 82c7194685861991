// Package usernat is a NAT for UDP over IPv4 that behaves exactly as it is told, where the kernel's offers few behaviours: any mapping with any filtering (RFC 4787, sections 4.1 and 5), ports
// that are kept, random or in sequence, a lifetime, and hairpinning or none.
//
// [Table] decides, [Translate] rewrites packets, and both are pure; [Start] lets them work on a TUN device inside a network namespace.
package usernat

import (
	"net/netip"
	"time"

	"callmesh/probe/nat"
)

// Ports is how outer ports are chosen.
type Ports string

// The ways to choose.
const (
	Keep     Ports = "keep"     // the inner port if it is free, else the next one above
	Random   Ports = "random"   // any
	Sequence Ports = "sequence" // each Delta above the one before
)

// Behaviour is what the NAT does. Its zero values are not meant: say all but Delta and Lifetime.
type Behaviour struct {
	Mapping   nat.Mapping
	Filtering nat.Filtering
	Ports     Ports
	// Delta is how far apart ports in sequence are. Default: 1.
	Delta int
	// Lifetime is how long a mapping lasts after the last packet from inside (RFC 4787, REQ-6). Default: 5 minutes.
	Lifetime time.Duration
	// Hairpin lets two hosts inside reach each other by their outer addresses, and shows each the other's outer address (REQ-9).
	Hairpin bool
}

// Options say where the NAT stands.
type Options struct {
	Behaviour
	// Outer is its public address.
	Outer netip.Addr
	// Inside are the addresses of its hosts.
	Inside netip.Prefix
}

const defaultLifetime = 5 * time.Minute

func (b *Behaviour) defaults() {
	if b.Delta == 0 {
		b.Delta = 1
	}
	if b.Lifetime <= 0 {
		b.Lifetime = defaultLifetime
	}
}
