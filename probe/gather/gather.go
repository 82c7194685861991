// Package gather asks STUN servers and relays, side by side, for the candidates that a host would have of each (RFC 8445, section 5.1.1), and how long each takes.
package gather

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pion/turn/v5"

	"callmesh/bus/wire"
)

// Server is one server, by one way.
type Server struct {
	// URL is as in RFC 7064 (stun:) and RFC 7065 (turn:, turns:).
	URL string
	// Username and Password are of a relay. Without them none is asked for an address of its own.
	Username, Password string
}

// Candidate is an address that others may reach this host by.
type Candidate struct {
	Address string  `json:"address"`
	Ms      float64 `json:"ms"` // from the first packet to the answer; over TCP and TLS without the connecting
}

// Result is what one server gave over one family.
type Result struct {
	URL string `json:"url"`
	// Family is that of the server's address, which is Server. Both are empty if its name has none.
	Family Family `json:"family,omitempty"`
	Server string `json:"server,omitempty"`
	// NoRoute: this host has no way out over this family, so nothing was asked, and nothing is said of the server.
	NoRoute bool `json:"noRoute,omitempty"`
	// Host is this host's own address towards the server; it takes no asking.
	Host string `json:"host,omitempty"`
	// ConnectMs is to an open TCP connection, or a TLS session. Null over UDP.
	ConnectMs *float64 `json:"connectMs"`
	// Srflx is the address that the server sees. Null over TCP and TLS, where it is no address for UDP.
	Srflx *Candidate `json:"srflx"`
	// Relay is an address at the relay, of IPv4 by whichever family the relay was asked (RFC 8656, section 7.1, where none is named). Null of a STUN server.
	Relay *Candidate `json:"relay"`
	// Why says what did not come of it, in words.
	Why string `json:"why,omitempty"`
	// OK: all came that a server of this kind gives by this way.
	OK bool `json:"ok"`
}

// Something says whether the server gave anything.
func (r *Result) Something() bool { return r.ConnectMs != nil || r.Srflx != nil || r.Relay != nil }

// parallel is how many addresses are asked at once: more would be in each other's times.
const parallel = 4

// maxWhy is how much of an error is told, in bytes: servers have a say in it.
const maxWhy = 300

// Look asks all of them, each at its first address of each family and each for so long at most, and gives their results in the order of the servers, IPv4 before IPv6.
func Look(ctx context.Context, servers []Server, wait time.Duration) []Result {
	return look(ctx, servers, wait, net.DefaultResolver.LookupNetIP)
}

func look(ctx context.Context, servers []Server, wait time.Duration, lookup lookup) []Result {
	named := make([][]target, len(servers))
	atOnce(len(servers), func(i int) { named[i] = targets(ctx, servers[i], wait, lookup) })
	all := slices.Concat(named...)
	results := make([]Result, len(all))
	atOnce(len(all), func(i int) { results[i] = all[i].ask(ctx, wait) })
	return results
}

// atOnce does n things, a few at once.
func atOnce(n int, do func(i int)) {
	room := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			do(i)
		})
	}
	wg.Wait()
}

func (t target) ask(ctx context.Context, wait time.Duration) Result {
	if t.r.Why != "" {
		return t.r
	}
	ctx, cancel := waiting(ctx, wait)
	defer cancel()
	l := &looking{target: t}
	err := l.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		l.r.Why = l.doing + ": " + wire.PlainText(err.Error(), maxWhy)
	}
	l.r.OK = err == nil
	return l.r
}

// errInterrupted says nothing of a server.
var errInterrupted = errors.New("interrupted before it answered")

// waiting is for how long a server may take. Its cause tells who ended it: the time, or whoever does not want to wait.
func waiting(over context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(over))
	timer := time.AfterFunc(wait, func() { cancel(fmt.Errorf("no answer within %s", wait)) })
	stop := context.AfterFunc(over, func() { cancel(errInterrupted) })
	return ctx, func() { timer.Stop(); stop(); cancel(nil) }
}

type looking struct {
	target
	doing string
}

func (l *looking) run(ctx context.Context) error {
	if err := l.own(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	server := l.at.String()
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: server, TURNServerAddr: server, Conn: conn, Username: l.s.Username, Password: l.s.Password, RequestedAddressFamily: turn.RequestedAddressFamilyIPv4,
	})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	closing := sync.OnceFunc(func() { c.Close(); _ = conn.Close() })
	defer closing()
	// The library knows of no context: what waits there ends with the connection.
	defer context.AfterFunc(ctx, closing)()
	if err := c.Listen(); err != nil {
		return err
	}
	if l.transport == wire.RelayUDP {
		l.doing = "binding"
		begun := time.Now()
		mapped, err := c.SendBindingRequest()
		if err != nil {
			return err
		}
		l.r.Srflx = &Candidate{mapped.String(), ms(begun)}
	}
	if !l.relay {
		return nil
	}
	l.doing = "allocation"
	if l.s.Username == "" {
		return errors.New("not asked for: there is no secret to make a credential with")
	}
	begun := time.Now()
	relayed, err := c.Allocate()
	if err != nil {
		return err
	}
	l.r.Relay = &Candidate{relayed.LocalAddr().String(), ms(begun)}
	_ = relayed.Close() // frees the allocation; it would end by itself
	return nil
}

// own finds this host's own address towards the server. Nothing is sent, so what fails is this host's doing.
func (l *looking) own(ctx context.Context) error {
	l.doing = "host"
	way, err := new(net.Dialer).DialContext(ctx, "udp", l.at.String())
	if err != nil {
		l.r.NoRoute = errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL)
		return err
	}
	l.r.Host = way.LocalAddr().(*net.UDPAddr).IP.String()
	return way.Close()
}

// connect opens the way to the server.
func (l *looking) connect(ctx context.Context) (net.PacketConn, error) {
	if l.transport == wire.RelayUDP {
		l.doing = "socket"
		// Of one family: a dual-stack socket would say IPv6 of itself.
		if l.r.Family == IPv6 {
			return new(net.ListenConfig).ListenPacket(ctx, "udp6", "[::]:0")
		}
		return new(net.ListenConfig).ListenPacket(ctx, "udp4", "0.0.0.0:0")
	}
	l.doing = "connection"
	begun := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.at.String())
	if err != nil {
		return nil, err
	}
	l.r.Host = conn.LocalAddr().(*net.TCPAddr).IP.String()
	if l.transport == wire.RelayTLS {
		l.doing = "TLS"
		// As a browser does: the system's authorities, and the name of the URL.
		secure := tls.Client(conn, &tls.Config{ServerName: l.host, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secure
	}
	took := ms(begun)
	l.r.ConnectMs = &took
	return turn.NewSTUNConn(conn), nil
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }
