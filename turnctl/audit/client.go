package audit

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnauth"
)

// client speaks TURN (RFC 8656) as an attacker would: message by message, with attributes that no library would let through.
// pion's addresses collapse ::ffff:10.0.0.1 into 10.0.0.1, and with it the hole that is looked for.
type client struct {
	conn   net.Conn
	stream bool
	user   turnauth.Credential
	realm  stun.Realm
	nonce  stun.Nonce
	wait   time.Duration
}

// attributes and values of RFC 8656, section 18.
const (
	requestedUDP = 17
	family4      = 0x01
	family6      = 0x02
)

// errSilent means that no answer came.
var errSilent = errors.New("no answer")

// refusal is an error response.
type refusal struct {
	code   int
	reason string
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.reason) }

func dial(ctx context.Context, t Target) (*client, error) {
	d := net.Dialer{Timeout: transactionTime}
	c := &client{wait: answerTime, stream: t.Network != "udp"}
	var err error
	switch t.Network {
	case "udp", "tcp":
		c.conn, err = d.DialContext(ctx, t.Network, t.Addr)
	case "tls":
		// Whether the certificate is right is for check to say; the audit asks what lies behind it.
		td := tls.Dialer{NetDialer: &d, Config: &tls.Config{InsecureSkipVerify: true}}
		c.conn, err = td.DialContext(ctx, "tcp", t.Addr)
	default:
		return nil, fmt.Errorf("audit: transport %q is not udp, tcp or tls", t.Network)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *client) close() { _ = c.conn.Close() }

// allocate asks for a relay address of a family; without credentials where user is zero. A refusal is the error.
func (c *client) allocate(ctx context.Context, family byte) error {
	setters := []stun.Setter{raw(stun.AttrRequestedTransport, []byte{requestedUDP, 0, 0, 0})}
	if family == family6 {
		setters = append(setters, raw(stun.AttrRequestedAddressFamily, []byte{family, 0, 0, 0}))
	}
	_, err := c.ask(ctx, stun.MethodAllocate, setters...)
	return err
}

// release gives the allocation back.
func (c *client) release(ctx context.Context) error {
	_, err := c.ask(ctx, stun.MethodRefresh, raw(stun.AttrLifetime, []byte{0, 0, 0, 0}))
	return err
}

func (c *client) permit(ctx context.Context, a netip.Addr) error {
	_, err := c.ask(ctx, stun.MethodCreatePermission, xorPeer{a, 9})
	return err
}

func (c *client) bind(ctx context.Context, channel uint16, a netip.Addr) error {
	_, err := c.ask(ctx, stun.MethodChannelBind, raw(stun.AttrChannelNumber, []byte{byte(channel >> 8), byte(channel), 0, 0}), xorPeer{a, 9})
	return err
}

// ask makes one request, again with credentials or a new nonce where the relay asks for them.
func (c *client) ask(ctx context.Context, method stun.Method, attrs ...stun.Setter) (*stun.Message, error) {
	for tries := 0; ; tries++ {
		m := &stun.Message{TransactionID: stun.NewTransactionID()}
		setters := append([]stun.Setter{stun.NewType(method, stun.ClassRequest)}, attrs...)
		if c.user.Username != "" && len(c.nonce) > 0 {
			setters = append(setters, stun.NewUsername(c.user.Username), c.realm, c.nonce,
				stun.NewLongTermIntegrity(c.user.Username, c.realm.String(), c.user.Password))
		}
		m.WriteHeader()
		for _, s := range append(setters, stun.Fingerprint) {
			if err := s.AddTo(m); err != nil {
				return nil, fmt.Errorf("audit: build request: %w", err)
			}
		}
		answer, err := c.roundTrip(ctx, m)
		if err != nil {
			return nil, err
		}
		if answer.Type.Class == stun.ClassSuccessResponse {
			return answer, nil
		}
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(answer); err != nil {
			return nil, fmt.Errorf("audit: an error response without a code: %w", err)
		}
		asks := code.Code == stun.CodeUnauthorized && len(c.nonce) == 0 || code.Code == stun.CodeStaleNonce
		if asks && c.user.Username != "" && tries < 3 && c.nonce.GetFrom(answer) == nil {
			_ = c.realm.GetFrom(answer) // 438 may leave it out
			continue
		}
		return nil, refusal{int(code.Code), string(code.Reason)}
	}
}

// roundTrip sends a request and waits for its answer; over UDP it is sent again, as RFC 8489 has it, within the time that there is.
func (c *client) roundTrip(ctx context.Context, m *stun.Message) (*stun.Message, error) {
	end := time.Now().Add(c.wait)
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for rto := 500 * time.Millisecond; ; rto *= 2 {
		if _, err := c.conn.Write(m.Raw); err != nil {
			return nil, c.why(ctx, err)
		}
		until := end
		if !c.stream && time.Now().Add(rto).Before(end) {
			until = time.Now().Add(rto)
		}
		answer, err := c.receive(ctx, m.TransactionID, until)
		var timeout net.Error
		if err != nil && errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil {
			if time.Now().Before(end) {
				continue
			}
			return nil, errSilent
		}
		return answer, err
	}
}

func (c *client) receive(ctx context.Context, id [stun.TransactionIDSize]byte, until time.Time) (*stun.Message, error) {
	buf := make([]byte, 64<<10)
	for {
		if err := c.conn.SetReadDeadline(until); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n, err := c.readMessage(buf)
		if err != nil {
			return nil, c.why(ctx, err)
		}
		m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		if !stun.IsMessage(m.Raw) || m.Decode() != nil || m.TransactionID != id {
			continue
		}
		return m, nil
	}
}

// readMessage reads one STUN message; over a stream its own length says where it ends.
func (c *client) readMessage(buf []byte) (int, error) {
	if !c.stream {
		return c.conn.Read(buf)
	}
	const header = 20
	if _, err := io.ReadFull(c.conn, buf[:header]); err != nil {
		return 0, err
	}
	length := int(binary.BigEndian.Uint16(buf[2:4]))
	if header+length > len(buf) {
		return 0, errors.New("audit: a message longer than 64 KiB")
	}
	_, err := io.ReadFull(c.conn, buf[header:header+length])
	return header + length, err
}

func (c *client) why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// rawAttr is an attribute with the very bytes that are given.
type rawAttr struct {
	kind  stun.AttrType
	value []byte
}

func raw(kind stun.AttrType, value []byte) rawAttr { return rawAttr{kind, value} }

// AddTo implements stun.Setter.
func (a rawAttr) AddTo(m *stun.Message) error {
	m.Add(a.kind, a.value)
	return nil
}

// xorPeer is XOR-PEER-ADDRESS (RFC 8656, section 18.3) of the family that the address has: 16 bytes for an IPv4-mapped one.
type xorPeer struct {
	addr netip.Addr
	port uint16
}

// AddTo implements stun.Setter.
func (x xorPeer) AddTo(m *stun.Message) error {
	var mask [16]byte
	binary.BigEndian.PutUint32(mask[:], 0x2112a442)
	copy(mask[4:], m.TransactionID[:])
	family, ip := byte(family6), x.addr.AsSlice()
	if x.addr.Is4() {
		family = family4
	}
	value := []byte{0, family, byte(x.port>>8) ^ mask[0], byte(x.port) ^ mask[1]}
	for i, b := range ip {
		value = append(value, b^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}

// Answers says whether something that speaks STUN answers there.
func Answers(ctx context.Context, t Target) bool {
	c, err := dial(ctx, t)
	if err != nil {
		return false
	}
	defer c.close()
	_, err = c.ask(ctx, stun.MethodBinding)
	var no refusal
	return err == nil || errors.As(err, &no)
}
