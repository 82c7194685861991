package edge

import (
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, peer, header string
		lines              []string // of the header that the proxies write
		want               string
		direct, ignored    bool
	}{
		{"a direct client", "192.0.2.1:5000", "", nil, "192.0.2.1", true, false},
		{"a direct client over IPv6", "[2001:db8::1]:5000", "", nil, "2001:db8::1", true, false},
		{"IPv4 in IPv6 clothes", "[::ffff:192.0.2.1]:5000", "", nil, "192.0.2.1", true, false},
		{"a client that makes it up", "192.0.2.1:5000", "", []string{"198.51.100.7"}, "192.0.2.1", true, true},
		{"through a proxy", "10.0.0.1:5000", "", []string{"192.0.2.1"}, "192.0.2.1", false, false},
		{"a proxy over IPv4 in IPv6", "[::ffff:10.0.0.1]:5000", "", []string{"192.0.2.1"}, "192.0.2.1", false, false},
		{"through two", "10.0.0.1:5000", "", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1", false, false},
		{"made up before a proxy", "10.0.0.1:5000", "", []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1", false, false},
		{"made up in a line of its own", "10.0.0.1:5000", "", []string{"198.51.100.7", "192.0.2.1"}, "192.0.2.1", false, false},
		{"this machine's, made up", "10.0.0.1:5000", "", []string{"127.0.0.1, 10.7.7.7"}, "127.0.0.1", false, false},
		{"with a port", "10.0.0.1:5000", "", []string{"192.0.2.1:61234"}, "192.0.2.1", false, false},
		{"IPv6", "[fd00::1]:5000", "", []string{"2001:db8::9"}, "2001:db8::9", false, false},
		{"IPv6 with a port", "10.0.0.1:5000", "", []string{"[2001:db8::9]:443"}, "2001:db8::9", false, false},
		{"IPv6 in brackets", "10.0.0.1:5000", "", []string{"[2001:db8::9]"}, "2001:db8::9", false, false},
		{"all are proxies", "10.0.0.1:5000", "", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", false, false},
		{"a proxy itself", "10.0.0.1:5000", "", nil, "10.0.0.1", true, false},
		{"unknown", "10.0.0.1:5000", "", []string{"192.0.2.1, unknown"}, "10.0.0.1", false, false},
		{"nothing", "10.0.0.1:5000", "", []string{""}, "10.0.0.1", false, false},
		{"RFC 7239", "10.0.0.1:5000", HeaderForwarded, []string{`for=198.51.100.7;proto=http, For=192.0.2.1;by=10.0.0.1`}, "192.0.2.1", false, false},
		{"RFC 7239, IPv6", "10.0.0.1:5000", HeaderForwarded, []string{`proto=https;for="[2001:db8::9]:4711"`}, "2001:db8::9", false, false},
		{"RFC 7239, an open quote", "10.0.0.1:5000", HeaderForwarded, []string{`for="198.51.100.7, for=192.0.2.1`}, "192.0.2.1", false, false},
		{"RFC 7239, hidden", "10.0.0.1:5000", HeaderForwarded, []string{`for=192.0.2.1, for=_hidden`}, "10.0.0.1", false, false},
	} {
		header := tt.header
		if header == "" {
			header = HeaderXForwardedFor
		}
		// The other header is always the client's word.
		other := map[string]string{HeaderForwarded: HeaderXForwardedFor, HeaderXForwardedFor: HeaderForwarded}[header]
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.lines != nil {
			r.Header[header] = tt.lines
			r.Header.Set(other, "203.0.113.99")
		}
		trust := &proxyTrust{proxies: trusted, header: tt.header}
		addr, direct, ignored := trust.client(r)
		if addr.String() != tt.want || direct != tt.direct || ignored != tt.ignored {
			t.Errorf("%s: %s, direct %v, ignored %v; want %s, %v, %v", tt.name, addr, direct, ignored, tt.want, tt.direct, tt.ignored)
		}
	}
}

func TestAddressGroup(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::": "2001:db8:1:2::",
		"fe80::1%eth0": "fe80::", "::1": "::",
	} {
		if got := addressGroup(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("%s is of %s, want %s", a, got, want)
		}
	}
	if got := addressGroup(netip.Addr{}); got.IsValid() {
		t.Errorf("no address is of %s", got)
	}
}

func TestBucket(t *testing.T) {
	var b bucket
	now := time.Unix(1000, 0)
	for i := range 5 {
		if ok, _ := b.take(now, 1, 2, 5); !ok {
			t.Fatalf("the %dth of a burst of 5 is refused", i)
		}
	}
	if ok, wait := b.take(now, 1, 2, 5); ok || wait != 500*time.Millisecond {
		t.Errorf("over the burst: %v, wait %s", ok, wait)
	}
	if ok, _ := b.take(now.Add(400*time.Millisecond), 1, 2, 5); ok {
		t.Error("passed too early")
	}
	if ok, _ := b.take(now.Add(500*time.Millisecond), 1, 2, 5); !ok {
		t.Error("not passed after the wait")
	}
	b.give(3)
	if ok, _ := b.take(now.Add(500*time.Millisecond), 3, 2, 5); !ok {
		t.Error("what was given back is not there")
	}
	if ok, _ := b.take(now.Add(time.Hour), 6, 2, 5); ok {
		t.Error("more than a burst after a long time")
	}
	if ok, wait := b.take(now.Add(time.Hour), 1e12, 1e-6, 5); ok || wait < time.Hour {
		t.Errorf("never: %v, %s", ok, wait)
	}
}

func TestBookIsBounded(t *testing.T) {
	b := newBook[int](100)
	busy := b.enter(-1)
	busy.sockets = 7
	for i := range 10_000 {
		b.leave(b.enter(i))
		if i%10 == 0 {
			b.leave(b.enter(0)) // who keeps coming is not the oldest
		}
		if n := b.size(); n > 100 {
			t.Fatalf("%d accounts", n)
		}
	}
	if b.known[0] == nil || b.known[9_999] == nil || b.known[5_000] != nil {
		t.Error("not the longest idle was forgotten")
	}
	if b.enter(-1) != busy || b.known[-1].sockets != 7 {
		t.Error("an account in use was forgotten")
	}
	// More in use than the limit: none is forgotten until it is idle.
	var used []*entry[int]
	for i := range 200 {
		used = append(used, b.enter(20_000+i))
	}
	for i, e := range used {
		if b.known[20_000+i] != e {
			t.Fatal("an account in use was forgotten")
		}
	}
	for _, e := range used {
		b.leave(e)
	}
	if n := b.size(); n > 100 {
		t.Errorf("%d accounts, want at most 100", n)
	}
	b.leave(nil)
}

func TestBookAtOnce(t *testing.T) {
	b := newBook[int](10)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				e := b.enter((i * (g + 1)) % 50)
				e.mu.Lock()
				e.sockets++
				e.sockets--
				e.mu.Unlock()
				b.leave(e)
			}
		})
	}
	wg.Wait()
	if n := b.size(); n != 10 || len(b.known) != b.idle.Len() {
		t.Errorf("%d accounts, %d idle", n, b.idle.Len())
	}
}

