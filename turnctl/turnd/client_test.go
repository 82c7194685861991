package turnd_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnd"
)

const realm = "callmesh"

var secret = turnauth.NewSecret("a secret of the relay")

// quiet drops what Pion's client has to say about refusals, which are what most tests are about.
func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

func startRelay(t *testing.T, change func(*turnd.Options)) *turnd.Relay {
	t.Helper()
	o := turnd.Options{
		Listen:  "127.0.0.1:0",
		Secrets: func() []turnauth.Secret { return []turnauth.Secret{secret} },
	}
	if change != nil {
		change(&o)
	}
	r, err := turnd.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func mint(t *testing.T, s turnauth.Secret, user string, ttl time.Duration) turnauth.Credential {
	t.Helper()
	c, err := turnauth.Mint(s, user, ttl, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newClient is Pion's client, over network "udp" or "tcp", ended with the test.
func newClient(t *testing.T, r *turnd.Relay, network string, c turnauth.Credential) *turn.Client {
	t.Helper()
	var pc net.PacketConn
	if network == "tcp" {
		conn, err := net.Dial("tcp4", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		pc = turn.NewSTUNConn(conn)
	} else {
		var err error
		if pc, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = pc.Close() })
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: r.Addr().String(), TURNServerAddr: r.Addr().String(), Conn: pc,
		Username: c.Username, Password: c.Password, Realm: realm, LoggerFactory: quiet(),
		RTO: 10 * time.Second, // nothing is lost on the way, and what is asked twice is counted twice
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// allocate gives a relayed address, ended with the test.
func allocate(t *testing.T, r *turnd.Relay, network, user string) (*turn.Client, net.PacketConn) {
	t.Helper()
	client := newClient(t, r, network, mint(t, secret, user, time.Hour))
	relayed, err := client.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relayed.Close() })
	return client, relayed
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// receive gives the next packet, which must come soon.
func receive(t *testing.T, c net.PacketConn) (string, net.Addr) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1600)
	n, from, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), from
}

func send(t *testing.T, c net.PacketConn, text string, to net.Addr) {
	t.Helper()
	if _, err := c.WriteTo([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}

func metric(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name || (label != "" && m.GetLabel()[0].GetValue() != label) {
				continue
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s %s", name, label)
	return 0
}

// lint keeps the metrics to Prometheus' naming.
func lint(t *testing.T, reg *prometheus.Registry) {
	t.Helper()
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
}

// raw speaks STUN by hand, for what Pion's client would not send.
type raw struct {
	t     *testing.T
	conn  net.Conn
	cred  turnauth.Credential
	nonce stun.Nonce
}

func newRaw(t *testing.T, r *turnd.Relay, c turnauth.Credential) *raw {
	t.Helper()
	conn, err := net.Dial("udp4", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &raw{t: t, conn: conn, cred: c}
}

func (r *raw) exchange(m *stun.Message) *stun.Message {
	r.t.Helper()
	if err := r.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.conn.Write(m.Raw); err != nil {
		r.t.Fatal(err)
	}
	b := make([]byte, 1600)
	n, err := r.conn.Read(b)
	if err != nil {
		r.t.Fatal(err)
	}
	res := &stun.Message{Raw: b[:n]}
	if err := res.Decode(); err != nil {
		r.t.Fatal(err)
	}
	return res
}

// request signs and sends one request and gives the error code of the answer, 0 for success.
func (r *raw) request(method stun.Method, attrs ...stun.Setter) int {
	r.t.Helper()
	if r.nonce == nil {
		res := r.exchange(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)))
		if err := r.nonce.GetFrom(res); err != nil {
			r.t.Fatal(err)
		}
	}
	set := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
	set = append(set, stun.NewUsername(r.cred.Username), stun.NewRealm(realm), r.nonce,
		stun.MessageIntegrity(turnauth.Key(r.cred.Username, realm, r.cred.Password)), stun.Fingerprint)
	res := r.exchange(stun.MustBuild(set...))
	if res.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(res); err != nil {
		r.t.Fatal(err)
	}
	return int(code.Code)
}

// transport is REQUESTED-TRANSPORT (RFC 8656, section 18.8).
func transport(protocol byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{protocol, 0, 0, 0}}
}

const udp, tcp = 17, 6

func contains(err error, what string) bool { return err != nil && strings.Contains(err.Error(), what) }
