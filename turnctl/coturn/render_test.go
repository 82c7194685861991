package coturn_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
)

var update = flag.Bool("update", false, "write the golden files anew")

// full is a relay that uses what there is to use.
func full() coturn.Relay {
	return coturn.Relay{
		Region: "eu-west", Listen: addrs("203.0.113.7", "2001:db8::7"), Relays: addrs("203.0.113.7", "2001:db8::7"), Second: netip.MustParseAddr("203.0.113.8"),
		Port: 3478, TLSPort: 443, MinPort: 49152, MaxPort: 65535, Realm: "example.org", UserDB: "/var/lib/turn/turndb",
		Cert: "/etc/coturn/tls.crt", Key: "/etc/coturn/tls.key", UserQuota: 100, SessionBytes: 3_000_000, CapacityBytes: 120_000_000,
		AllowPeers: prefixes("10.9.0.0/16"), DenyPeers: prefixes("203.0.113.64/26"), CLIPort: 5766, CLIPassword: turnauth.NewSecret(cliPassword),
	}
}

// plain is a relay behind NAT, with as little as possible.
func plain() coturn.Relay {
	return coturn.Relay{
		Listen: addrs("10.0.0.7"), Relays: addrs("10.0.0.7"), External: netip.MustParseAddr("203.0.113.7"), Port: 3478, MinPort: 50000, MaxPort: 50999, Realm: "example.org",
		UserDB: "/var/lib/turn/turndb", TLSOff: true, UserQuota: 100,
	}
}

const cliPassword = "a-password-for-draining"

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := coturn.Diff(path, string(want), "rendered", got); d != "" {
		t.Errorf("differs (-update writes it anew):\n%s", d)
	}
	if strings.Contains(got, cliPassword) {
		t.Error("the password of the telnet interface is shown")
	}
}

func TestRenderGolden(t *testing.T) {
	for _, v := range []coturn.Version{{4, 6, 1}, {4, 6, 3}, {4, 7, 0}, {4, 9, 0}, {4, 10, 0}, {4, 11, 0}, {4, 17, 2}} {
		for name, r := range map[string]coturn.Relay{"full": full(), "plain": plain()} {
			c, err := r.Render(v)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+"-"+v.String()+".conf", string(c.Bytes()))
		}
	}
}