func TestLoan(t *testing.T) {
	pot := &budget{limit: 1000}
	addr := &entry[netip.Addr]{}
	borrow := func(a *entry[netip.Addr]) *loan { return &loan{budget: pot, addr: a, share: 600, most: 500} }
	state := func(used, lent int) {
		t.Helper()
		if int(pot.used.Load()) != used || addr.lent != lent {
			t.Errorf("%d in use, %d by the address; want %d, %d", pot.used.Load(), addr.lent, used, lent)
		}
	}
	first := borrow(addr)
	if !first.take(500) || first.take(1) {
		t.Error("a loan has another bound than its own")
	}
	state(500, 500)
	second := borrow(addr)
	if !second.take(100) || second.take(1) {
		t.Error("an address has another bound than its share")
	}
	third := borrow(nil)
	if !third.take(400) || third.take(1) {
		t.Error("all have another bound than the budget")
	}
	state(1000, 600)
	first.pay(200)
	first.keep(100)
	state(600, 200)
	first.keep(400)
	first.pay(1000)
	first.end()
	state(500, 100)
	if first.take(1) {
		t.Error("a loan that has ended lends")
	}
	second.end()
	second.end()
	third.end()
	state(0, 0)
	if second.owes() {
		t.Error("something is owed after the end")
	}
}

