package bustest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Mode is what a Proxy does with the connections through it.
type Mode int

const (
	// Open passes everything on.
	Open Mode = iota
	// Cut resets every connection, and every new one at once: a process that
	// died, a firewall that rejects. Both ends notice immediately.
	Cut
	// Blackhole passes nothing on and says nothing: a cable pulled out, a
	// firewall that drops. Ends notice only by their own timeouts. What was
	// sent meanwhile arrives when the proxy opens again, as TCP would have it.
	Blackhole
)

// Proxy is a TCP relay on loopback whose traffic a test can stop. Its address
// stays the same while the process behind it comes and goes, so whoever
// connects through it needs no reserved port.
type Proxy struct {
	ln net.Listener
	// tap, if set before the first connection, makes what sees all that goes through in one direction of one connection.
	tap func() func([]byte)
	wg  sync.WaitGroup // the accept loop and all that it started

	// mu guards the following.
	mu      sync.Mutex
	target  string // "" while nobody is there
	mode    Mode
	delay   time.Duration
	closed  bool
	changed chan struct{} // closed, and replaced, when mode or closed changes
	conns   map[*net.TCPConn]struct{}
}

// NewProxy listens on a free loopback port and passes connections on to target,
// a "host:port"; an empty target resets them until SetTarget names one. The
// proxy ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("bustest: proxy: %v", err)
	}
	p := &Proxy{ln: ln, target: target, changed: make(chan struct{}), conns: map[*net.TCPConn]struct{}{}}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr is the "host:port" to connect to.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// SetTarget sends new connections elsewhere; existing ones stay.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set changes the mode, at once and for all connections.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == m {
		return
	}
	p.mode = m
	p.wake()
	if m == Cut {
		p.resetAll()
	}
}

// Delay makes what goes through arrive by d later, at most twice that: what comes meanwhile waits for it.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Mode is the one set last.
func (p *Proxy) Mode() Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode
}

// Cut is Set(Cut).
func (p *Proxy) Cut() { p.Set(Cut) }

// Blackhole is Set(Blackhole).
func (p *Proxy) Blackhole() { p.Set(Blackhole) }

// Heal is Set(Open).
func (p *Proxy) Heal() { p.Set(Open) }

// Reset breaks the connections there are, and lets new ones through: the
// short fault after which everyone reconnects.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetAll()
}

// Conns is how many connections the proxy holds open, both sides counted.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *Proxy) close() {
	_ = p.ln.Close()
	p.mu.Lock()
	p.closed = true
	p.wake()
	p.resetAll()
	p.mu.Unlock()
	p.wg.Wait()
}

// wake tells all who wait in pass. mu must be held.
func (p *Proxy) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// resetAll makes both ends of every connection see a reset. mu must be held.
func (p *Proxy) resetAll() {
	for c := range p.conns {
		reset(c)
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the caller gave up before we came to it
		}
		p.wg.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(in *net.TCPConn) {
	defer reset(in)
	if !p.hold(in) {
		return
	}
	defer p.drop(in)
	target, ok := p.pass()
	if !ok || target == "" {
		return
	}
	c, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	out := c.(*net.TCPConn)
	defer reset(out)
	if !p.hold(out) {
		return
	}
	defer p.drop(out)

	var both sync.WaitGroup
	both.Go(func() { p.pump(out, in) })
	both.Go(func() { p.pump(in, out) })
	both.Wait()
}

// pump passes on what from sends, its end included, until either side breaks.
func (p *Proxy) pump(to, from *net.TCPConn) {
	see := func([]byte) {}
	if p.tap != nil {
		see = p.tap()
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.wait()
		if _, ok := p.pass(); !ok {
			break
		}
		if n > 0 {
			see(buf[:n])
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.CloseWrite()
			return
		}
		if err != nil {
			break
		}
	}
	reset(to)
	reset(from)
}

// wait lets the proxy's delay pass.
func (p *Proxy) wait() {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if delay > 0 {
		<-time.After(delay)
	}
}

// pass waits while the proxy swallows everything, and reports whether traffic
// may go on, and where to.
func (p *Proxy) pass() (target string, ok bool) {
	for {
		p.mu.Lock()
		target, mode, closed, changed := p.target, p.mode, p.closed, p.changed
		p.mu.Unlock()
		if closed || mode == Cut {
			return "", false
		}
		if mode == Open {
			return target, true
		}
		<-changed
	}
}

func (p *Proxy) hold(c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.mode == Cut {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// reset closes c with a TCP reset, so that the far end learns of it even if it
// is only writing. After an orderly end on both sides it is an ordinary close.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
