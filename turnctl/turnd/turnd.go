// Package turnd is a TURN relay (RFC 8656) inside the process, for the deployment of one machine:
// UDP and TCP on one port, relayed addresses over UDP, credentials of the TURN REST form. Fleets run
// coturn instead.
//
// A relay is a machine that sends packets wherever strangers ask, so most of this package is about
// where it will not:
//
//   - Never to an address that is loopback, link-local, private, shared (CGNAT), multicast, reserved,
//     an IPv4 address in IPv6 clothes, or another address of this machine, unless Options.AllowPeers
//     says so. See policy.go.
//   - To its own address, so that two clients who both can only use the relay meet on it, but there
//     only to ports that are relayed addresses at that moment. Every packet is checked for that,
//     since TURN permissions know no ports (RFC 8656, section 9). See relayconn.go.
//   - Not for anyone whose credential is wrong, or expired when they ask for an allocation; an
//     allocation that exists may outlive its credential, so that an expiry never ends a call.
//   - Not without end: allocations are limited by user, by client address, in all, and in age, and so are permissions
//     and TCP connections.
//
// TCP allocations (RFC 6062) are refused.
package turnd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/turnctl/turnauth"
)

// Options says how a Relay runs. The zero value of each field is what its comment names.
type Options struct {
	// Listen is the address and port for clients, UDP and TCP alike, such as "127.0.0.1:3478".
	// Port 0 takes a free one.
	Listen string
	// RelayIP is the address that others reach relayed ports on; the listening address if zero.
	// It need not be an address of this machine: behind one-to-one NAT it is the outer one.
	RelayIP netip.Addr
	// MinPort and MaxPort bound the relayed ports, both included; 49152 to 65535 if both are 0.
	MinPort, MaxPort uint16
	// Realm is the STUN realm; "callmesh" if empty.
	Realm string
	// Secrets gives the shared secrets, asked anew for each request so that they can be rotated
	// while the relay runs. Required.
	Secrets func() []turnauth.Secret
	// AllowPeers are ranges that the relay sends to though it otherwise would not. A range does
	// not open the other ports of RelayIP unless it is that address alone (/32 or /128).
	AllowPeers []netip.Prefix

	// MaxPerUser bounds the allocations of one user; 64 if 0. A browser makes one for each
	// relay URL, local address and peer.
	MaxPerUser int
	// MaxPerClient bounds the allocations of one client address, an IPv6 one with its /64; 256 if
	// 0. It is an eighth of MaxTotal, and room for some sixty people behind one NAT. This
	// machine's own addresses have no exception: a reverse proxy for TURN would be one client.
	MaxPerClient int
	// MaxTotal bounds all allocations; 2048 if 0.
	MaxTotal int
	// MaxLifetime is the greatest age of an allocation, however often it is refreshed; 24 h if 0.
	MaxLifetime time.Duration

	// Logger gets what the operator should know, never a secret; nil for none.
	Logger *slog.Logger
	// Registerer gets the metrics; nil for none.
	Registerer prometheus.Registerer
}

// Relay is a running relay.
type Relay struct {
	addr   netip.AddrPort
	relay  netip.Addr
	ports  *ports
	tcp    *listener
	server *turn.Server

	close sync.Once
	err   error
}

// Start runs a relay until Close. Errors say which option does not do, or that an address cannot be
// listened on.
func Start(o Options) (*Relay, error) {
	listen, err := o.complete()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	udp, tcp, err := listenBoth(listen)
	if err != nil {
		return nil, err
	}
	r := &Relay{relay: o.RelayIP}
	r.addr = udp.LocalAddr().(*net.UDPAddr).AddrPort()
	r.addr = netip.AddrPortFrom(r.addr.Addr().Unmap(), r.addr.Port())

	policy := newPolicy(o.RelayIP, o.AllowPeers)
	if r.ports, err = newPorts(o, policy, m); err != nil {
		return nil, errors.Join(err, udp.Close(), tcp.Close())
	}
	clients := newPacketConn(udp)
	r.tcp = newListener(tcp, 2*o.MaxTotal+128, 2*o.MaxPerClient+16, m)
	gate := &gate{realm: o.Realm, secrets: o.Secrets, udp: &clients.last, tcp: r.tcp, metrics: m}
	permits := newPermits(policy, m)

	r.server, err = turn.NewServer(turn.ServerConfig{
		Realm:         o.Realm,
		LoggerFactory: loggerFactory{o.Logger},
		AuthHandler:   gate.authenticate,
		QuotaHandler:  r.ports.mayAllocate,
		EventHandler: turn.EventHandler{
			OnAuth: gate.judged,
			OnAllocationCreated: func(src, _ net.Addr, _, _, _ string, relayed net.Addr, _ int) {
				r.tcp.allocated(src, true)
				r.ports.allocated(src, relayed)
			},
			OnAllocationDeleted: func(src, _ net.Addr, _, _, _ string) {
				r.tcp.allocated(src, false)
				r.ports.clients.drop(src)
				permits.forget(src)
			},
			// OnPermissionCreated stays unset: it would run between a permission's becoming
			// visible and its timer's being set, and widen a race with the allocation's end.
		},
		// Without it, a client on a dual-stack socket would be given the family of its own
		// address, which the relay may not have.
		StrictAddressFamily: o.RelayIP.Is4(),
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: clients, RelayAddressGenerator: r.ports, PermissionHandler: permits.allow,
		}},
		ListenerConfigs: []turn.ListenerConfig{{
			Listener: r.tcp, RelayAddressGenerator: r.ports, PermissionHandler: permits.allow,
		}},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("turnd: %w", err), udp.Close(), tcp.Close())
	}
	r.ports.track(clients.ended)
	o.Logger.Info("relay listens", "addr", r.addr, "relay_ip", o.RelayIP, "min_port", o.MinPort, "max_port", o.MaxPort)
	return r, nil
}

