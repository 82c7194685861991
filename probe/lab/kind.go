package lab

import (
	"slices"

	"callmesh/probe/lab/usernat"
	"callmesh/probe/nat"
)

// Kind is how a site is connected.
type Kind string

// The kinds of sites. Those that are named by their behaviours have one NAT.
const (
	Open         Kind = "open"          // a public address, and no firewall
	EIMEIF       Kind = "eim-eif"       // a full cone
	EIMADF       Kind = "eim-adf"       // a restricted cone
	EIMAPDF      Kind = "eim-apdf"      // a port-restricted cone: what most homes have
	EIMRandom    Kind = "eim-random"    // the same, with outer ports that are not the host's
	ADMEIF       Kind = "adm-eif"       // another port for each address
	ADMADF       Kind = "adm-adf"       //
	ADMAPDF      Kind = "adm-apdf"      //
	APDMEIF      Kind = "apdm-eif"      // another port for each address and port: symmetric
	APDMADF      Kind = "apdm-adf"      //
	APDMAPDF     Kind = "apdm-apdf"     // with random ports, as the kernel does it
	APDMKeep     Kind = "apdm-keep"     // the first mapping keeps the host's port, the next have those above
	APDMSequence Kind = "apdm-sequence" // each mapping's port is two above the one before
	CGN          Kind = "cgn"           // a home's NAT behind a carrier's, both EIM and APDF
	Lossy        Kind = "lossy"         // a port-restricted cone that loses a tenth of all packets, each way
	Hairpin      Kind = "hairpin"       // two hosts behind one full cone that reach each other by their outer addresses
	NoHairpin    Kind = "no-hairpin"    // two that do not
	UDPBlocked   Kind = "udp-blocked"   // TCP only
	TLSOnly      Kind = "tls-only"      // TLS on port 443, and nothing else
	IPv6Only     Kind = "ipv6-only"     // a public address of IPv6, and no IPv4
)

// LossPercent is how much a [Lossy] site loses.
const LossPercent = 10

// spec is what a kind is made of, and what it claims.
type spec struct {
	kind  Kind
	class nat.Class
	// keeps says whether a host's port is its outer port, delta how far apart two mappings of one socket are where that is constant.
	keeps bool
	delta int
	// Either the NAT of the kernel, as nftables rules, or one of ours; neither where there is none.
	kernel string
	user   *usernat.Behaviour
	// blocks are more rules.
	blocks string
	// carrier puts a carrier's NAT before the site's own, with the same rules.
	carrier bool
	// twoHosts puts a second host behind the same NAT, from which the first is cut off otherwise.
	twoHosts bool
	// The reach of a site, beside UDP over IPv4.
	noTCP, ipv6 bool
}

func user(m nat.Mapping, f nat.Filtering, p usernat.Ports) *usernat.Behaviour {
	return &usernat.Behaviour{Mapping: m, Filtering: f, Ports: p, Delta: 2}
}

func hairpin(on bool) *usernat.Behaviour {
	return &usernat.Behaviour{Mapping: nat.EIM, Filtering: nat.EIF, Ports: usernat.Keep, Hairpin: on}
}

var (
	eimeif  = nat.Class{Mapping: nat.EIM, Filtering: nat.EIF}
	eimapdf = nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}
	blocked = nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown, UDPBlocked: true}
)

// specs are all kinds. What the kernel can do exactly, it does: it is what most boxes run.
var specs = []spec{
	{kind: Open, class: eimeif, keeps: true},
	{kind: EIMEIF, class: eimeif, keeps: true, kernel: cone("", "")},
	{kind: EIMADF, class: nat.Class{Mapping: nat.EIM, Filtering: nat.ADF}, keeps: true, kernel: cone("ip saddr . udp dport @sent ", `oifname "wan" meta l4proto udp update @sent { ip daddr . udp sport };`)},
	{kind: EIMAPDF, class: eimapdf, keeps: true, kernel: masquerade("")},
	{kind: EIMRandom, class: eimapdf, user: user(nat.EIM, nat.APDF, usernat.Random)},
	{kind: ADMEIF, class: nat.Class{Mapping: nat.ADM, Filtering: nat.EIF}, user: user(nat.ADM, nat.EIF, usernat.Random)},
	{kind: ADMADF, class: nat.Class{Mapping: nat.ADM, Filtering: nat.ADF}, user: user(nat.ADM, nat.ADF, usernat.Random)},
	{kind: ADMAPDF, class: nat.Class{Mapping: nat.ADM, Filtering: nat.APDF}, user: user(nat.ADM, nat.APDF, usernat.Random)},
	{kind: APDMEIF, class: nat.Class{Mapping: nat.APDM, Filtering: nat.EIF}, user: user(nat.APDM, nat.EIF, usernat.Random)},
	{kind: APDMADF, class: nat.Class{Mapping: nat.APDM, Filtering: nat.ADF}, user: user(nat.APDM, nat.ADF, usernat.Random)},
	{kind: APDMAPDF, class: nat.Class{Mapping: nat.APDM, Filtering: nat.APDF}, kernel: masquerade("fully-random")},
	{kind: APDMKeep, class: nat.Class{Mapping: nat.APDM, Filtering: nat.APDF}, keeps: true, delta: 1, user: user(nat.APDM, nat.APDF, usernat.Keep)},
	{kind: APDMSequence, class: nat.Class{Mapping: nat.APDM, Filtering: nat.APDF}, delta: 2, user: user(nat.APDM, nat.APDF, usernat.Sequence)},
	{kind: CGN, class: eimapdf, keeps: true, kernel: masquerade(""), carrier: true},
	{kind: Lossy, class: eimapdf, keeps: true, kernel: masquerade(""), blocks: loses},
	{kind: Hairpin, class: eimeif, keeps: true, user: hairpin(true), twoHosts: true},
	{kind: NoHairpin, class: eimeif, keeps: true, user: hairpin(false), twoHosts: true},
	{kind: UDPBlocked, class: blocked, kernel: masquerade(""), blocks: noUDP},
	{kind: TLSOnly, class: blocked, kernel: masquerade(""), blocks: onlyTLS, noTCP: true},
	{kind: IPv6Only, class: eimeif, keeps: true, ipv6: true},
}

func (k Kind) spec() spec {
	i := slices.IndexFunc(specs, func(s spec) bool { return s.kind == k })
	if i < 0 {
		return spec{kind: k}
	}
	return specs[i]
}

// Kinds are all of them.
func Kinds() []Kind {
	var all []Kind
	for _, s := range specs {
		all = append(all, s.kind)
	}
	return all
}

// Known says whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Class is what a kind claims to be, over IPv6 if it has no IPv4.
func (k Kind) Class() nat.Class { return k.spec().class }

// KeepsPorts says whether a host's port is its outer port, too.
func (k Kind) KeepsPorts() bool { return k.spec().keeps }

// Delta is how far apart the outer ports of two mappings of one socket are, where that is always the same; else 0.
func (k Kind) Delta() int { return k.spec().delta }

// Hairpins says whether hosts at such a site reach each other by their outer addresses.
func (k Kind) Hairpins() bool {
	s := k.spec()
	return s.user != nil && s.user.Hairpin || s.kernel == "" && s.user == nil
}

// TCP says whether TCP to any port gets out; TLS to port 443 does everywhere.
func (k Kind) TCP() bool { return !k.spec().noTCP }

// IPv6 says whether a site has IPv6, and nothing else.
func (k Kind) IPv6() bool { return k.spec().ipv6 }

// TwoHosts says whether there are two behind the same NAT.
func (k Kind) TwoHosts() bool { return k.spec().twoHosts }
