package check_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/bus/wire"
	"callmesh/turnctl/check"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// parse reads a request; nil for what is none.
func parse(b []byte) *stun.Message {
	m := &stun.Message{Raw: bytes.Clone(b)}
	if m.Decode() != nil {
		return nil
	}
	return m
}

// made is an answer to a request, or another message with its transaction.
func made(m *stun.Message, class stun.MessageClass, more ...stun.Setter) []byte {
	return stun.MustBuild(append([]stun.Setter{stun.NewTransactionIDSetter(m.TransactionID), stun.NewType(m.Type.Method, class)}, more...)...).Raw
}

func refusal(m *stun.Message, code stun.ErrorCode, reason string) []byte {
	return made(m, stun.ClassErrorResponse, stun.ErrorCodeAttribute{Code: code, Reason: []byte(reason)}, stun.NewRealm("realm"), stun.NewNonce(rand.Text()))
}

// bound answers Binding as it should be, so that the ladder goes on; it says whether it did.
func bound(m *stun.Message, from netip.AddrPort, say func([]byte) error) bool {
	if m.Type.Method != stun.MethodBinding {
		return false
	}
	_ = say(made(m, stun.ClassSuccessResponse, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}))
	return true
}

// authentic is the attribute by which whoever knows the secret signs.
func authentic(m *stun.Message) stun.Setter {
	var name stun.Username
	_ = name.GetFrom(m)
	return stun.NewLongTermIntegrity(name.String(), "realm", turnauth.Password(impostorSecret, name.String()))
}

var impostorSecret = turnauth.NewSecret("of-an-impostor-0123456789")

// huge is a message of an attribute that is as long as lengths can say, and of 64 KiB in all.
func huge(m *stun.Message) []byte {
	b := make([]byte, 65532)
	binary.BigEndian.PutUint16(b, stun.NewType(m.Type.Method, stun.ClassErrorResponse).Value())
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20))
	binary.BigEndian.PutUint32(b[4:], 0x2112a442)
	copy(b[8:20], m.TransactionID[:])
	binary.BigEndian.PutUint16(b[20:], uint16(stun.AttrErrorCode))
	binary.BigEndian.PutUint16(b[22:], uint16(len(b)-24))
	copy(b[24:], []byte{0, 0, 4, 1})
	for n := 28; n < len(b); n++ {
		b[n] = 'x'
	}
	return b
}

// What a hostile relay does. Each is found unhealthy, in bounded time and memory.
var hostile = map[string]turntest.Answer{
	"silence": func([]byte, netip.AddrPort, func([]byte) error) {},
	"garbage": func(_ []byte, _ netip.AddrPort, say func([]byte) error) {
		b := make([]byte, 1400)
		_, _ = rand.Read(b)
		_ = say(b)
	},
	"another transaction": func(b []byte, _ netip.AddrPort, say func([]byte) error) {
		if m := parse(b); m != nil {
			m.TransactionID = stun.NewTransactionID()
			_ = say(made(m, stun.ClassSuccessResponse))
		}
	},
	"another transaction, from the challenge on": func(b []byte, from netip.AddrPort, say func([]byte) error) {
		if m := parse(b); m != nil && !bound(m, from, say) {
			m.TransactionID = stun.NewTransactionID()
			_ = say(made(m, stun.ClassSuccessResponse))
		}
	},
	"huge attributes": func(b []byte, _ netip.AddrPort, say func([]byte) error) {
		if m := parse(b); m != nil {
			_ = say(huge(m))
		}
	},
	"huge realm and nonce": func(b []byte, from netip.AddrPort, say func([]byte) error) {
		if m := parse(b); m != nil && !bound(m, from, say) {
			long := make([]byte, 20_000)
			_ = say(made(m, stun.ClassErrorResponse, turnclient.Raw(stun.AttrErrorCode, append([]byte{0, 0, 4, 1}, long...)...), turnclient.Raw(stun.AttrRealm, long...),
				turnclient.Raw(stun.AttrNonce, long...)))
		}
	},
	"401 without end": func(b []byte, from netip.AddrPort, say func([]byte) error) {
		if m := parse(b); m != nil && !bound(m, from, say) {
			_ = say(refusal(m, 401, "\x1b[2J\u202eUnauthorized\n"))
		}
	},
	"438 without end": func(b []byte, from netip.AddrPort, say func([]byte) error) {
		if m := parse(b); m != nil && !bound(m, from, say) {
			code := stun.ErrorCode(401)
			if m.Contains(stun.AttrUsername) {
				code = 438
			}
			_ = say(refusal(m, code, "again"))
		}
	},
	"success by who does not know the secret": func(b []byte, from netip.AddrPort, say func([]byte) error) {
		m := parse(b)
		switch {
		case m == nil || bound(m, from, say):
		case !m.Contains(stun.AttrUsername):
			_ = say(refusal(m, 401, "Unauthorized"))
		default:
			_ = say(made(m, stun.ClassSuccessResponse, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: 1}))
		}
	},
	"a flood before the first answer": func(_ []byte, _ netip.AddrPort, say func([]byte) error) {
		flood(say, append([]byte{0x40, 0, 0x05, 0x78}, make([]byte, 1400)...))
	},
	"a flood of echoes once it has let in": func(b []byte, from netip.AddrPort, say func([]byte) error) {
		m := parse(b)
		switch {
		case m == nil || bound(m, from, say):
		case !m.Contains(stun.AttrUsername):
			_ = say(refusal(m, 401, "Unauthorized"))
		case m.Type.Method == stun.MethodAllocate:
			_ = say(made(m, stun.ClassSuccessResponse, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
				turnclient.Raw(stun.AttrXORRelayedAddress, 0, 1, 0x21, 0x13, 0x5e, 0x12, 0xa4, 0x43), turnclient.Lifetime(time.Hour), authentic(m)))
		default:
			_ = say(made(m, stun.ClassSuccessResponse, turnclient.Lifetime(time.Hour), authentic(m)))
			echoes := append([]byte{0x40, 0, 0x04, 0}, make([]byte, 1024)...)
			echoes[4] = 'e'
			flood(say, echoes, made(m, stun.ClassIndication))
		}
	},
}

