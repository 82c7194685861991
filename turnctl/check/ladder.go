package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// ladder is the steps for one address of one URL, and what is known so far.
type ladder struct {
	ctx    context.Context //nolint:containedctx // a ladder is one call, cut into steps
	o      Options
	url    turnclient.URL
	addr   netip.AddrPort
	user   string
	prefix string // "udp4."

	items   []verdict.Item
	stopped string // the step without which those that follow mean nothing

	client     *turnclient.Client
	before     []*turnclient.Client // connections in whose place client is
	presented  turnclient.Presented
	software   string
	other      netip.AddrPort // OTHER-ADDRESS
	mapped     netip.AddrPort // this client's, as the relay sees it
	relayed    netip.AddrPort
	accepted   bool // the credential was
	peer       peer
	peerWhy    string // why the peer is not a socket of this host
	channelled bool
}

// channel is the one that the ladder binds: the first of those that there are (RFC 8656, section 12).
const channel = 0x4000

// checkURL makes the ladder for the first address of each family.
func checkURL(ctx context.Context, o Options, u turnclient.URL, user string) []verdict.Item {
	l := &ladder{ctx: ctx, o: o, url: u, user: user}
	addresses := l.resolve()
	items := l.items
	for _, a := range addresses {
		family := "4"
		if a.Is6() {
			family = "6"
		}
		one := &ladder{ctx: ctx, o: o, url: u, user: user, addr: netip.AddrPortFrom(a, u.Port), prefix: string(u.Transport) + family + "."}
		one.climb(len(addresses) > 1)
		items = append(items, one.items...)
	}
	return items
}

// climb makes the steps in order. others says that the URL has an address of another family too.
func (l *ladder) climb(others bool) {
	defer func() {
		if l.peer != nil {
			l.peer.Close()
		}
		for _, c := range append(l.before, l.client) {
			if c != nil {
				c.Close()
			}
		}
	}()
	l.reach(others)
	l.step("binding", l.binding)
	l.step("challenge", l.challenge)
	l.step("allocate", l.allocate)
	allocated := l.stopped == ""
	l.step("refresh", l.refresh)
	l.step("permission", l.permission)
	l.step("relay-ports", l.relayPorts)
	l.step("echo.send", l.echoSend)
	l.step("channel", l.channelBind)
	l.step("echo.channel", l.echoChannel)
	l.step("path", l.path)
	l.step("throughput", l.throughput)
	if allocated {
		l.stopped = "" // whatever else failed, an allocation is to be given back, and can be asked about
	}
	l.step("deallocate", l.deallocate)
	l.tcpRelay()
	if l.accepted {
		l.stopped = ""
	}
	l.step("refuses.wrong-secret", l.refusesWrong)
	l.step("refuses.expired", l.refusesExpired)
	if l.software != "" || l.mapped.IsValid() {
		l.stopped = ""
	}
	if l.url.Transport == turnclient.UDP {
		l.step("rfc5780", l.discovery)
	}
	l.step("software", l.version)
}

// step runs one step and keeps what it found. A step that fails stops those after it. One that waits for nothing sets Took to noTime.
func (l *ladder) step(name string, f func(*verdict.Item)) {
	i := verdict.Item{Name: l.prefix + name, Group: l.url.String(), Status: verdict.OK}
	if l.stopped != "" {
		i.Status, i.Summary = verdict.Skipped, "not tried, since "+l.stopped+" did not succeed"
		l.items = append(l.items, i)
		return
	}
	l.o.Progress(i.Group, i.Name)
	start := time.Now()
	f(&i)
	switch {
	case i.Took < 0:
		i.Took = 0
	case i.Took == 0 && i.Status != verdict.Skipped:
		i.Took = time.Since(start)
	}
	if l.ctx.Err() != nil && i.Status != verdict.OK {
		i.Status, i.Severity, i.Fix = verdict.Unknown, "", ""
		i.Summary = "not finished: " + l.ctx.Err().Error()
	}
	if i.Status == verdict.Fail || i.Status == verdict.Unknown {
		l.stopped = i.Name
	}
	l.items = append(l.items, i)
}

// noTime is the time of a step that only thinks.
const noTime = -1

// fail marks an item; err may be nil.
func fail(i *verdict.Item, s verdict.Severity, err error, fix, format string, args ...any) {
	i.Status, i.Severity, i.Fix, i.Summary = verdict.Fail, s, fix, fmt.Sprintf(format, args...)
	if err != nil {
		i.Evidence = err.Error()
	}
}

func warn(i *verdict.Item, s verdict.Severity, fix, format string, args ...any) {
	i.Status, i.Severity, i.Fix, i.Summary = verdict.Warn, s, fix, fmt.Sprintf(format, args...)
}

func skip(i *verdict.Item, format string, args ...any) {
	i.Status, i.Summary = verdict.Skipped, fmt.Sprintf(format, args...)
}

func value(i *verdict.Item, name string, v float64) {
	i.Values = append(i.Values, verdict.Value{Name: name, Value: v})
}

// name is what certificates are to be for.
func (l *ladder) name() string {
	if l.o.ServerName != "" {
		return l.o.ServerName
	}
	return l.url.Host
}

// another opens one more connection by the same transport.
func (l *ladder) another() (*turnclient.Client, error) {
	conn, err := turnclient.Dial(l.ctx, l.url.Transport, l.addr, l.name(), l.o.Timeout)
	if err != nil {
		return nil, err
	}
	return turnclient.New(conn, l.url.Transport, l.o.Timeout), nil
}

func (l *ladder) mint(secret turnauth.Secret, user string, ttl time.Duration) (turnauth.Credential, error) {
	return turnauth.Mint(secret, user, ttl, l.o.Now())
}

// resolve finds the first address of each family, IPv4 first.
func (l *ladder) resolve() []netip.Addr {
	var found []netip.Addr
	l.step("resolve", func(i *verdict.Item) {
		if a, err := netip.ParseAddr(l.url.Host); err == nil {
			found = []netip.Addr{a.Unmap()}
			skip(i, "%s is an address", a)
			return
		}
		ctx, cancel := context.WithTimeout(l.ctx, l.o.Timeout)
		defer cancel()
		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", l.url.Host)
		if err != nil {
			explainResolve(i, l.url.Host, err)
			return
		}
		found = firsts(all)
		i.Summary = fmt.Sprintf("%s is %v", l.url.Host, all)
		if rest := len(all) - len(found); rest > 0 {
			i.Summary += fmt.Sprintf("; the first of each family is tried, %d not", rest)
		}
	})
	return found
}

// firsts gives the first IPv4 address and the first IPv6 one.
func firsts(all []netip.Addr) []netip.Addr {
	var four, six []netip.Addr
	for _, a := range all {
		if a = a.Unmap(); a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	return append(four[:min(1, len(four))], six[:min(1, len(six))]...)
}
