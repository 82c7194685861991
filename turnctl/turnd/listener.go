package turnd

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// allocateWithin is how long a TCP connection may live without an allocation.
	allocateWithin = 30 * time.Second
	// idleLimit ends a connection on which nothing comes: an allocation lives an hour at most
	// between two refreshes.
	idleLimit = 65 * time.Minute
	// writeLimit ends a connection whose client does not read. What was half written could not
	// be taken up again.
	writeLimit = 10 * time.Second
)

// listener accepts clients over TCP: a bounded number, and it knows them all, because the server
// closes its listeners but not the connections that came from them.
type listener struct {
	net.Listener
	max     int
	clients *clients
	metrics *metrics

	running sync.WaitGroup // connections that the server has not let go of

	// mu guards the following.
	mu     sync.Mutex
	conns  map[string]*clientConn // by remote address
	closed bool
}

func newListener(l net.Listener, most, ofOne int, m *metrics) *listener {
	return &listener{Listener: l, max: most, clients: newClients(ofOne), metrics: m, conns: make(map[string]*clientConn)}
}

// Accept waits for a client. The server would end for good at any error, so it sees only the one
// that means the end.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			time.Sleep(retryPause) // out of file descriptors, say
			continue
		}
		if c := l.admit(conn); c != nil {
			return c, nil
		}
		_ = conn.Close()
	}
}

func (l *listener) admit(conn net.Conn) *clientConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if len(l.conns) >= l.max {
		l.metrics.refused.WithLabelValues(refusedCapacity).Inc()
		return nil
	}
	if l.clients.full(conn.RemoteAddr()) {
		l.metrics.refused.WithLabelValues(refusedClient).Inc()
		return nil
	}
	l.clients.add(conn.RemoteAddr())
	c := &clientConn{Conn: conn, listener: l, in: bufio.NewReaderSize(conn, 4096)}
	c.since.Store(time.Now().UnixNano())
	l.conns[conn.RemoteAddr().String()] = c
	l.running.Add(1)
	l.metrics.tcpConns.Inc()
	return c
}

func (l *listener) find(client net.Addr) *clientConn {
	if client.Network() != "tcp" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[client.String()]
}

func (l *listener) allocated(client net.Addr, yes bool) {
	c := l.find(client)
	if c == nil {
		return
	}
	if yes {
		c.since.Store(0)
		return
	}
	now := time.Now()
	c.since.Store(now.UnixNano())
	_ = c.SetReadDeadline(now.Add(allocateWithin))
}

func (l *listener) lastOf(client net.Addr) []byte {
	if c := l.find(client); c != nil {
		return c.last.of(client)
	}
	return nil
}

// closeConns ends every connection and waits until the server has let go of them.
func (l *listener) closeConns() {
	l.mu.Lock()
	l.closed = true
	for _, c := range l.conns {
		_ = c.Conn.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// clientConn is one client's TCP connection. A Read gives one whole STUN message or ChannelData.
type clientConn struct {
	net.Conn
	listener *listener
	in       *bufio.Reader
	since    atomic.Int64 // Unix ns; since when it is without an allocation, 0 while it has one
	last     lastRequest
	once     sync.Once
}

// Read gives the next frame.
func (c *clientConn) Read(b []byte) (int, error) {
	until := time.Now().Add(idleLimit)
	if since := c.since.Load(); since != 0 {
		until = time.Unix(0, since).Add(allocateWithin)
	}
	if len(b) < maxFrame {
		return 0, io.ErrShortBuffer
	}
	if err := c.SetReadDeadline(until); err != nil {
		return 0, err
	}
	n, err := readFrame(c.in, b)
	if err == nil {
		c.last.keep(c.RemoteAddr(), b[:n])
	}
	return n, err
}

// Write sends one frame, or ends the connection.
func (c *clientConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.Conn.Close()
	}
	return n, err
}

// Close is called by the server when it is done with the connection.
func (c *clientConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		l := c.listener
		l.mu.Lock()
		if key := c.RemoteAddr().String(); l.conns[key] == c {
			delete(l.conns, key)
		}
		l.mu.Unlock()
		l.clients.drop(c.RemoteAddr())
		l.metrics.tcpConns.Dec()
		l.running.Done()
	})
	return err
}
