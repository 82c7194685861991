package main

import (
	"net/netip"
	"path/filepath"

	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/turnsecrets"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
)

// RelayConfig is what an operator says about one relay. The tags are explained in package cli.
type RelayConfig struct {
	Region         string       `key:"region" default:"local" help:"The relay's region, as in edges: a name."`
	ListenIP       []netip.Addr `key:"listen-ip" want:"an IP address" example:"203.0.113.7" help:"Address at which clients reach the relay; repeatable, for IPv4 and IPv6."`
	RelayIP        []netip.Addr `key:"relay-ip" want:"an IP address" example:"203.0.113.7" help:"Address of this host that peers see; repeatable. Default: those of listen-ip."`
	ExternalIP     netip.Addr   `key:"external-ip" want:"an IP address" example:"203.0.113.7" help:"Public address, where relay-ip is behind a NAT that passes all ports on as they are."`
	ExternalIPFile string       `key:"external-ip-file" example:"/run/callmesh/external-ip" help:"File with external-ip, as turnctl node-address writes it; empty where there is none."`
	SecondIP       netip.Addr   `key:"second-ip" want:"an IP address" example:"203.0.113.8" help:"Another address of this host, to offer NAT behaviour discovery (RFC 5780). Default: not offered."`
	Port           uint16       `key:"port" default:"3478" help:"Port for UDP and TCP."`
	TLSPort        uint16       `key:"tls-port" default:"5349" help:"Port for TLS; 443 gets through most firewalls."`
	MinPort        uint16       `key:"min-port" default:"49152" help:"First relay port."`
	MaxPort        uint16       `key:"max-port" default:"65535" help:"Last relay port. Each allocation takes one."`

	Realm          string          `key:"realm" example:"example.org" help:"The name that credentials are made for: the same on all relays that share a secret."`
	Secret         turnauth.Secret `key:"secret" help:"Secret shared with whoever mints credentials. It is put into userdb, and never printed. A file may hold several, one a line, as during a rotation."`
	UserDB         string          `key:"userdb" default:"/var/lib/turn/turndb" help:"coturn's SQLite database, which holds the shared secrets."`
	SecretInConfig bool            `key:"secret-in-config" default:"false" help:"Put the secret into turnserver.conf in place of userdb; needs -o. It then takes a restart to change it."`

	TLSCert string `key:"tls-cert" example:"/etc/coturn/tls.crt" help:"PEM file with the certificate chain; coturn's user must be able to read it."`
	TLSKey  string `key:"tls-key" example:"/etc/coturn/tls.key" help:"PEM file with the key of tls-cert, in the same way."`
	TLSOff  bool   `key:"tls-off" default:"false" help:"Do without TLS."`
	DTLS    bool   `key:"dtls" default:"false" help:"Serve DTLS too. No browser asks for it."`

	TCPRelay      bool           `key:"tcp-relay" default:"false" help:"Relay to peers over TCP too (RFC 6062). No browser asks for it."`
	UserQuota     int            `key:"user-quota" default:"100" help:"Most allocations of one user at a time. A call takes one for each relay URL and peer."`
	TotalQuota    int            `key:"total-quota" default:"0" help:"Most allocations at a time. 0: what the ports allow, at most 10000."`
	SessionBytes  int            `key:"session-bytes" default:"3000000" help:"Most bytes a second of one allocation, in each direction; 0 for no bound. 3000000 are 24 Mbit/s."`
	CapacityBytes int            `key:"capacity-bytes" default:"0" help:"Most bytes a second of all allocations, each of which takes session-bytes of it; 0 for no bound."`
	AllowPeer     []netip.Prefix `key:"allow-peer" want:"a range of addresses" example:"10.0.0.0/8" help:"Range of private addresses that peers may have; repeatable. Whatever is allowed here is open to every user."`
	DenyPeer      []netip.Prefix `key:"deny-peer" want:"a range of addresses" example:"203.0.113.64/26" help:"Range of addresses that peers may not have, beside private and reserved ones; repeatable."`

	CLIPassword    turnauth.Secret `key:"cli-password" help:"Password of coturn's telnet interface on 127.0.0.1, which turnctl drain needs before coturn 4.6.3. Default: no interface."`
	CLIPort        uint16          `key:"cli-port" default:"5766" help:"Its port."`
	PrometheusPort uint16          `key:"prometheus-port" default:"0" help:"Port of coturn's own metrics, where it was built with them: Debian's was not. 0 for none."`
	Log            string          `key:"log" default:"stdout" help:"Where coturn logs to: stdout, syslog, or the path of a file."`

	CoturnVersion coturn.Version `key:"coturn-version" want:"a version of coturn" example:"4.6.1" help:"Version to render for. Default: that of the turnserver on this machine, or 4.6.1."`
}

