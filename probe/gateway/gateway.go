// Package gateway asks the router before this host whether it opens ports for programs that ask it to: by UPnP (IGD), NAT-PMP (RFC 6886) and PCP (RFC 6887).
//
// Nothing is sent to anybody but the default gateway, and to UPnP's multicast group on the link to it. What others on the link answer is not followed, and what the gateway answers is bounded and checked.
package gateway

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Options say what for.
type Options struct {
	// Map has each protocol that answers make a mapping of two minutes, looks at it, and deletes it. It changes the gateway for a moment.
	Map bool
}

// Result is what the gateway said.
type Result struct {
	// Address is the default gateway's. Zero if there is none that can be asked, and then Why says why.
	Address netip.Addr `json:"address,omitzero"`
	UPnP    Protocol   `json:"upnp"`
	NATPMP  Protocol   `json:"natPmp"`
	PCP     Protocol   `json:"pcp"`
	Why     string     `json:"why,omitempty"`
}

// Protocol is what came of one of them.
type Protocol struct {
	// Answers says whether the gateway does; null if that could not be told.
	Answers *bool `json:"answers"`
	// External is the address that it says is its outer one. PCP tells it with a mapping only.
	External netip.Addr `json:"external,omitzero"`
	// Maps says whether a mapping of a UDP port could be made, was there, and could be deleted. Null unless asked for, and answered.
	Maps *bool `json:"maps"`
	// Why says what could not be told, and what stood in the way.
	Why string `json:"why,omitempty"`
}

const (
	// patience is how long each question waits for its answer, all its repeats together.
	patience = 2 * time.Second
	// lifetime is how long a mapping stands that could not be deleted: the least that RFC 6887, section 15, would have a gateway give.
	lifetime = 2 * time.Minute
	// overall bounds all questions of one protocol.
	overall = 20 * time.Second
)

// mappingPort is where gateways answer NAT-PMP and PCP.
const mappingPort = 5351

// asker asks one gateway.
type asker struct {
	gateway, local netip.Addr
	group          netip.AddrPort // whom SSDP asks
	doMap          bool
}

// Look asks the default gateway by all three, at once. It takes up to 20 s, and 3 s where nobody answers.
func Look(ctx context.Context, o Options) Result {
	gateway, local, err := find()
	if err != nil {
		return Result{Why: err.Error()}
	}
	return asker{gateway: gateway, local: local, group: ssdpGroup, doMap: o.Map}.look(ctx)
}

func (a asker) look(ctx context.Context) Result {
	ctx, stop := context.WithTimeout(ctx, overall)
	defer stop()
	r := Result{Address: a.gateway}
	var wg sync.WaitGroup
	wg.Go(func() { r.UPnP = a.upnp(ctx) })
	wg.Go(func() { r.NATPMP = a.natPMP(ctx) })
	wg.Go(func() { r.PCP = a.pcp(ctx) })
	wg.Wait()
	return r
}

// answers, silent and untold are the three things that a question can come to.
func (p *Protocol) answers() { p.Answers = ptr(true) }

func (p *Protocol) silent(why string, args ...any) {
	p.Answers = ptr(false)
	p.because(why, args...)
}

func (p *Protocol) because(why string, args ...any) {
	if p.Why != "" {
		p.Why += "; "
	}
	p.Why += fmt.Sprintf(why, args...)
}

// maps enters what came of a mapping. What made one and could not delete it says so.
func (p *Protocol) maps(err error) {
	p.Maps = ptr(err == nil)
	if err != nil {
		p.because("mapping: %s", said(err))
	}
}

// tells enters the gateway's outer address.
func (p *Protocol) tells(a netip.Addr) {
	a = a.Unmap()
	if !a.IsValid() || a.IsUnspecified() {
		p.because("it knows no external address")
		return
	}
	p.External = a
	if !public(a) {
		p.because("its external address is not public: another NAT stands before it, and a mapping here opens nothing to the Internet")
	}
}

// carriers is the network between a carrier's NAT and its customers' (RFC 6598).
var carriers = netip.MustParsePrefix("100.64.0.0/10")

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carriers.Contains(a)
}

// said is what a stranger caused, fit for a terminal and of bounded length.
func said(err error) string { return fmt.Sprintf("%.300q", err.Error()) }

func ptr[T any](v T) *T { return &v }
