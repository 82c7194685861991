// Package turnclient speaks STUN (RFC 8489) and TURN (RFC 8656, RFC 6062) message by message, over UDP, TCP, TLS and DTLS: so each
// transaction can be timed and told apart, and made as no library would make it. What comes from a relay is taken for hostile.
package turnclient

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

// ErrNoAnswer means that a transaction's time is over.
var ErrNoAnswer = errors.New("no answer")

// Packet is one that came through the relay.
type Packet struct {
	From    netip.AddrPort // of a Data indication
	Channel uint16         // of ChannelData
	Payload []byte
}

// maxPackets is how many relayed packets may wait to be read; what comes beyond them is lost, as it would be in a socket.
const maxPackets = 512

// Client makes STUN transactions over one connection to a relay. Its methods are for one goroutine at a time.
type Client struct {
	// Timeout bounds each wait for an answer.
	Timeout time.Duration
	// Retransmission is how long a request over UDP is waited for before it is sent again, for twice as long; 0: 250 ms. More spares a relay
	// that is slow to answer: it works on each copy.
	Retransmission time.Duration
	// Credential, Realm and Nonce are those of the long-term mechanism (RFC 8489, section 9.2).
	Credential turnauth.Credential
	Realm      stun.Realm
	Nonce      stun.Nonce

	conn     net.Conn
	stream   bool
	packets  chan Packet
	attempts chan []byte
	ended    chan struct{} // closed when nothing more is read
	err      error         // why; set before ended is closed

	mu      sync.Mutex // guards waiting
	waiting map[[stun.TransactionIDSize]byte]chan *stun.Message
}

// New takes a connection over. Close ends what it starts.
func New(conn net.Conn, t Transport, timeout time.Duration) *Client {
	c := &Client{
		Timeout: timeout, conn: conn, stream: t.Stream(), packets: make(chan Packet, maxPackets), attempts: make(chan []byte, 4),
		ended: make(chan struct{}), waiting: map[[stun.TransactionIDSize]byte]chan *stun.Message{},
	}
	go c.read()
	return c
}

// Close closes the connection and waits for the reader's end.
func (c *Client) Close() {
	_ = c.conn.Close()
	<-c.ended
}

// Packets are those that came through the relay.
func (c *Client) Packets() <-chan Packet { return c.packets }

// Attempts are the CONNECTION-IDs of peers that call in (RFC 6062, section 4.4).
func (c *Client) Attempts() <-chan []byte { return c.attempts }

// Ended is closed when the connection has ended; then Err says why.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// Err is why nothing more is read; only once Ended is closed.
func (c *Client) Err() error { return c.err }

// LocalAddr is this end of the connection.
func (c *Client) LocalAddr() net.Addr { return c.conn.LocalAddr() }

func (c *Client) read() {
	defer close(c.ended)
	buffer := make([]byte, MaxFrame)
	for {
		var b []byte
		var err error
		if c.stream {
			b, err = ReadFrame(c.conn)
		} else {
			var n int
			n, err = c.conn.Read(buffer)
			b = append([]byte(nil), buffer[:n]...)
		}
		if err != nil {
			c.err = err
			return
		}
		f, err := ParseFrame(b)
		if err != nil {
			continue // of a packet that is nobody's, nothing is to be made
		}
		c.take(f)
	}
}

func (c *Client) take(f Frame) {
	m := f.Message
	switch {
	case m == nil:
		c.pass(Packet{Channel: f.Channel, Payload: f.Payload})
	case m.Type == stun.NewType(stun.MethodData, stun.ClassIndication):
		from, ok := Address(m, stun.AttrXORPeerAddress)
		payload, err := m.Get(stun.AttrData)
		if ok && err == nil {
			c.pass(Packet{From: from, Payload: payload})
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

func (c *Client) pass(p Packet) {
	select {
	case c.packets <- p:
	default:
	}
}

// firstRetransmission is how long a lost request is waited for at first; the wait doubles (RFC 8489, section 6.2.1, has 500 ms and
// more of them; here a wait for an answer is bounded anyway).
const firstRetransmission = 250 * time.Millisecond

// Do makes a transaction without a credential. An error response is a *RefusalError, and comes with the message too.
func (c *Client) Do(ctx context.Context, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
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
	over := time.NewTimer(c.Timeout)
	defer over.Stop()
	wait := c.Retransmission
	if wait == 0 {
		wait = firstRetransmission
	}
	again := time.NewTimer(wait)
	defer again.Stop()
	for {
		select {
		case m := <-answer:
			if r := RefusalOf(m); r != nil {
				return m, r
			}
			return m, nil
		case <-c.ended:
			return nil, c.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-over.C:
			return nil, ErrNoAnswer
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

func (c *Client) write(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// Challenged keeps the realm and nonce of a 401 or 438, and says whether there were any.
func (c *Client) Challenged(m *stun.Message) bool {
	var realm stun.Realm
	var nonce stun.Nonce
	if m == nil || nonce.GetFrom(m) != nil || len(nonce) > MaxText {
		return false
	}
	c.Nonce = nonce
	if realm.GetFrom(m) == nil && len(realm) <= MaxText {
		c.Realm = realm
	}
	return len(c.Realm) > 0
}

// ErrUnsigned means that an answer is not from who knows the credential.
var ErrUnsigned = errors.New("the answer lacks a right MESSAGE-INTEGRITY: it does not come from the relay, or was changed on the way")

// Authed makes a transaction with the credential. A stale nonce (438) is renewed once.
func (c *Client) Authed(ctx context.Context, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
	for again := false; ; again = true {
		integrity := stun.NewLongTermIntegrity(c.Credential.Username, string(c.Realm), c.Credential.Password)
		m, err := c.Do(ctx, method, append(append([]stun.Setter(nil), attributes...),
			stun.NewUsername(c.Credential.Username), c.Realm, c.Nonce, integrity)...)
		if Code(err) == 438 && !again && c.Challenged(m) {
			continue
		}
		if err == nil && integrity.Check(m) != nil {
			return nil, ErrUnsigned
		}
		return m, err
	}
}

// Send relays a packet by a Send indication (RFC 8656, section 11.1).
func (c *Client) Send(to netip.AddrPort, payload []byte) error {
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), PeerAddress(to), Data(payload))
	if err != nil {
		return err
	}
	return c.write(m.Raw)
}

// SendChannel relays a packet by a channel that is bound (RFC 8656, section 12.4).
func (c *Client) SendChannel(number uint16, payload []byte) error {
	return c.write(channelData(number, payload, c.stream))
}
