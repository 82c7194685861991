package gather

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pion/stun/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whoever interrupts says nothing of servers; and it is not waited for those that would not answer. Servers that do answer are asked in the laboratory, by cmd/probe.
func TestWhoInterruptsIsNoFaultOfServers(t *testing.T) {
	deaf, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _, _ = deaf.ReadFromUDPAddrPort(make([]byte, 1500))
	}()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { <-asked; stop() }()
	url := "stun:" + deaf.LocalAddr().String()
	for _, r := range Look(ctx, []Server{{URL: url}, {URL: url}}, time.Minute) {
		if r.OK || !strings.Contains(r.Why, errInterrupted.Error()) {
			t.Errorf("%+v", r)
		}
	}
	if r := Look(t.Context(), []Server{{URL: url}}, 100*time.Millisecond)[0]; r.Why != "binding: no answer within 100ms" {
		t.Errorf("%+v", r)
	}
}

// What a relay says in refusing reaches no terminal as it is.
func TestWhatARelaySaysIsPlain(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: bytes.Clone(buf[:n])}
			if m.Decode() != nil {
				continue
			}
			answer := []stun.Setter{stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, stun.ClassErrorResponse)}
			switch {
			case m.Type.Method == stun.MethodBinding:
				answer[1] = stun.BindingSuccess
				answer = append(answer, &stun.XORMappedAddress{IP: net.IPv4(127, 0, 0, 1), Port: 9})
			case m.Contains(stun.AttrMessageIntegrity):
				answer = append(answer, stun.ErrorCodeAttribute{Code: 486, Reason: []byte("full\x1b[2J\u009b2J\r" + strings.Repeat("a", 500))})
			default:
				answer = append(answer, stun.CodeUnauthorized, stun.NewRealm("r"), stun.NewNonce("n"))
			}
			if r, err := stun.Build(answer...); err == nil {
				_, _ = c.WriteToUDPAddrPort(r.Raw, from)
			}
		}
	}()
	defer func() { _ = c.Close(); <-done }()
	r := Look(t.Context(), []Server{{"turn:" + c.LocalAddr().String() + "?transport=udp", "u", "p"}}, time.Minute)[0]
	if r.OK || r.Srflx == nil || !strings.Contains(r.Why, "full [2J") || strings.ContainsFunc(r.Why, unicode.IsControl) || len(r.Why) > maxWhy+len("allocation: ") {
		t.Errorf("%+v", r)
	}
}

// A name is asked for at its first address of each family, IPv4 first.
func TestTargets(t *testing.T) {
	for want, found := range map[string][]string{
		"ipv4 192.0.2.1:3478":                         {"192.0.2.1", "192.0.2.2"},
		"ipv6 [2001:db8::1]:3478":                     {"2001:db8::1"},
		"ipv4 192.0.2.1:3478 ipv6 [2001:db8::1]:3478": {"2001:db8::1", "2001:db8::2", "::ffff:192.0.2.1"},
		"name: no address of that name":               {},
		"name: lookup x.example: it was a bad day":    nil,
	} {
		var got []string
		for _, target := range targets(t.Context(), Server{URL: "stun:x.example:3478"}, time.Minute, func(context.Context, string, string) ([]netip.Addr, error) {
			if found == nil {
				return nil, &net.DNSError{Err: "it was a bad day", Name: "x.example"}
			}
			var all []netip.Addr
			for _, a := range found {
				all = append(all, netip.MustParseAddr(a))
			}
			return all, nil
		}) {
			if target.r.Why != "" {
				got = append(got, target.r.Why)
				continue
			}
			got = append(got, string(target.r.Family), target.r.Server)
		}
		if all := strings.Join(got, " "); all != want {
			t.Errorf("%s of %v, want %s", all, found, want)
		}
	}
	none := func(context.Context, string, string) ([]netip.Addr, error) {
		t.Error("a name was asked for")
		return nil, nil
	}
	if got := targets(t.Context(), Server{URL: "turns:x.example:5349?transport=udp"}, time.Minute, none); len(got) != 1 || !strings.HasPrefix(got[0].r.Why, "url: ") || !strings.Contains(got[0].r.Why, "DTLS") {
		t.Errorf("a relay over DTLS: %+v", got)
	}
}
