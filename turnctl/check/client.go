package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnauth"
)

// errNoAnswer means that a transaction's time is over.
var errNoAnswer = errors.New("no answer")

// packet is one that came through the relay.
type packet struct {
	from    netip.AddrPort // of a Data indication
	channel uint16         // of ChannelData
	payload []byte
}

// maxPackets is how many relayed packets may wait to be read; what comes beyond them is lost, as it would be in a socket.
const maxPackets = 512

// client makes STUN transactions over one connection to a relay.
type client struct {
	conn    net.Conn
	stream  bool
	timeout time.Duration

	packets  chan packet
	attempts chan []byte   // CONNECTION-IDs of ConnectionAttempt (RFC 6062, section 4.4)
	ended    chan struct{} // closed when nothing more is read
	err      error         // why; set before ended is closed

	mu      sync.Mutex // guards waiting
	waiting map[[stun.TransactionIDSize]byte]chan *stun.Message

	// Of the long-term credential (RFC 8489, section 9.2); only the ladder's goroutine touches them.
	credential turnauth.Credential
	realm      stun.Realm
	nonce      stun.Nonce
}

// newClient takes a connection over. Close ends what it starts.
func newClient(conn net.Conn, t Transport, timeout time.Duration) *client {
	c := &client{
		conn: conn, stream: t.Stream(), timeout: timeout, packets: make(chan packet, maxPackets), attempts: make(chan []byte, 4),
		ended: make(chan struct{}), waiting: map[[stun.TransactionIDSize]byte]chan *stun.Message{},
	}
	go c.read()
	return c
}

// Close closes the connection and waits for the reader's end.
func (c *client) Close() {
	_ = c.conn.Close()
	<-c.ended
}

func (c *client) read() {
	defer close(c.ended)
	buffer := make([]byte, maxFrame)
	for {
		var b []byte
		var err error
		if c.stream {
			b, err = readFrame(c.conn)
		} else {
			var n int
			n, err = c.conn.Read(buffer)
			b = append([]byte(nil), buffer[:n]...)
		}
		if err != nil {
			c.err = err
			return
		}
		f, err := parseFrame(b)
		if err != nil {
			continue // of a packet that is nobody's, nothing is to be made
		}
		c.take(f)
	}
}

func (c *client) take(f frame) {
	m := f.message
	switch {
	case m == nil:
		c.pass(packet{channel: f.channel, payload: f.payload})
	case m.Type == stun.NewType(stun.MethodData, stun.ClassIndication):
		from, ok := address(m, stun.AttrXORPeerAddress)
		payload, err := m.Get(stun.AttrData)
		if ok && err == nil {
			c.pass(packet{from: from, payload: payload})
		}
	case m.Type == stun.NewType(stun.MethodConnectionAttempt, stun.ClassIndication):
		if id, err := m.Get(stun.AttrConnectionID); err == nil {
			select {
			case c.attempts <- id:
			default:
			}
		}
	case m.Type.Class == stun.ClassSuccessResponse || m.Type.Class == stun.ClassErrorResponse:
		c.mu.Lock()
		wait := c.waiting[m.TransactionID]
		delete(c.waiting, m.TransactionID)
		c.mu.Unlock()
		if wait != nil {
			wait <- m // it has room for one, and is found once
		}
	}
}

func (c *client) pass(p packet) {
	select {
	case c.packets <- p:
	default:
	}
}

// firstRetransmission is how long a lost request is waited for at first; the wait doubles (RFC 8489, section 6.2.1, has 500 ms and
// more of them; here a wait for an answer is bounded anyway).
const firstRetransmission = 250 * time.Millisecond

// do makes a transaction without a credential. An error response is a *refusal, and comes with the message too.
func (c *client) do(ctx context.Context, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attributes...)
	request, err := stun.Build(append(setters, stun.Fingerprint)...)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	answer := make(chan *stun.Message, 1)
	c.mu.Lock()
	c.waiting[request.TransactionID] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, request.TransactionID)
		c.mu.Unlock()
	}()
	if err := c.write(request.Raw); err != nil {
		return nil, err
	}
	over := time.NewTimer(c.timeout)
	defer over.Stop()
	again := time.NewTimer(firstRetransmission)
	defer again.Stop()
	for wait := firstRetransmission; ; {
		select {
		case m := <-answer:
			if r := refusalOf(m); r != nil {
				return m, r
			}
			return m, nil
		case <-c.ended:
			return nil, c.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-over.C:
			return nil, errNoAnswer
		case <-again.C:
			if !c.stream {
				if err := c.write(request.Raw); err != nil {
					return nil, err
				}
			}
			wait *= 2
			again.Reset(wait)
		}
	}
}

func (c *client) write(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// challenged keeps the realm and nonce of a 401 or 438, and says whether there were any.
func (c *client) challenged(m *stun.Message) bool {
	var realm stun.Realm
	var nonce stun.Nonce
	if m == nil || nonce.GetFrom(m) != nil {
		return false
	}
	c.nonce = nonce
	if realm.GetFrom(m) == nil {
		c.realm = realm
	}
	return len(c.realm) > 0
}

// errUnsigned means that an answer is not from who knows the credential.
var errUnsigned = errors.New("the answer lacks a right MESSAGE-INTEGRITY: it does not come from the relay, or was changed on the way")

// authed makes a transaction with the credential. A stale nonce (438) is renewed once.
func (c *client) authed(ctx context.Context, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
	for again := false; ; again = true {
		integrity := stun.NewLongTermIntegrity(c.credential.Username, string(c.realm), c.credential.Password)
		m, err := c.do(ctx, method, append(append([]stun.Setter(nil), attributes...),
			stun.NewUsername(c.credential.Username), c.realm, c.nonce, integrity)...)
		if code(err) == 438 && !again && c.challenged(m) {
			continue
		}
		if err == nil && integrity.Check(m) != nil {
			return nil, errUnsigned
		}
		return m, err
	}
}

// send relays a packet by a Send indication (RFC 8656, section 11.1).
func (c *client) send(to netip.AddrPort, payload []byte) error {
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), peerAddress(to), data(payload))
	if err != nil {
		return err
	}
	return c.write(m.Raw)
}
