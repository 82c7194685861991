package audit_test

import (
	"bytes"
	"crypto/rand"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/bus/wire"
	"callmesh/turnctl/audit"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// refuse answers a request with a code, unless it is none.
func refuse(b []byte, say func([]byte) error, code stun.ErrorCode) {
	m := &stun.Message{Raw: bytes.Clone(b)}
	if m.Decode() != nil || m.Type.Class != stun.ClassRequest {
		return
	}
	_ = say(stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, stun.ClassErrorResponse),
		stun.ErrorCodeAttribute{Code: code, Reason: []byte("no")}, stun.NewRealm("realm"), stun.NewNonce(rand.Text())).Raw)
}

func signed(b []byte) bool {
	m := &stun.Message{Raw: bytes.Clone(b)}
	return m.Decode() == nil && m.Contains(stun.AttrUsername)
}

// An audit of a relay that is none ends, and says that it could not be measured.
func TestHostileRelays(t *testing.T) {
	for name, answer := range map[string]turntest.Answer{
		"silence":         func([]byte, netip.AddrPort, func([]byte) error) {},
		"garbage":         func(_ []byte, _ netip.AddrPort, say func([]byte) error) { _ = say(bytes.Repeat([]byte{0x3f}, 1400)) },
		"401 without end": func(b []byte, _ netip.AddrPort, say func([]byte) error) { refuse(b, say, 401) },
		"438 without end": func(b []byte, _ netip.AddrPort, say func([]byte) error) {
			if signed(b) {
				refuse(b, say, 438)
			} else {
				refuse(b, say, 401)
			}
		},
		"441 without end": func(b []byte, _ netip.AddrPort, say func([]byte) error) { refuse(b, say, 441) },
		"silence once it is signed": func(b []byte, _ netip.AddrPort, say func([]byte) error) {
			if !signed(b) {
				refuse(b, say, 401)
			}
		},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				at := turntest.Impostor(t, network, answer)
				u, err := wire.ParseRelayURL("turn:" + at.String() + "?transport=" + network)
				if err != nil {
					t.Fatal(err)
				}
				target := audit.TargetAt(u)
				began := time.Now()
				r := audit.Run(t.Context(), audit.Options{
					Target: &target, Secret: secret, Version: coturn.Debian, Allocations: 100, Timeout: 300 * time.Millisecond,
				})
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %s", took)
				}
				if r.Exit() != verdict.ExitUnmeasured {
					t.Errorf("exit %d: %v", r.Exit(), r.Items)
				}
			})
		}
	}
}

// A relay on which Connect could not be tried is not said to have refused it.
func TestConnectUntried(t *testing.T) {
	at := turntest.Impostor(t, "tcp", func(b []byte, _ netip.AddrPort, say func([]byte) error) {
		m := &stun.Message{Raw: bytes.Clone(b)}
		var name stun.Username
		if m.Decode() != nil || name.GetFrom(m) != nil {
			refuse(b, say, 401)
			return
		}
		key := stun.NewLongTermIntegrity(name.String(), "realm", turnauth.Password(secret, name.String()))
		switch {
		case key.Check(m) != nil:
			refuse(b, say, 401)
		case m.Type.Method == stun.MethodConnect:
			refuse(b, say, 437)
		case m.Type.Method == stun.MethodAllocate:
			_ = say(stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, stun.ClassSuccessResponse), key).Raw)
		default:
			refuse(b, say, 403)
		}
	})
	u, err := wire.ParseRelayURL("turn:" + at.String() + "?transport=tcp")
	if err != nil {
		t.Fatal(err)
	}
	target := audit.TargetAt(u)
	r := audit.Run(t.Context(), audit.Options{Target: &target, Secret: secret, Version: coturn.Debian, Timeout: 300 * time.Millisecond})
	var tried, ok bool
	for _, i := range r.Items {
		tried = tried || i.Status == verdict.Unknown && strings.HasPrefix(i.Summary, "Connect to 127.0.0.1 could not be tried on an IPv4")
		ok = ok || i.Name == "relay.tcp" && i.Status == verdict.OK
	}
	if !tried || ok || r.Exit() != verdict.ExitUnmeasured {
		t.Errorf("%v", r.Items)
	}
}
