package discover

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v2"
	"go.uber.org/goleak"

	"callmesh/probe/nat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a STUN server on two addresses of this host, which does with CHANGE-REQUEST what a test wants: coturn, which does it right, is asked in the laboratory.
type server struct {
	conns [4]*net.UDPConn // by address, then by port
	want  func(s *server, at int, m *stun.Message, change changeRequest) (from int, answer []stun.Setter)
}

// silence is the socket from which nothing is answered.
const silence = -1

func serve(t *testing.T, want func(s *server, at int, m *stun.Message, change changeRequest) (int, []stun.Setter)) *server {
	t.Helper()
	s := &server{want: want}
	var ports [2]uint16
	for i := range s.conns {
		addr := netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i/2)})
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, ports[i%2])))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		s.conns[i] = c
		ports[i%2] = s.addr(i).Port()
	}
	done := make(chan struct{}, len(s.conns))
	for i := range s.conns {
		go func() {
			defer func() { done <- struct{}{} }()
			s.run(i)
		}()
	}
	t.Cleanup(func() {
		for _, c := range s.conns {
			_ = c.Close()
		}
		for range s.conns {
			<-done
		}
	})
	return s
}

func (s *server) addr(i int) netip.AddrPort { return s.conns[i].LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *server) run(at int) {
	buf := make([]byte, 1500)
	for {
		n, to, err := s.conns[at].ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		if m.Decode() != nil {
			continue
		}
		var change changeRequest
		if v, err := m.Get(stun.AttrChangeRequest); err == nil && len(v) == 4 {
			change = changeRequest(v[3])
		}
		from, answer := s.want(s, at, m, change)
		if from == silence {
			continue
		}
		if answer == nil {
			answer = s.success(to)
		}
		if v, err := m.Get(stun.AttrResponsePort); err == nil && len(v) == 4 {
			to = netip.AddrPortFrom(to.Addr(), binary.BigEndian.Uint16(v))
		}
		if r, err := stun.Build(append([]stun.Setter{stun.NewTransactionIDSetter(m.TransactionID)}, answer...)...); err == nil {
			_, _ = s.conns[from].WriteToUDPAddrPort(r.Raw, to)
		}
	}
}

func (s *server) success(to netip.AddrPort) []stun.Setter {
	other := s.addr(3)
	return []stun.Setter{
		stun.BindingSuccess, &stun.XORMappedAddress{IP: to.Addr().AsSlice(), Port: int(to.Port())},
		&stun.OtherAddress{IP: other.Addr().AsSlice(), Port: int(other.Port())},
	}
}

