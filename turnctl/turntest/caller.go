package turntest

import (
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"callmesh/turnctl/turnauth"
)

// Caller is a client with an allocation, through which numbered packets go to a peer and back all the time.
type Caller struct {
	client  *turn.Client
	relayed net.PacketConn
	socket  net.PacketConn
	peer    net.PacketConn

	halt chan struct{} // closed by Stop: no more is sent
	work sync.WaitGroup

	mu   sync.Mutex // guards the following
	sent uint64
	back map[uint64]bool
}

// every is the time between two packets, as of a voice.
const every = 20 * time.Millisecond

// Call makes an allocation over UDP as user, with a credential of the secret, and lets packets go through it until Stop. Its error is what the relay said.
func Call(t testing.TB, r *Relay, secret turnauth.Secret, user string) (*Caller, error) {
	t.Helper()
	credential, err := turnauth.Mint(secret, user, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return CallWith(t, r.Addr.String(), r.Realm, credential)
}

// CallWith is Call with the credential of the caller's choice.
func CallWith(t testing.TB, relay, realm string, credential turnauth.Credential) (*Caller, error) {
	t.Helper()
	c := &Caller{halt: make(chan struct{}), back: map[uint64]bool{}}
	addresses := Public
	if strings.HasPrefix(relay, "[") {
		addresses = Public6
	}
	var err error
	if c.socket, err = net.ListenPacket("udp", net.JoinHostPort(addresses[1], "0")); err != nil {
		t.Fatal(err)
	}
	if c.peer, err = net.ListenPacket("udp", net.JoinHostPort(addresses[2], "0")); err != nil {
		t.Fatal(err)
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	c.client, err = turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: relay, STUNServerAddr: relay, Username: credential.Username, Password: credential.Password, Realm: realm,
		Conn: c.socket, LoggerFactory: quiet,
		// Which goes without a word: whatever the family of the relay, a browser asks for none.
		RequestedAddressFamily: turn.RequestedAddressFamilyIPv4,
	})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	end := func() {
		once.Do(func() {
			if c.relayed != nil {
				_ = c.relayed.Close()
			}
			c.client.Close()
			_, _ = c.socket.Close(), c.peer.Close()
			c.work.Wait()
		})
	}
	t.Cleanup(func() { c.Stop(); end() })
	if err := c.client.Listen(); err != nil {
		t.Fatal(err)
	}
	if c.relayed, err = c.client.Allocate(); err != nil {
		end()
		return nil, err
	}
	if err := c.client.CreatePermission(c.peer.LocalAddr()); err != nil {
		end()
		return nil, err
	}
	c.work.Go(c.echo)
	c.work.Go(c.receive)
	c.work.Go(c.send)
	return c, nil
}

func (c *Caller) send() {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var packet [160]byte
	for {
		select {
		case <-c.halt:
			return
		case <-tick.C:
		}
		c.mu.Lock()
		binary.BigEndian.PutUint64(packet[:], c.sent)
		c.sent++
		c.mu.Unlock()
		_, _ = c.relayed.WriteTo(packet[:], c.peer.LocalAddr()) // one that does not go out does not come back
	}
}

// echo is the peer: it sends back what it gets.
func (c *Caller) echo() {
	b := make([]byte, 1500)
	for {
		n, from, err := c.peer.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = c.peer.WriteTo(b[:n], from)
	}
}

func (c *Caller) receive() {
	b := make([]byte, 1500)
	for {
		n, _, err := c.relayed.ReadFrom(b)
		if err != nil {
			return
		}
		if n >= 8 {
			c.mu.Lock()
			c.back[binary.BigEndian.Uint64(b)] = true
			c.mu.Unlock()
		}
	}
}

// Counts are how many packets were sent, and how many have come back.
func (c *Caller) Counts() (sent, back int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.sent), len(c.back)
}

// Stop sends no more, and gives how many were sent and how many of them are lost: those that are not back two seconds later.
func (c *Caller) Stop() (sent, lost int) {
	select {
	case <-c.halt:
	default:
		close(c.halt)
	}
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		sent, back := c.Counts()
		if sent == back || time.Now().After(end) {
			return sent, sent - back
		}
	}
}

// HangUp stops and gives the allocation back.
func (c *Caller) HangUp() (sent, lost int) {
	sent, lost = c.Stop()
	_ = c.relayed.Close()
	return sent, lost
}