func TestDeployGolden(t *testing.T) {
	golden(t, "full.systemd", full().Systemd(coturn.Debian, "/etc/turnserver.conf"))
	compose, err := full().Compose(coturn.Newest, "./turnserver.conf")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "full.compose.yaml", compose)
	for name, r := range map[string]coturn.Relay{"full": full(), "plain": plain()} {
		values, err := r.Values(coturn.Newest, "turn.example.org")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".values.yaml", values)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(*coturn.Relay)
		key, want string
	}{
		"no address":             {func(r *coturn.Relay) { r.Listen = nil }, "listen-ip", "like 203.0.113.7"},
		"mapped address":         {func(r *coturn.Relay) { r.Listen = addrs("::ffff:203.0.113.7") }, "listen-ip", "no address of a host"},
		"few ports":              {func(r *coturn.Relay) { r.MaxPort = r.MinPort + 10 }, "max-port", "max-port 49251"},
		"ports turned round":     {func(r *coturn.Relay) { r.MaxPort = 2000 }, "min-port", "is no range"},
		"port among relay ports": {func(r *coturn.Relay) { r.Port = 50000 }, "port", "lies among the relay ports"},
		"same port for TLS":      {func(r *coturn.Relay) { r.TLSPort = r.Port }, "tls-port", "5349 or 443"},
		"no realm":               {func(r *coturn.Relay) { r.Realm = "" }, "realm", "like example.org"},
		"realm of two lines":     {func(r *coturn.Relay) { r.Realm = "a\nno-auth" }, "realm", "is no realm"},
		"region of two lines":    {func(r *coturn.Relay) { r.Region = "a\nno-auth" }, "region", "like eu-west"},
		"no certificate":         {func(r *coturn.Relay) { r.Cert = "" }, "tls-cert", "or say tls-off"},
		"certificate, and off":   {func(r *coturn.Relay) { r.TLSOff = true }, "tls-off", "give one or the other"},
		"path of two lines":      {func(r *coturn.Relay) { r.UserDB = "/a\nno-auth" }, "userdb", "another path"},
		"short secret":           {func(r *coturn.Relay) { r.Secrets = []turnauth.Secret{turnauth.NewSecret("short")} }, "secret", "openssl rand"},
		"capacity alone":         {func(r *coturn.Relay) { r.SessionBytes = 0 }, "capacity-bytes", "needs session-bytes"},
		"no quota":               {func(r *coturn.Relay) { r.UserQuota = 0 }, "user-quota", "like 100"},
		"two behind NAT": {
			func(r *coturn.Relay) { r.External, r.Second = netip.MustParseAddr("192.0.2.1"), netip.Addr{} }, "external-ip",
			"opens the private ones",
		},
		"behind a NAT of IPv4": {
			func(r *coturn.Relay) {
				r.Listen, r.Relays, r.Second, r.External = addrs("fd00::7"), nil, netip.Addr{}, netip.MustParseAddr("192.0.2.1")
			}, "external-ip",
			"of different families",
		},
		"discovery with one family": {func(r *coturn.Relay) { r.Listen = addrs("2001:db8::7") }, "second-ip", "two of one family"},
		"Prometheus of Debian":      {func(r *coturn.Relay) { r.PrometheusPort = 9641 }, "prometheus-port", "knows no Prometheus"},
		"short CLI password":        {func(r *coturn.Relay) { r.CLIPassword = turnauth.NewSecret("short") }, "cli-password", "openssl rand"},
	} {
		r := full()
		c.change(&r)
		ps := r.Check(coturn.Debian)
		if !slices.ContainsFunc(ps, func(p coturn.Problem) bool { return p.Key == c.key && strings.Contains(p.Text, c.want) }) {
			t.Errorf("%s: %+v; want %s: %s", name, ps, c.key, c.want)
		}
		if _, err := r.Render(coturn.Debian); err == nil {
			t.Errorf("%s: rendered all the same", name)
		}
	}
	if ps := full().Check(coturn.Debian); len(ps) > 0 {
		t.Errorf("a sound one: %+v", ps)
	}
}

// Where there is no IPv4 to relay by, who asks for no family gets IPv6; where there is, IPv4, as RFC 8656 has it.
func TestFamilyOfWhoAsksForNone(t *testing.T) {
	for want, relays := range map[string][]netip.Addr{"ipv6": addrs("fd00::7"), "": append(addrs("10.0.0.7"), addrs("fd00::7")...)} {
		r := plain()
		r.Listen, r.Relays, r.External = relays, nil, netip.Addr{}
		c, err := r.Render(coturn.Debian)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Get("allocation-default-address-family"); got != want {
			t.Errorf("%v: %q, want %q", relays, got, want)
		}
	}
}

// A relay on loopback or on a private address lets its own callers meet, and nobody else in.
func TestOwnAddressIsAllowed(t *testing.T) {
	r := plain()
	r.External = netip.Addr{}
	c, err := r.Render(coturn.Debian)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Values("allowed-peer-ip"); !slices.Equal(got, []string{"10.0.0.7"}) || c.On("allow-loopback-peers") {
		t.Errorf("allowed: %v", got)
	}
	r.Listen, r.Relays = addrs("127.0.0.1"), addrs("127.0.0.1")
	if c, err = r.Render(coturn.Debian); err != nil {
		t.Fatal(err)
	}
	if got := c.Values("allowed-peer-ip"); !slices.Equal(got, []string{"127.0.0.1"}) || !c.On("allow-loopback-peers") {
		t.Errorf("allowed: %v", got)
	}
	// Behind NAT, callers are told external-ip, and what they send there coturn takes for its own address.
	if c, err = plain().Render(coturn.Debian); err != nil || !slices.Equal(c.Values("allowed-peer-ip"), []string{plain().Relays[0].String()}) || c.Get("external-ip") != "203.0.113.7" {
		t.Errorf("behind NAT: %v, allowed: %v", err, c.Values("allowed-peer-ip"))
	}
}
