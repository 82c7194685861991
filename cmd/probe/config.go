package main

import (
	"net"
	"strconv"
	"time"

	"github.com/pion/stun/v2"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/turnauth"
)

// Config is everything that probe can be told. The tags are explained in package cli.
type Config struct {
	Server   string        `key:"server" example:"stun:stun.example.org:3478" help:"STUN server to ask, as a URL of RFC 7064. To tell behaviours it needs a second address, as coturn with two listening-ip has."`
	Hairpin  bool          `key:"hairpin" default:"false" help:"Also test whether hosts behind this NAT reach each other by their outer addresses. Firewalls read the test as an attack."`
	Lifetime time.Duration `key:"lifetime" default:"0s" example:"2m" help:"Also watch how long a mapping lasts that is not used, up to so long, which is how long it takes. 0: not at all."`
	Wait     time.Duration `key:"wait" default:"500ms" help:"How long the first request waits for its answer; each of the next three waits twice as long."`
	Gateway  string        `key:"gateway" default:"ask" oneof:"off,ask,map" help:"Whether the default gateway is asked if it opens ports by UPnP, NAT-PMP and PCP. map: it is also told to open one for two minutes, which is then closed again."`

	URL    string          `key:"url" example:"wss://calls.example.org" help:"Edge through which two hosts meet."`
	Token  turnauth.Secret `key:"token" help:"Token for the edge, as edge token prints it."`
	Room   string          `key:"room" example:"probe-1" help:"Room in which the two meet; nobody else should be there."`
	Mode   string          `key:"mode" default:"all" oneof:"direct,relay-udp,relay-tcp,relay-tls,all" help:"Which paths an attempt may take."`
	Repeat int             `key:"repeat" default:"1" help:"How many attempts are made."`
	Limit  time.Duration   `key:"limit" default:"20s" help:"How long an attempt may take before it has failed."`
	Meet   time.Duration   `key:"meet" default:"1m" help:"How long to wait for the other host to come, and before that for a relay where the mode needs one."`
	CA     string          `key:"ca" example:"/etc/callmesh/ca.pem" help:"PEM file with the authorities that the edge's certificate is checked against. Default: the system's."`

	Kinds    []string `key:"kinds" example:"open,eim-apdf,tls-only" help:"Kinds of sites in the laboratory. Default: all."`
	Modes    []string `key:"modes" example:"direct,relay-tls" help:"Modes in which pairs are tried in the laboratory. Default: direct and the three by relays."`
	Parallel int      `key:"parallel" default:"16" help:"How many pairs are tried at once in the laboratory; most of the time they wait."`

	Output string `key:"output" default:"text" oneof:"text,json,csv,html,prometheus" help:"Form of the result."`
}

// Check implements cli.Checker.
func (c *Config) Check(p *cli.Problems) {
	if c.Server != "" {
		if _, err := c.server(); err != nil {
			p.Wrong("server", "%s", err)
		}
	}
	if c.Lifetime < 0 || c.Lifetime > 10*time.Minute {
		p.Wrong("lifetime", "%s is not between 0 and 10m", c.Lifetime)
	}
	if c.Repeat < 1 || c.Repeat > 10_000 {
		p.Wrong("repeat", "%d is not between 1 and 10000", c.Repeat)
	}
	if c.Limit < time.Second || c.Limit > 5*time.Minute {
		p.Wrong("limit", "%s is not between 1s and 5m", c.Limit)
	}
	if c.Parallel < 1 || c.Parallel > 100 {
		p.Wrong("parallel", "%d is not between 1 and 100", c.Parallel)
	}
	if c.Wait < 10*time.Millisecond || c.Wait > 10*time.Second {
		p.Wrong("wait", "%s is not between 10ms and 10s", c.Wait)
	}
}

// server is the host and port of the server.
func (c *Config) server() (string, error) { return stunServer(c.Server) }

func stunServer(url string) (string, error) {
	u, err := stun.ParseURI(url)
	if err != nil || u.Scheme != stun.SchemeTypeSTUN {
		return "", cli.Usage("%q is not a STUN server's URL; write it like stun:stun.example.org:3478", url)
	}
	return net.JoinHostPort(u.Host, strconv.Itoa(u.Port)), nil
}
