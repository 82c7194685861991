package lab

import "fmt"

// The nftables rules of sites. The box between has the devices lan and, where there are two hosts, lan2; and wan.

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

// cone remembers who is behind each outer port, and lets in whoever passes condition; learn is what else to remember of what is sent.
func cone(condition, learn string) string {
	return fmt.Sprintf(`table ip nat {
	map inside { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }
	set sent { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }
	chain prerouting {
		type nat hook prerouting priority dstnat;
		iifname "wan" meta l4proto udp %sdnat ip to udp dport map @inside;
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		oifname "wan" masquerade;
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
`, condition, learn)
}

// besideUser is what the kernel still does where UDP is translated by usernat: TCP, as any NAT does it. Connection tracking would give UDP ports of its own; and two hosts are cut off from each other.
const besideUser = `table ip nat {
	chain postrouting { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
table ip user {
	chain untracked { type filter hook prerouting priority raw; meta l4proto udp notrack; }
	chain apart {
		type filter hook forward priority filter;
		iifname "lan" oifname "lan2" drop;
		iifname "lan2" oifname "lan" drop;
	}
}
`

const noUDP = `table ip blocked {
	chain forward { type filter hook forward priority filter; meta l4proto udp drop; }
}
`

// onlyTLS lets a connection to port 443 go on only if it begins as TLS does (RFC 8446, section 5.1: a handshake record). Segments too short to hold a STUN header pass: those that have no data.
const onlyTLS = `table ip blocked {
	chain forward {
		type filter hook forward priority filter;
		iifname "wan" ct state established accept;
		meta l4proto != tcp drop;
		tcp dport != 443 drop;
		ct mark 1 accept;
		@ih,0,16 0x1603 ct mark set 1 accept;
		meta length >= 72 drop;
	}
}
`

var loses = fmt.Sprintf(`table ip loss {
	chain forward { type filter hook forward priority filter; numgen random mod 100 < %d drop; }
}
`, LossPercent)
