package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/turnsecrets"
	"callmesh/edge/auth"
)

// Check implements cli.Checker: what must hold of the keys beyond their types.
func (c *Config) Check(p *cli.Problems) {
	c.checkAddresses(p)
	c.checkNATS(p)
	c.checkAuth(p)
	c.checkTLS(p)
	c.checkTURN(p)
	for _, o := range c.AllowedOrigin {
		u, err := url.Parse(o)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || o != u.Scheme+"://"+u.Host {
			p.Wrong("allowed-origin", "%q is not an origin; write it like https://app.example.org, without a path", o)
		}
	}
	c.checkClients(p)
	c.checkLimits(p)
	c.checkTraces(p)
	if c.DrainTimeout > 10*time.Minute {
		p.Wrong("drain-timeout", "%s is too long; at most 10m", c.DrainTimeout)
	}
}

func (c *Config) checkAddresses(p *cli.Problems) {
	for _, a := range []struct{ key, value string }{{"listen", c.Listen}, {"admin-listen", c.AdminListen}} {
		if _, _, err := splitAddr(a.value); err != nil {
			p.Wrong(a.key, "%s; write it like 127.0.0.1:8443", err)
		}
	}
	if c.Listen == c.AdminListen && !strings.HasSuffix(c.Listen, ":0") {
		p.Wrong("admin-listen", "the same as listen, %s; give it another port", c.Listen)
	}
	if _, err := wire.ParseRegion(c.Region); err != nil {
		p.Wrong("region", "%q is not a region; write it like eu-west, in at most 32 of a-z, 0-9 and -", c.Region)
	}
}

// checkClients checks who clients may be, and under which names they may ask.
func (c *Config) checkClients(p *cli.Problems) {
	for _, h := range c.AllowedHost {
		name := strings.TrimPrefix(h, "*.")
		if name == "" || strings.ContainsAny(name, "/:@* ") || strings.HasSuffix(name, ".") || strings.HasPrefix(name, ".") {
			p.Wrong("allowed-host", "%q is not a name; write it like calls.example.org, without a scheme or a port, or *.example.org for all right below", h)
		}
	}
	for _, r := range c.TrustedProxies {
		if r.Bits() == 0 {
			p.Wrong("trusted-proxies", "%s is everybody, who could then say to be anyone; give the addresses of your proxies, like 10.0.0.0/8", r)
		}
	}
}

func (c *Config) checkNATS(p *cli.Problems) {
	c.CheckNATS(p, c.NATSURL)
	embedded := len(c.NATSURL) == 0
	if c.AttemptsAge < time.Hour || c.AttemptsAge > 10*365*24*time.Hour {
		p.Wrong("attempts-age", "%s is not between 1h and ten years", c.AttemptsAge)
	}
	if !slices.Contains([]int{1, 3, 5}, c.NATSReplicas) {
		p.Wrong("nats-replicas", "%d is not 1, 3 or 5", c.NATSReplicas)
	} else if embedded && c.NATSReplicas > 1 {
		p.Wrong("nats-replicas", "the embedded NATS is one server and keeps 1; give nats-url for a cluster")
	}
	if embedded {
		for _, f := range []struct{ key, value string }{
			{"nats-creds", c.NATSCreds}, {"nats-nkey-file", c.NATSNKeyFile}, {"nats-ca", c.NATSCA}, {"nats-cert", c.NATSCert},
		} {
			if f.value != "" {
				p.Wrong(f.key, "needs nats-url; the embedded NATS takes none")
			}
		}
	}
	if c.NATSListen == "" {
		return
	}
	host, _, err := splitAddr(c.NATSListen)
	switch {
	case err != nil:
		p.Wrong("nats-listen", "%s; write it like 127.0.0.1:4222", err)
	case !embedded:
		p.Wrong("nats-listen", "needs the embedded NATS; leave out nats-url, or this")
	case !isLoopback(host):
		p.Wrong("nats-listen", "%s can be reached from other machines, and the embedded NATS asks nobody who they are; "+
			"write it like 127.0.0.1:4222, or run a NATS and give its nats-url", c.NATSListen)
	}
}