func TestGuestName(t *testing.T) {
	for _, tt := range []struct{ typed, want, wrong string }{
		{"Ann", "Ann", ""},
		{"  Ann \t van\u00a0\u3000der  Berg\n", "Ann van der Berg", ""},
		{"王小明", "王小明", ""},
		{"Jose\u0301", "José", ""},
		{"ﬁ", "ﬁ", ""}, // NFC keeps what NFKC would not
		{"a\u200bd\u200cm\u2060i\ufeffn", "admin", ""},
		{"a\u00addmin\ufe0f", "admin", ""},
		{"ad\u034fmin\u3164\u115f", "admin", ""},
		{"e\u200d\u0301", "é", ""},
		{"👩\u200d⚕\ufe0f", "👩\u200d⚕\ufe0f", ""},
		{"👩🏽\u200d🚀", "👩🏽\u200d🚀", ""},
		{"👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧", ""},
		{"👩\u200dAnn", "👩Ann", ""},
		{"👩\u200d", "👩", ""},
		{"🏴\U000e0067\U000e007f", "🏴", ""},
		{"นี้", "นี้", ""},
		{"שָׁלוֹם", "שָׁלוֹם", ""},
		{"a\u202eb", "a\u202eb", ""}, // the signer refuses it
		{"a\u0000b", "a\u0000b", ""},
		{"", "", "name is empty: want 1 to 64 characters"},
		{" \u200b\u2800\u3164\u2060 ", "", "name is empty: want 1 to 64 characters"},
		{"\u0301\u0302", "", "name is empty: want 1 to 64 characters"},
		{"Ann\ue000", "", "name: U+E000 is no character that others could see: leave it out"},
		{"Ann\U000f0000", "", "name: U+F0000 is no character that others could see: leave it out"},
		{"Ann\u0378", "", "name: U+0378 is no character that others could see: leave it out"},
		{"Z\u0335\u0336\u0337\u0338\u0340", "", "name has more than 4 marks on one letter"},
	} {
		got, err := guestName(tt.typed)
		message := ""
		if err != nil {
			message = err.Message
		}
		if got != tt.want || message != tt.wrong {
			t.Errorf("%q: %q, %q; want %q, %q", tt.typed, got, message, tt.want, tt.wrong)
		}
		if again, _ := guestName(got); again != got && err == nil {
			t.Errorf("%q is not its own form: %q", got, again)
		}
	}
}

func FuzzGuestName(f *testing.F) {
	for _, s := range []string{"Ann", "👩\u200d⚕\ufe0f", "e\u200d\u0301", "\u0301", " \u2028x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := guestName(typed)
		if err != nil {
			return
		}
		if again, err := guestName(name); err != nil || again != name {
			t.Errorf("%q gives %q, which gives %q, %v", typed, name, again, err)
		}
	})
}

func TestHostAllowed(t *testing.T) {
	names := []string{"calls.example.org", "*.wild.example"}
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8443": true, "app.localhost:8443": true, "LOCALHOST": true, "127.0.0.1:8443": true, "[::1]:8443": true, "[::1]": true,
		"192.0.2.1": true, "calls.example.org": true, "Calls.Example.ORG:443": true, "calls.example.org.": true, "a.wild.example": true,
		"wild.example": false, "a.b.wild.example": false, "evil.example": false, "calls.example.org.evil.example": false, "xcalls.example.org": false,
		"": false, "localhost.evil.example": false, "127.0.0.1.evil.example:8443": false, "1.2.3.4.5": false, "notlocalhost": false,
	} {
		if got := hostAllowed(host, names); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