// flood says the same over and over, for a second.
func flood(say func([]byte) error, packets ...[]byte) {
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		for _, p := range packets {
			if say(p) != nil {
				return
			}
		}
	}
}

func TestHostileRelays(t *testing.T) {
	for name, answer := range hostile {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				at := turntest.Impostor(t, network, answer)
				u, err := wire.ParseRelayURL("turn:" + at.String() + "?transport=" + network)
				if err != nil {
					t.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				report := run(t, check.Options{URLs: []turnclient.URL{u}, Secret: impostorSecret, Timeout: 200 * time.Millisecond, Packets: 5})
				// About thirty waits of 200 ms and some of a second there are; without a bound it would not end.
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("it took %s", took)
				}
				runtime.ReadMemStats(&after)
				if grown := int64(after.Sys) - int64(before.Sys); grown > 128<<20 {
					t.Errorf("it took %d MiB", grown>>20)
				}
				wantExit(t, report, verdict.ExitUnhealthy)
				if said := text(t, report); strings.ContainsAny(said, "\x1b\u202e") || len(said) > 20_000 {
					t.Errorf("what it says is not fit for a terminal, in %d bytes: %.500q", len(said), said)
				}
			})
		}
	}
}

// A handshake that is not one ends too.
func TestHostileHandshakes(t *testing.T) {
	for _, name := range []string{"silence", "garbage", "a flood before the first answer"} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				at := turntest.Impostor(t, network, hostile[name])
				u, err := wire.ParseRelayURL("turns:" + at.String() + "?transport=" + network)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				report := run(t, check.Options{URLs: []turnclient.URL{u}, Secret: impostorSecret, Timeout: 300 * time.Millisecond})
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
				wantExit(t, report, verdict.ExitUnhealthy)
			})
		}
	}
}

// Where others hold the relay's ports, coturn looks for one for seconds before it says so.
func TestPortsUsedUpByOthers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const search = 2 * time.Second // and the wait for an answer is 1 s
	at := turntest.Impostor(t, "udp", func(b []byte, from netip.AddrPort, say func([]byte) error) {
		m := parse(b)
		switch {
		case m == nil || bound(m, from, say):
		case !m.Contains(stun.AttrUsername):
			_ = say(refusal(m, 401, "Unauthorized"))
		default:
			select {
			case <-time.After(search):
			case <-ctx.Done():
			}
			_ = say(refusal(m, 508, "Cannot create socket"))
		}
	})
	u, err := wire.ParseRelayURL(fmt.Sprintf("turn:%s?transport=udp", at))
	if err != nil {
		t.Fatal(err)
	}
	report := run(t, check.Options{URLs: []turnclient.URL{u}, Secret: impostorSecret, Timeout: time.Second, Quick: true})
	wantExit(t, report, verdict.ExitUnhealthy)
	wantItem(t, report, "udp4.allocate", verdict.Fail, "the relay's ports are used up: no allocation is to be had, and it searched for 2")
}

// A relay goes on to know clients by their port when they are gone. Who is given such a port is not refused for their credential, and a wrong credential
// is not let in: another socket tells.
func TestPortOfSomebodyBefore(t *testing.T) {
	var mu sync.Mutex // guards clients
	clients := map[netip.AddrPort]int{}
	at := turntest.Impostor(t, "udp", func(b []byte, from netip.AddrPort, say func([]byte) error) {
		m := parse(b)
		if m == nil || bound(m, from, say) {
			return
		}
		if !m.Contains(stun.AttrUsername) {
			_ = say(refusal(m, 401, "Unauthorized"))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if _, known := clients[from]; !known {
			clients[from] = len(clients)
		}
		var name stun.Username
		_ = name.GetFrom(m)
		expiry, _, err := turnauth.ParseUsername(name.String())
		key := stun.NewLongTermIntegrity(name.String(), "realm", turnauth.Password(impostorSecret, name.String()))
		switch {
		case clients[from]%2 == 0: // every other one is taken for somebody else
			_ = say(refusal(m, 437, "Allocation mismatch: wrong credentials"))
		case err != nil || key.Check(m) != nil || expiry.Before(time.Now()):
			_ = say(refusal(m, 401, "Unauthorized"))
		default:
			_ = say(refusal(m, 486, "Allocation Quota Reached"))
		}
	})
	u, err := wire.ParseRelayURL("turn:" + at.String() + "?transport=udp")
	if err != nil {
		t.Fatal(err)
	}
	report := run(t, check.Options{URLs: []turnclient.URL{u}, Secret: impostorSecret, Quick: true})
	wantItem(t, report, "udp4.allocate", verdict.Fail, "the quota is full")
	wantItem(t, report, "udp4.refuses.wrong-secret", verdict.OK, "is refused")
	wantItem(t, report, "udp4.refuses.expired", verdict.OK, "is refused")
}