func (c *Config) checkAuth(p *cli.Problems) {
	if n := len(c.AuthSecret.Reveal()); n > 0 && n < auth.MinSecretBytes {
		key := "auth-secret"
		if p.Given("auth-secret-file") {
			key = "auth-secret-file"
		}
		p.Wrong(key, "the secret has %d bytes; HS256 needs at least %d, say from `openssl rand -base64 48`", n, auth.MinSecretBytes)
	}
	if c.AuthJWKSURL != "" {
		if err := auth.CheckJWKSURL(c.AuthJWKSURL); err != nil {
			p.Wrong("auth-jwks-url", "%s", err)
		}
		return
	}
	for _, f := range []struct{ key, value string }{{"auth-jwks-issuer", c.AuthJWKSIssuer}, {"auth-jwks-audience", c.AuthJWKSAudience}} {
		if f.value != "" {
			p.Wrong(f.key, "needs auth-jwks-url")
		}
	}
}

func (c *Config) checkTLS(p *cli.Problems) {
	var modes []string
	if c.TLSCert != "" || c.TLSKey != "" {
		modes = append(modes, "tls-cert")
	}
	if c.TLSSelfSigned {
		modes = append(modes, "tls-self-signed")
	}
	if c.TLSOff {
		modes = append(modes, "tls-off")
	}
	if len(modes) > 1 {
		p.Wrong(modes[len(modes)-1], "given together with %s; choose one", modes[0])
		return
	}
	p.CheckPair("tls-cert", c.TLSCert, "tls-key", c.TLSKey)
	if host, _, err := splitAddr(c.Listen); err == nil && len(modes) == 0 && !isLoopback(host) {
		p.Wrong("listen", "%s can be reached from other machines, and browsers give no camera to a page without TLS; "+
			"add tls-self-signed, or tls-cert and tls-key, or tls-off if something in front of the edge does TLS", c.Listen)
	}
}

func (c *Config) checkTURN(p *cli.Problems) {
	secretless := c.TURNSecret.IsZero()
	if _, err := turnsecrets.Parse("the file", c.TURNSecret.Reveal()); p.Given("turn-secret-file") && !secretless && err != nil {
		p.Wrong("turn-secret-file", "%s", err)
	}
	for _, s := range c.TURNURL {
		// One that a browser does not take fails each call, so they are read as strictly.
		scheme, rest, _ := strings.Cut(s, ":")
		if scheme = strings.ToLower(scheme); scheme == "stun" || scheme == "stuns" {
			if _, err := wire.ParseRelayURL("turn:" + rest); err != nil || strings.Contains(rest, "?") {
				p.Wrong("turn-url", "%q is no STUN server's URL; write it like stun:stun.example.org:3478", s)
			}
			continue
		}
		if _, err := wire.ParseRelayURL(s); err != nil {
			p.Wrong("turn-url", "%s", err)
			continue
		}
		if secretless {
			p.Wrong("turn-url", "%q needs the relay's secret; give turn-secret-file", s)
			secretless = false // said once
		}
	}
	if _, err := wire.ParseRegion(c.TURNFallback); c.TURNFallback != "" && err != nil {
		p.Wrong("turn-fallback", "%q is not a region; write it like eu-west, in at most 32 of a-z, 0-9 and -", c.TURNFallback)
	}
	if c.TURNMinPort == 0 || c.TURNMinPort > c.TURNMaxPort {
		p.Wrong("turn-min-port", "%d to %d (turn-max-port) is no range of ports; give the smaller first, 1 or more", c.TURNMinPort, c.TURNMaxPort)
	}
	if c.TURNTTL < time.Minute || c.TURNTTL > 7*24*time.Hour {
		p.Wrong("turn-ttl", "%s is not from 1m to 168h", c.TURNTTL)
	}
	if _, err := c.turnListen(); err != nil {
		key := "turn-listen"
		if c.TURNListen == "" {
			key = "listen"
		}
		if c.TURNListen != "" || c.TURNEmbedded {
			p.Wrong(key, "%s", err)
		}
	}
	if ip := c.TURNRelayIP; ip.IsValid() && (ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "") {
		p.Wrong("turn-relay-ip", "%s cannot be reached by anyone; give the address under which others see this machine", ip)
	}
}

// bad is an address that is none.
func bad(addr string) error { return fmt.Errorf("%q is not an address and a port", addr) }
