package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/turnauth"
)

// Config is everything that `edge serve` can be told. The tags are explained in package cli.
type Config struct {
	Listen      string `key:"listen" default:"127.0.0.1:8443" example:"127.0.0.1:8443" help:"Address and port for the page and its WebSockets. Other machines need an address of this one, or 0.0.0.0, and TLS."`
	AdminListen string `key:"admin-listen" default:"127.0.0.1:9090" example:"127.0.0.1:9090" help:"Address and port for /metrics. It asks nobody who they are: keep it where only your monitoring is."`
	Region      string `key:"region" default:"local" help:"The region's name: the same on all edges that share a NATS cluster."`
	DataDir     string `key:"data-dir" example:"/var/lib/callmesh" help:"Directory for what the edge keeps: secrets it made, its self-signed certificate, the embedded NATS. Default: $XDG_STATE_HOME/callmesh, or ~/.local/state/callmesh."`

	NATSURL []string `key:"nats-url" example:"nats://a:4222,nats://b:4222" help:"NATS servers to join, of one cluster. Default: an embedded one, for this edge alone."`
	cli.NATSConfig
	AttemptsAge  time.Duration `key:"attempts-age" default:"720h" help:"How long it is kept in this region what attempts to connect came to: those of probe, and those that pages report, without names and addresses. The same on all edges of a region."`
	NATSReplicas int           `key:"nats-replicas" default:"1" help:"On how many NATS servers each stream is kept: 1, 3 or 5. More than 1 needs a cluster of that many."`
	NATSListen   string        `key:"nats-listen" example:"127.0.0.1:4222" help:"Address and port at which other edges on this machine can join the embedded NATS. Default: none."`

	AuthSecret       turnauth.Secret `key:"auth-secret" help:"Secret of at least 32 bytes that signs tokens (HS256) and what sessions resume with: the same on all edges. Default: one is made and kept in data-dir/auth-secret."`
	AuthJWKSURL      string          `key:"auth-jwks-url" example:"https://id.example.org/jwks.json" help:"URL of the public keys that verify the tokens of your own sign-in (RS256, ES256, EdDSA)."`
	AuthJWKSIssuer   string          `key:"auth-jwks-issuer" example:"https://id.example.org" help:"Only accept those tokens with this iss."`
	AuthJWKSAudience string          `key:"auth-jwks-audience" example:"callmesh" help:"Only accept those tokens with this aud. Set it if your sign-in serves other applications too."`
	Guests           bool            `key:"guests" default:"false" help:"Let people in who only give a name."`

	TLSCert       string `key:"tls-cert" example:"/etc/callmesh/tls.crt" help:"PEM file with the certificate chain for the page, read again when it changes."`
	TLSKey        string `key:"tls-key" example:"/etc/callmesh/tls.key" help:"PEM file with the key of tls-cert."`
	TLSSelfSigned bool   `key:"tls-self-signed" default:"false" help:"Make a certificate for all addresses of this machine. Browsers ask once whether to trust it."`
	TLSOff        bool   `key:"tls-off" default:"false" help:"Serve plain HTTP also to other machines, because something in front of this edge does TLS."`

	TURNSecret    turnauth.Secret `key:"turn-secret" help:"Secret shared with the relays, those on the bus too. A file may hold several, one a line, and is read again when it changes: each relay's credentials are signed with the one that the bus names for it, or else with the first. Default: with turn-embedded, one is made and kept in data-dir/turn-secret."`
	TURNURL       []string        `key:"turn-url" example:"turn:relay.example.org:3478?transport=udp" help:"Relays to tell the page about, in the order in which it should try them; repeatable. stun: URLs need no secret. They come after those relays of the region that the bus has (turnctl watch) and before those of another region; the bus alone judges a relay that is named here and there."`
	TURNEmbedded  bool            `key:"turn-embedded" default:"false" help:"Run a relay inside this process."`
	TURNListen    string          `key:"turn-listen" example:"127.0.0.1:3478" help:"IP address and port of the embedded relay, UDP and TCP. Default: the address of listen, port 3478."`
	TURNRelayIP   netip.Addr      `key:"turn-relay-ip" want:"an IP address" example:"203.0.113.7" help:"Address under which others reach the embedded relay; behind NAT, the outer one. Default: that of turn-listen, or this machine's main address."`
	TURNMinPort   uint16          `key:"turn-min-port" default:"49152" help:"First UDP port of the embedded relay's range."`
	TURNMaxPort   uint16          `key:"turn-max-port" default:"65535" help:"Last UDP port of the embedded relay's range."`
	TURNAllowPeer []netip.Prefix  `key:"turn-allow-peer" want:"a range of addresses" example:"10.0.0.0/8" help:"Range of private addresses that the embedded relay may send to; repeatable. Default: none, since what is allowed here is open to every user."`
	TURNFallback  string          `key:"turn-fallback" example:"us-east" help:"Region whose relays follow those of this one, from what the bus has. Default: the one whose relays have most to give."`
	TURNTTL       time.Duration   `key:"turn-ttl" default:"12h" help:"How long a credential for the relays can start a relayed call."`

	AllowedHost    []string       `key:"allowed-host" example:"calls.example.org" help:"Name under which this edge may be asked for, besides localhost and IP addresses; repeatable. Default: any; but none when listening on loopback without TLS, where whoever comes under another name is a proxy on this machine or a page that was pointed here (DNS rebinding)."`
	TrustedProxies []netip.Prefix `key:"trusted-proxies" want:"a range of addresses" example:"10.0.0.0/8" help:"Ranges of addresses whose word about a client's address is taken: those of your load balancers; repeatable. Of the header that they write, the right-most address that is none of theirs counts."`
	ProxyHeader    string         `key:"proxy-header" default:"x-forwarded-for" oneof:"x-forwarded-for,forwarded" help:"Header in which the trusted proxies give it. The other one is passed over, as clients could write it."`

	AllowedOrigin []string      `key:"allowed-origin" example:"https://app.example.org" help:"Origin of another site whose pages may connect; repeatable. Default: only the edge's own page."`
	DrainTimeout  time.Duration `key:"drain-timeout" default:"30s" help:"Over how long sessions are sent to other edges when this one stops."`

	TraceEndpoint string          `key:"trace-endpoint" example:"http://127.0.0.1:4318/v1/traces" help:"URL of an OpenTelemetry collector to send traces of requests to, OTLP over HTTP. They hold ids of rooms and sessions, and no names, texts or addresses. Default: nothing is traced."`
	TraceHeader   turnauth.Secret `key:"trace-header" help:"Header by which the collector knows you, as Authorization: Bearer KEY."`
	TraceRatio    ratio           `key:"trace-ratio" default:"0.01" want:"a number from 0 to 1" help:"Share of the requests that is traced, from 0 to 1. Of a request that another edge traces, the delivery here is traced too."`

	LimitsConfig
	cli.LogConfig

	turnSecretFile string // where turn-secret was read from; empty if from nowhere
}

// allowedHosts are the names to be asked for; nil means any. With TLS the certificate already says what the edge's names are.
func (c *Config) allowedHosts() []string {
	if len(c.AllowedHost) > 0 {
		return c.AllowedHost
	}
	if host, _, err := splitAddr(c.Listen); err == nil && isLoopback(host) && c.tls() == tlsPlain {
		return []string{}
	}
	return nil
}

// dataDir is where the edge keeps what must outlive it.
func (c *Config) dataDir() string {
	if c.DataDir != "" {
		return c.DataDir
	}
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "callmesh")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "callmesh") // a user without a home, as in some containers
	}
	return filepath.Join(home, ".local", "state", "callmesh")
}

// tls says how the page is served.
func (c *Config) tls() tlsMode {
	switch {
	case c.TLSSelfSigned:
		return tlsSelfSigned
	case c.TLSCert != "" || c.TLSKey != "":
		return tlsFiles
	}
	return tlsPlain
}

type tlsMode int

const (
	tlsPlain tlsMode = iota
	tlsSelfSigned
	tlsFiles
)