func run(t *testing.T, s *server, o Options) *Result {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	o.Server, o.FirstWait, o.Tries = s.addr(0).String(), 100*time.Millisecond, 4
	r, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What one test can't tell takes nothing from what the others have told; and what a server says does not reach a terminal as it is.
func TestAServerThatRefusesOneTest(t *testing.T) {
	r := run(t, serve(t, func(_ *server, at int, _ *stun.Message, change changeRequest) (int, []stun.Setter) {
		if change == 0 {
			return at, nil
		}
		return at, []stun.Setter{stun.BindingError, stun.ErrorCodeAttribute{Code: stun.CodeUnknownAttribute, Reason: []byte("no \x1b[2J")}}
	}), Options{Hairpin: true})
	if r.UDP != UDPOpen || !r.Measured || r.Mapping != nat.EIM || r.Filtering != nat.FilteringUnknown || r.Hairpin == nil || !*r.Hairpin {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(r.Why, `filtering: the server refuses: 420 "no \x1b[2J"`) {
		t.Errorf("why: %q", r.Why)
	}
}

// Silence tells of filtering only where who was silent can be heard at all: a second address that is named and is dead makes no NAT strict.
func TestASecondAddressThatIsDead(t *testing.T) {
	t.Parallel()
	both := changeAddress | changePort
	for name, c := range map[string]struct {
		dead func(at int) bool // the server's sockets that neither hear nor speak
		want nat.Filtering
	}{
		"alive":               {func(int) bool { return false }, nat.ADF},
		"the address is dead": {func(at int) bool { return at >= 2 }, nat.FilteringUnknown},
		"all but the first":   {func(at int) bool { return at > 0 }, nat.FilteringUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, serve(t, func(_ *server, at int, _ *stun.Message, change changeRequest) (int, []stun.Setter) {
				switch {
				case c.dead(at) || change == both || change == changePort && c.dead(1): // the NAT filters by address
					return silence, nil
				case change == changePort:
					return 1, nil
				}
				return at, nil
			}), Options{})
			if r.Filtering != c.want || (c.want == nat.FilteringUnknown) != strings.Contains(r.Why, "does not answer when it is asked") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A second address of another family can be sent to from no socket of the first's: it tells nothing, and is not guessed by.
func TestASecondAddressOfAnotherFamily(t *testing.T) {
	r := run(t, serve(t, func(s *server, at int, _ *stun.Message, change changeRequest) (int, []stun.Setter) {
		if change&changeAddress != 0 {
			return silence, nil
		}
		if change == changePort {
			return 1, nil
		}
		return at, []stun.Setter{
			stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(127, 0, 0, 1), Port: 9}, &stun.OtherAddress{IP: net.ParseIP("2001:db8::2"), Port: int(s.addr(1).Port())},
		}
	}), Options{})
	if r.Mapping != nat.MappingUnknown || r.Filtering != nat.FilteringUnknown || !strings.Contains(r.Why, "is of another family") {
		t.Errorf("%+v", r)
	}
}

// A test for which there is no socket takes nothing from the others.
func TestATestWithoutASocket(t *testing.T) {
	tests := &tests{local: netip.MustParseAddr("192.0.2.1")} // nobody's here
	tests.o.Lifetime = time.Second
	for name, err := range map[string]error{
		"filtering": tests.filtering(t.Context(), netip.AddrPort{}), "path MTU": tests.pathMTU(t.Context()), "hairpin": tests.hairpin(t.Context()), "lifetime": tests.lifetime(t.Context()),
	} {
		if err != nil || !slices.ContainsFunc(tests.why, func(why string) bool { return strings.HasPrefix(why, name+": ") }) {
			t.Errorf("%s: %v, why %q", name, err, tests.why)
		}
	}
}

// Filtering is told by answers from where they were asked to come from, and by no others.
func TestAnswersFromElsewhereTellNothing(t *testing.T) {
	both := changeAddress | changePort
	for name, c := range map[string]struct {
		from map[changeRequest]int // which of the server's sockets answers
		want nat.Filtering
		says string
	}{
		"as it should be":                    {map[changeRequest]int{both: 3, changePort: 1}, nat.EIF, ""},
		"from the first, whatever it's told": {map[changeRequest]int{both: 0, changePort: 0}, nat.FilteringUnknown, "the server answers from 127.0.0.1:"},
		"from the first address":             {map[changeRequest]int{both: 1, changePort: 1}, nat.FilteringUnknown, "the server answers from 127.0.0.1:"},
		"from the first port":                {map[changeRequest]int{both: 2, changePort: 1}, nat.FilteringUnknown, "the server answers from 127.0.0.2:"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, serve(t, func(_ *server, at int, _ *stun.Message, change changeRequest) (int, []stun.Setter) {
				if from, ok := c.from[change]; ok {
					return from, nil
				}
				return at, nil
			}), Options{})
			if r.Mapping != nat.EIM || r.Filtering != c.want || !strings.Contains(r.Why, c.says) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A mapping is watched for as long as was asked for, and not only for the next shorter of the usual lifetimes: of 1 s that would be none.
func TestALifetimeIsWatchedAsLongAsAsked(t *testing.T) {
	r := run(t, serve(t, func(_ *server, at int, _ *stun.Message, _ changeRequest) (int, []stun.Setter) { return at, nil }), Options{Lifetime: time.Second})
	if r.LifetimeSeconds == nil || *r.LifetimeSeconds != 1 || !strings.Contains(r.Why, "at least 1s: longer was not waited") {
		t.Errorf("%+v, lifetime %v", r, r.LifetimeSeconds)
	}
	for upTo, want := range map[time.Duration][]time.Duration{
		time.Second: {0, time.Second}, 5 * time.Second: {0, 5 * time.Second}, 12 * time.Second: {0, 5 * time.Second, 10 * time.Second, 12 * time.Second},
	} {
		if got := watched(upTo); !slices.Equal(got, want) {
			t.Errorf("up to %s: %v, want %v", upTo, got, want)
		}
	}
}

// Whatever comes in as an answer is read without harm.
func FuzzAnswer(f *testing.F) {
	for _, setters := range [][]stun.Setter{
		{stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 1), Port: 1}, &stun.OtherAddress{IP: net.ParseIP("2001:db8::1"), Port: 2}},
		{stun.TransactionID, stun.BindingError, stun.ErrorCodeAttribute{Code: 420, Reason: []byte("no")}},
	} {
		m, err := stun.Build(setters...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &stun.Message{Raw: raw}
		if !stun.IsMessage(raw) || m.Decode() != nil {
			return
		}
		a, err := read(packet{message: m}, time.Time{})
		if err == nil && !a.mapped.IsValid() {
			t.Errorf("%x is an answer that tells no address", raw)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\n\x00") {
			t.Errorf("%q goes to a terminal", err)
		}
	})
}