// Check implements cli.Checker.
func (c *RelayConfig) Check(p *cli.Problems) {
	// To render is not to change the host's own database unasked.
	if !c.Secret.IsZero() && !c.SecretInConfig && !p.Given("userdb") {
		p.Wrong("secret", "given, but not the userdb to put it into; give userdb, like /var/lib/turn/turndb")
	}
	c.check(p)
}

// check is what holds for every command with these keys.
func (c *RelayConfig) check(p *cli.Problems) {
	if len(c.RelayIP) == 0 {
		c.RelayIP = c.ListenIP
	}
	if c.ExternalIPFile != "" && p.Given("external-ip") {
		p.Wrong("external-ip-file", "given together with external-ip; give one of them")
	} else if c.ExternalIPFile != "" {
		address, err := readExternalIP(c.ExternalIPFile)
		if err != nil {
			p.Wrong("external-ip-file", "%s", err)
		}
		c.ExternalIP = address
	}
	// coturn would look for them from where it is started.
	for _, path := range []*string{&c.UserDB, &c.TLSCert, &c.TLSKey, &c.Log} {
		if absolute, err := filepath.Abs(*path); err == nil && *path != "" && *path != "stdout" && *path != "syslog" {
			*path = absolute
		}
	}
	if c.SessionBytes < 0 || c.CapacityBytes < 0 {
		p.Wrong("session-bytes", "less than 0, as is capacity-bytes or this; give bytes a second, or 0 for no bound")
		return
	}
	if c.SecretInConfig && c.Secret.IsZero() {
		p.Wrong("secret-in-config", "needs the secret; give secret-file")
	}
	if len(c.secrets()) > turnsecrets.Most {
		p.Wrong("secret", "%d of them, one a line; keep at most %d, the one to use first", len(c.secrets()), turnsecrets.Most)
	}
	for _, problem := range c.relay(!c.Secret.IsZero()).Check(c.version()) {
		p.Wrong(problem.Key, "%s", problem.Text)
	}
}

// secrets are those of Secret, the one to use first.
func (c *RelayConfig) secrets() []turnauth.Secret { return turnauth.ParseSecrets(c.Secret.Reveal()) }

// version is the one to render for; Prometheus and all else follows from it.
func (c *RelayConfig) version() coturn.Version {
	if c.CoturnVersion.IsZero() {
		return coturn.Debian
	}
	return c.CoturnVersion
}

// relay is the package's view of it, with the secret in the configuration where that is wanted.
func (c *RelayConfig) relay(withSecret bool) coturn.Relay {
	r := coturn.Relay{
		Region: c.Region, Listen: c.ListenIP, Relays: c.RelayIP, External: c.ExternalIP, Second: c.SecondIP,
		Port: c.Port, TLSPort: c.TLSPort, MinPort: c.MinPort, MaxPort: c.MaxPort, Realm: c.Realm, UserDB: c.UserDB,
		Cert: c.TLSCert, Key: c.TLSKey, TLSOff: c.TLSOff, DTLS: c.DTLS, TCPRelay: c.TCPRelay, UserQuota: c.UserQuota, TotalQuota: c.TotalQuota,
		SessionBytes: uint64(c.SessionBytes), CapacityBytes: uint64(c.CapacityBytes), AllowPeers: c.AllowPeer, DenyPeers: c.DenyPeer,
		CLIPort: c.CLIPort, CLIPassword: c.CLIPassword, PrometheusPort: c.PrometheusPort, Log: c.Log,
		// From 4.14 on, coturn brings its own.
		HasPrometheus: c.version().AtLeast(4, 14, 0),
	}
	if withSecret {
		r.Secrets = c.secrets()
	}
	if c.SecretInConfig {
		r.UserDB = ""
	}
	return r
}
