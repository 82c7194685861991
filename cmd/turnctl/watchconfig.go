package main

import (
	"net/netip"
	"regexp"
	"slices"
	"time"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/turnsecrets"
	"callmesh/turnctl/fleet"
	"callmesh/turnctl/turnauth"
)

// WatchConfig is everything that `turnctl watch` can be told.
type WatchConfig struct {
	URL            []string        `key:"url" example:"turn:relay.example.org:3478?transport=udp" help:"URL of the relay as callers are to use it, from 1 to 8; repeatable. Each is checked by itself, and only those that work are announced. Brackets may stand around an address of either family. Required."`
	ExternalIPFile string          `key:"external-ip-file" example:"/run/callmesh/external-ip" help:"File with the relay's public address, as turnctl node-address writes it: callers are told that in place of each address among the urls. Empty: they are told what is there."`
	Region         string          `key:"region" default:"local" help:"Region in which the relay stands: that of the edges which are nearest."`
	ID             string          `key:"id" example:"relay1" help:"Name of the relay in its region, in a-z, 0-9 and -. Default: the host of the first url."`
	Realm          string          `key:"realm" example:"example.org" help:"Realm of the relay. Default: whichever it says."`
	Secret         turnauth.Secret `key:"secret" help:"Secret shared with the relay. A file may hold several, one a line, and is read again when it changes: the relay is checked with the one that the bus names, or else with the first. Required."`

	CAFile string `key:"ca-file" example:"/etc/ssl/private-ca.pem" help:"Certificates to trust in place of the system's, PEM. Read for each check, since it is renewed with the relay's own, and may come only later."`

	NATSURL []string `key:"nats-url" example:"nats://a:4222,nats://b:4222" help:"NATS servers of the region's cluster. Required."`
	cli.NATSConfig

	Interval     time.Duration `key:"interval" default:"10s" help:"Within how long it is found out that the relay fails, from 2s to 2m. It is checked about four times in that; what is announced holds for as long."`
	FailAfter    int           `key:"fail-after" default:"2" help:"Checks in a row that must fail before a URL counts as failing."`
	RecoverAfter int           `key:"recover-after" default:"3" help:"Checks in a row that must pass before it counts as working again."`

	Capacity    int             `key:"capacity" default:"0" help:"Allocations that the relay can have. Default: its total-quota, if it tells."`
	CLIAddress  string          `key:"cli-address" default:"127.0.0.1:5766" help:"Address and port of coturn's command-line interface, by which the relay's load is known."`
	CLIPassword turnauth.Secret `key:"cli-password" help:"Its cli-password. Default: the load is not asked for."`

	AdminListen string `key:"admin-listen" default:"127.0.0.1:9091" help:"Address and port for /metrics, /livez and /readyz. It asks nobody who they are: keep it where only your monitoring is."`
	cli.LogConfig

	secretFile string // where the secret was read from; empty if from nowhere
}

// Check implements cli.Checker.
func (c *WatchConfig) Check(p *cli.Problems) {
	if len(c.URL) == 0 {
		p.Wrong("url", "not given; write it like turn:relay.example.org:3478?transport=udp")
	} else if len(c.URL) > wire.MaxRelayURLs {
		p.Wrong("url", "%d of them; give at most %d", len(c.URL), wire.MaxRelayURLs)
	}
	c.URL = withoutBrackets(c.URL)
	if c.ExternalIPFile != "" {
		address, err := readExternalIP(c.ExternalIPFile)
		if err != nil {
			p.Wrong("external-ip-file", "%s", err)
		}
		c.URL = outward(c.URL, address)
	}
	for i, u := range c.URL {
		parsed, err := wire.ParseRelayURL(u)
		if err != nil {
			p.Wrong("url", "%s", err)
		} else if i == 0 && c.ID == "" {
			c.ID = string(wire.RelayIDOf(parsed.Host))
		}
	}
	if _, err := wire.ParseRelayID(c.ID); err != nil && len(c.URL) > 0 {
		p.Wrong("id", "%q is not a name; write it like relay1, in at most 63 of a-z, 0-9 and -", c.ID)
	}
	checkRegion(p, c.Region)
	if c.Secret.IsZero() {
		p.Wrong("secret", "not given; give secret-file with the relay's static-auth-secret")
	} else if _, err := turnsecrets.Parse("the file", c.Secret.Reveal()); err != nil && p.Given("secret-file") {
		p.Wrong("secret-file", "%s", err)
	}
	if len(c.NATSURL) == 0 {
		p.Wrong("nats-url", "not given, and relays are announced on the bus; write it like nats://a:4222,nats://b:4222")
	}
	c.CheckNATS(p, c.NATSURL)
	if c.Interval < fleet.MinInterval || c.Interval > fleet.MaxInterval {
		p.Wrong("interval", "%s is not from %s to %s", c.Interval, fleet.MinInterval, fleet.MaxInterval)
	}
	if c.FailAfter < 1 || c.FailAfter > 5 {
		p.Wrong("fail-after", "%d is not from 1 to 5", c.FailAfter)
	}
	if c.RecoverAfter < 1 || c.RecoverAfter > 20 {
		p.Wrong("recover-after", "%d is not from 1 to 20", c.RecoverAfter)
	}
	if c.Capacity < 0 {
		p.Wrong("capacity", "%d is not 0 or more", c.Capacity)
	}
	p.CheckListen("cli-address", c.CLIAddress)
	p.CheckListen("admin-listen", c.AdminListen)
}

// inBrackets is an address of IPv4 that stands in a URL as one of IPv6 would.
var inBrackets = regexp.MustCompile(`\[([0-9.]+)\]`)

// withoutBrackets takes those of IPv4 addresses away: where an address is filled in that can be of either family, as Kubernetes fills in a node's, brackets stand around both.
func withoutBrackets(urls []string) []string {
	all := slices.Clone(urls)
	for i, u := range all {
		all[i] = inBrackets.ReplaceAllString(u, "$1")
	}
	return all
}

// outward puts a relay's public address in place of each address among its URLs; names stay, and so does all where there is none.
func outward(urls []string, public netip.Addr) []string {
	if !public.IsValid() {
		return urls
	}
	all := slices.Clone(urls)
	for i, u := range all {
		parsed, err := wire.ParseRelayURL(u)
		if err != nil {
			continue // which is said of it elsewhere
		}
		if _, err := netip.ParseAddr(parsed.Host); err == nil {
			parsed.Host = public.String()
			all[i] = parsed.String()
		}
	}
	return all
}
