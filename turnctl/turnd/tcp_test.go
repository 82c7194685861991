package turnd_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"callmesh/turnctl/turnd"
)

// A real ICE agent on each side, with nothing but TURN over TCP.
func TestPeerConnectionOverTCP(t *testing.T) {
	r := startRelay(t, nil)
	var engine webrtc.SettingEngine
	engine.LoggerFactory = quiet()
	engine.SetRelayAcceptanceMinWait(0)
	api := webrtc.NewAPI(webrtc.WithSettingEngine(engine))
	peer := func(user string) *webrtc.PeerConnection {
		c := mint(t, secret, user, time.Hour)
		pc, err := api.NewPeerConnection(webrtc.Configuration{
			ICETransportPolicy: webrtc.ICETransportPolicyRelay,
			ICEServers:         []webrtc.ICEServer{{URLs: r.URLs()[1:], Username: c.Username, Credential: c.Password}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pc.GracefulClose() })
		return pc
	}
	a, b := peer("alice"), peer("bob")
	got := make(chan string, 1)
	b.OnDataChannel(func(d *webrtc.DataChannel) {
		d.OnMessage(func(m webrtc.DataChannelMessage) { got <- string(m.Data) })
	})
	channel, err := a.CreateDataChannel("chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	channel.OnOpen(func() { _ = channel.SendText("over tcp") })
	connect(t, a, b)
	select {
	case text := <-got:
		if text != "over tcp" {
			t.Errorf("got %q", text)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no message: %s and %s", a.ICEConnectionState(), b.ICEConnectionState())
	}
	pair, ok := a.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		t.Fatal("no selected pair")
	}
	for _, s := range a.GetStats() {
		if c, ok := s.(webrtc.ICECandidateStats); ok && c.ID == pair.LocalCandidateID &&
			(c.CandidateType != webrtc.ICECandidateTypeRelay || c.RelayProtocol != "tcp") {
			t.Errorf("the path is %s over %s, want relay over tcp", c.CandidateType, c.RelayProtocol)
		}
	}
}

func connect(t *testing.T, a, b *webrtc.PeerConnection) {
	t.Helper()
	describe := func(pc *webrtc.PeerConnection, d webrtc.SessionDescription, err error) webrtc.SessionDescription {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		done := webrtc.GatheringCompletePromise(pc)
		if err := pc.SetLocalDescription(d); err != nil {
			t.Fatal(err)
		}
		<-done
		return *pc.LocalDescription()
	}
	offer, err := a.CreateOffer(nil)
	if err := b.SetRemoteDescription(describe(a, offer, err)); err != nil {
		t.Fatal(err)
	}
	answer, err := b.CreateAnswer(nil)
	if err := a.SetRemoteDescription(describe(b, answer, err)); err != nil {
		t.Fatal(err)
	}
}

// Frames whose length does not fit into 16 bits with the header, and junk, must neither hold a
// processor nor keep the relay from ending: Close, when the test ends, waits for the connection.
func TestMalformedStreams(t *testing.T) {
	for name, head := range map[string][]byte{
		"STUN of 65536 bytes":        {0x00, 0x03, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		"ChannelData of 65536 bytes": {0x40, 0x00, 0xff, 0xfc, 0, 0, 0, 0, 0, 0, 0, 0},
		"neither":                    []byte("GET / HTTP/1.1\r\n\r\n"),
		"TLS":                        {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03},
		"STUN without cookie":        {0x00, 0x01, 0x00, 0x00, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRelay(t, nil)
			conn, err := net.Dial("tcp4", r.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := conn.Write(head); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(make([]byte, 65536-len(head))); err != nil && name[0] != 'n' && name[0] != 'T' {
				t.Logf("write: %v", err)
			}
			allocate(t, r, "tcp", "alice") // others are served meanwhile
		})
	}
}

// Close ends clients that hold on, and leaves no goroutine; TestMain looks for those.
func TestCloseWithLiveAllocations(t *testing.T) {
	r := startRelay(t, nil)
	_, a := allocate(t, r, "udp", "alice")
	allocate(t, r, "tcp", "bob")
	idle, err := net.Dial("tcp4", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	// An accepted connection, not one that still waits to be.
	if _, err := idle.Write([]byte{0, 1}); err != nil {
		t.Fatal(err)
	}
	relayed := a.LocalAddr().String()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := r.Allocations(); n != 0 {
		t.Errorf("%d allocations are left", n)
	}
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("a client is still connected")
	}
	for _, addr := range []string{relayed, r.Addr().String()} {
		pc, err := net.ListenPacket("udp4", addr)
		if err != nil {
			t.Errorf("%s is still taken: %v", addr, err)
			continue
		}
		_ = pc.Close()
	}
	if err := r.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestTCPConnectionsAreBounded(t *testing.T) {
	r := startRelay(t, func(o *turnd.Options) { o.MaxTotal = 1 }) // 2 x 1 + 128 connections
	var last net.Conn
	for range 131 {
		conn, err := net.Dial("tcp4", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		last = conn
	}
	if err := last.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many: %v, want it closed", err)
	}
}