// complete fills in the defaults and refuses what cannot work.
func (o *Options) complete() (netip.AddrPort, error) {
	listen, err := netip.ParseAddrPort(o.Listen)
	if err != nil {
		return listen, fmt.Errorf("turnd: listen %q is not an IP address and a port; write it like 127.0.0.1:3478", o.Listen)
	}
	if !o.RelayIP.IsValid() {
		o.RelayIP = listen.Addr()
	}
	o.RelayIP = o.RelayIP.Unmap()
	if o.RelayIP.IsUnspecified() || o.RelayIP.IsMulticast() || o.RelayIP.Zone() != "" {
		return listen, fmt.Errorf("turnd: relay IP %s cannot be reached by anyone; give the address under which others see this machine", o.RelayIP)
	}
	if o.MinPort == 0 && o.MaxPort == 0 {
		o.MinPort, o.MaxPort = 49152, 65535
	}
	if o.MinPort == 0 || o.MinPort > o.MaxPort {
		return listen, fmt.Errorf("turnd: relayed ports %d to %d are no range; give the smaller first, 1 or more", o.MinPort, o.MaxPort)
	}
	if o.Secrets == nil {
		return listen, errors.New("turnd: no secrets; a relay without credentials would serve anyone")
	}
	if o.Realm == "" {
		o.Realm = "callmesh"
	}
	if o.MaxPerUser == 0 {
		o.MaxPerUser = 64
	}
	if o.MaxPerClient == 0 {
		o.MaxPerClient = 256
	}
	if o.MaxTotal == 0 {
		o.MaxTotal = 2048
	}
	if o.MaxLifetime == 0 {
		o.MaxLifetime = 24 * time.Hour
	}
	if o.MaxPerUser < 0 || o.MaxPerClient < 0 || o.MaxTotal < 0 || o.MaxLifetime < 0 {
		return listen, errors.New("turnd: a limit is negative; give 0 for the default or a positive one")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.AllowPeers = slices.Clone(o.AllowPeers)
	return listen, nil
}

// listenBoth opens UDP and TCP on the same port, also when any port will do.
func listenBoth(at netip.AddrPort) (*net.UDPConn, net.Listener, error) {
	suffix := ""
	if at.Addr().Is4() {
		suffix = "4" // "udp" on 0.0.0.0 would be a dual-stack socket
	}
	for try := 0; ; try++ {
		udp, err := net.ListenUDP("udp"+suffix, net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, nil, fmt.Errorf("turnd: %w", err)
		}
		port := udp.LocalAddr().(*net.UDPAddr).Port
		tcp, err := net.Listen("tcp"+suffix, netip.AddrPortFrom(at.Addr(), uint16(port)).String())
		if err == nil {
			return udp, tcp, nil
		}
		_ = udp.Close()
		if at.Port() != 0 || try == 20 {
			return nil, nil, fmt.Errorf("turnd: %w", err)
		}
	}
}

// Addr is where the relay listens, with the port that was taken.
func (r *Relay) Addr() netip.AddrPort { return r.addr }

// URLs are the relay's URLs for iceServers (RFC 7065), UDP first. The host is the listening address,
// or the relay IP if that is a wildcard.
func (r *Relay) URLs() []string {
	host := r.addr.Addr()
	if host.IsUnspecified() {
		host = r.relay
	}
	at := netip.AddrPortFrom(host, r.addr.Port())
	return []string{"turn:" + at.String() + "?transport=udp", "turn:" + at.String() + "?transport=tcp"}
}

// Allocations is the number of live allocations.
func (r *Relay) Allocations() int { return r.ports.count() }

// Close ends every allocation and waits until nothing of the relay runs any more.
func (r *Relay) Close() error {
	r.close.Do(func() {
		r.err = r.server.Close()
		r.tcp.closeConns()
		r.ports.close()
	})
	return r.err
}
