package lab

import (
	"fmt"
	"net/netip"

	"callmesh/probe/nat"
)

// Kind is how a site is connected.
type Kind string

// The kinds of sites. Those that are named by their behaviours have one NAT.
const (
	Open       Kind = "open"        // a public address, and no firewall
	EIMEIF     Kind = "eim-eif"     // a full cone
	EIMADF     Kind = "eim-adf"     // a restricted cone
	EIMAPDF    Kind = "eim-apdf"    // a port-restricted cone: what most homes have
	APDMAPDF   Kind = "apdm-apdf"   // symmetric, with random ports
	CGN        Kind = "cgn"         // a home's NAT behind a carrier's, both EIM and APDF
	Hairpin    Kind = "hairpin"     // a full cone, through which its hosts reach each other by their outer addresses
	UDPBlocked Kind = "udp-blocked" // TCP only
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Open, EIMEIF, EIMADF, EIMAPDF, APDMAPDF, CGN, Hairpin, UDPBlocked} }

// Class is what a kind claims to be.
func (k Kind) Class() nat.Class {
	switch k {
	case EIMADF:
		return nat.Class{Mapping: nat.EIM, Filtering: nat.ADF}
	case EIMAPDF, CGN:
		return nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}
	case APDMAPDF:
		return nat.Class{Mapping: nat.APDM, Filtering: nat.APDF}
	case UDPBlocked:
		return nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown, UDPBlocked: true}
	case Open, EIMEIF, Hairpin:
	}
	return nat.Class{Mapping: nat.EIM, Filtering: nat.EIF}
}

// carrier says whether a carrier's NAT stands before the site's own.
func (k Kind) carrier() bool { return k == CGN }

// rules are the nftables rules of a site, by namespace.
func (s Site) rules(outer netip.Addr) map[string]string {
	box := s.Name + "-nat"
	switch s.Kind {
	case EIMEIF:
		return map[string]string{box: cone("", "", netip.Addr{})}
	case Hairpin:
		return map[string]string{box: cone("", "", outer)}
	case EIMADF:
		return map[string]string{box: cone("ip saddr . udp dport @sent ", `oifname "wan" meta l4proto udp update @sent { ip daddr . udp sport };`, netip.Addr{})}
	case EIMAPDF:
		return map[string]string{box: masquerade("")}
	case APDMAPDF:
		return map[string]string{box: masquerade("fully-random")}
	case CGN:
		return map[string]string{box: masquerade(""), s.Name + "-cgn": masquerade("")}
	case UDPBlocked:
		return map[string]string{box: masquerade("") + "table ip blocked { chain forward { type filter hook forward priority 0; meta l4proto udp drop; }; }\n"}
	case Open:
	}
	return nil
}

// masquerade is the kernel's own NAT: it keeps the port unless told to take random ones, which it then does for each destination. It filters by address and port.
//
// The rule for input matters: a peer's packet that comes before the host's own would make an entry of its own in the connection table, and the host's would then leave from another port.
func masquerade(how string) string {
	return fmt.Sprintf(`table ip nat {
	chain postrouting { type nat hook postrouting priority srcnat; oifname "wan" masquerade %s; }
}
table ip filter {
	chain input { type filter hook input priority filter; iifname "wan" ct state new,invalid drop; }
}
`, how)
}

// cone remembers who is behind each outer port, and lets in whoever passes condition; learn is what else to remember of what is sent. With an outer address, hosts inside reach each other by it.
func cone(condition, learn string, hairpin netip.Addr) string {
	var in, out string
	if hairpin.IsValid() {
		in = fmt.Sprintf(`iifname "lan" ip daddr %s meta l4proto udp dnat ip to udp dport map @inside;`, hairpin)
		out = fmt.Sprintf(`oifname "lan" ct status dnat snat to %s;`, hairpin)
	}
	return fmt.Sprintf(`table ip nat {
	map inside { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }
	set sent { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }
	chain prerouting {
		type nat hook prerouting priority dstnat;
		iifname "wan" meta l4proto udp %sdnat ip to udp dport map @inside;
		%s
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		oifname "wan" masquerade;
		%s
	}
	chain learn {
		type filter hook postrouting priority 300;
		oifname "wan" meta l4proto udp ct direction original update @inside { udp sport : ct original ip saddr . ct original proto-src };
		oifname "wan" meta l4proto udp ct direction reply update @inside { udp sport : ct reply ip saddr . ct reply proto-src };
		%s
	}
}
table ip filter {
	chain input { type filter hook input priority filter; iifname "wan" ct state new,invalid drop; }
}
`, condition, in, out, learn)
}
