package check_test

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// Of a relay with two addresses, each fault in what RFC 5780 asks of it is named. Calls go on without, so it stays healthy.
func TestDiscovery(t *testing.T) {
	const changeRequest = "udp dport 3478 @ih,160,16 0x0003 " // the first attribute behind the header of 20 bytes
	for name, c := range map[string]struct {
		listen []string
		rules  string
		status verdict.Status
		words  string
	}{
		"all of it":        {status: verdict.OK, words: "each for the first when CHANGE-REQUEST asks for that"},
		"one address":      {listen: turntest.Public[:1], status: verdict.Skipped, words: "no second address"},
		"another family":   {listen: []string{turntest.Public[0], turntest.Public6[0]}, status: verdict.Warn, words: "two listening-ip lines of one family"},
		"second address":   {rules: "ip daddr 203.0.113.2 udp dport 3478 drop", status: verdict.Warn, words: "203.0.113.2:3478 does not answer"},
		"second port":      {rules: "ip daddr 203.0.113.1 udp dport 3479 drop", status: verdict.Warn, words: "203.0.113.1:3479 does not answer"},
		"no change at all": {rules: changeRequest + "drop", status: verdict.Warn, words: "asked for change-port, 203.0.113.1:3478 has nothing come from 203.0.113.1:3479"},
		"no change of the address": {
			rules: changeRequest + "@ih,216,8 0x04 drop", status: verdict.Warn, words: "asked for change-ip, 203.0.113.1:3478 has nothing come from 203.0.113.2:3478",
		},
		"no change of both": {
			rules: changeRequest + "@ih,216,8 0x06 drop", status: verdict.Warn,
			words: "asked for change-ip and change-port, 203.0.113.1:3478 has nothing come from 203.0.113.2:3479",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.listen == nil {
				c.listen = turntest.Public[:2]
			}
			r := turntest.Start(t, turntest.Options{Listen: c.listen})
			o := options(t, r, r.URL("turn", "udp"))
			if c.rules != "" {
				turntest.Firewall(t, c.rules)
				o.Timeout = 1600 * time.Millisecond // the end of it is waited for
			}
			report := run(t, o)
			wantExit(t, report, verdict.ExitHealthy)
			found := item(t, report, "udp4.rfc5780")
			if said := found.Summary + found.Fix; found.Status != c.status || !strings.Contains(said, c.words) {
				t.Errorf("%s: %s; want %s with %q", found.Status, said, c.status, c.words)
			}
		})
	}
}

// A relay that answers CHANGE-REQUEST as if it had not been asked is found by where the answer comes from.
func TestChangeRequestPassedOver(t *testing.T) {
	addresses := []netip.AddrPort{}
	for _, s := range []string{"203.0.113.1:3478", "203.0.113.1:3479", "203.0.113.2:3478", "203.0.113.2:3479"} {
		addresses = append(addresses, netip.MustParseAddrPort(s))
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	for n, a := range addresses {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(a))
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() { bindings(conn, a, addresses[len(addresses)-1-n]) })
		defer func() { _ = conn.Close() }()
	}
	o := options(t, &turntest.Relay{Secret: turnauth.NewSecret("of-no-relay-0123456789")}, "turn:203.0.113.1:3478?transport=udp")
	o.Timeout = time.Second
	wantItem(t, run(t, o), "udp4.rfc5780", verdict.Warn, "asked for change-port, 203.0.113.1:3478 answers from 203.0.113.1:3478 in place of 203.0.113.1:3479")
}

// bindings answers each Binding from where it came to, until conn is closed.
func bindings(conn *net.UDPConn, own, other netip.AddrPort) {
	b := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
		if m.Decode() != nil || m.Type != stun.BindingRequest {
			continue
		}
		answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
			&stun.ResponseOrigin{IP: own.Addr().AsSlice(), Port: int(own.Port())}, &stun.OtherAddress{IP: other.Addr().AsSlice(), Port: int(other.Port())})
		if err == nil {
			_, _ = conn.WriteToUDPAddrPort(answer.Raw, from)
		}
	}
}
