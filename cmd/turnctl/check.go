package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/check"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// CheckConfig is the configuration of turnctl check.
type CheckConfig struct {
	URL        []string        `key:"url" example:"turn:turn.example.com:3478?transport=udp" help:"URL of the relay as callers are given it, repeatable: turn: or turns:, with ?transport=udp or tcp."`
	Secret     turnauth.Secret `key:"secret" help:"Shared secret of the relay, static-auth-secret in turnserver.conf; credentials are minted from it. Of a file with several, one a line, the first."`
	Realm      string          `key:"realm" example:"example.com" help:"Realm that the relay is to say; empty: any."`
	Timeout    time.Duration   `key:"timeout" default:"3s" help:"How long each answer is waited for."`
	Packets    int             `key:"packets" default:"50" help:"How many packets measure round trip, jitter and loss; 20 ms between them."`
	Quick      bool            `key:"quick" default:"false" help:"Leave out throughput, TCP relaying and RFC 5780, and check the URLs side by side."`
	CAFile     string          `key:"ca-file" example:"/etc/ssl/private-ca.pem" help:"Certificates to trust in place of the system's, PEM."`
	ServerName string          `key:"server-name" example:"turn.example.com" help:"Name that certificates are to be for; empty: the URL's host."`
	OutputConfig

	urls  []turnclient.URL
	roots *x509.CertPool
}

// Check reports what is wrong with the configuration, and reads what its keys name.
func (c *CheckConfig) Check(p *cli.Problems) {
	if len(c.URL) == 0 {
		p.Wrong("url", "missing; give one like turn:turn.example.com:3478?transport=udp")
	}
	for _, s := range c.URL {
		u, err := wire.ParseRelayURL(s)
		if err != nil {
			p.Wrong("url", "%s", err)
			continue
		}
		c.urls = append(c.urls, u)
	}
	if c.Secret.IsZero() {
		p.Wrong("secret", "missing; put the relay's static-auth-secret into a file and give it as --secret-file FILE")
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute {
		p.Wrong("timeout", "%s is not from 100ms to 1m; write it like 3s", c.Timeout)
	}
	if c.Packets < 1 || c.Packets > 1000 {
		p.Wrong("packets", "%d is not from 1 to 1000; write it like 50", c.Packets)
	}
	if c.CAFile == "" {
		return
	}
	b, err := os.ReadFile(c.CAFile)
	if err != nil {
		p.Wrong("ca-file", "%s", err)
		return
	}
	if c.roots = x509.NewCertPool(); !c.roots.AppendCertsFromPEM(b) {
		p.Wrong("ca-file", "%s holds no certificate in PEM form", c.CAFile)
	}
}

// firstOf is the secret to use of a file that may hold several, one a line.
func firstOf(s turnauth.Secret) turnauth.Secret {
	if list := turnauth.ParseSecrets(s.Reveal()); len(list) > 0 {
		return list[0]
	}
	return turnauth.Secret{}
}

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check --url URL --secret-file FILE",
		Short: "Prove that a relay does what callers need, step by step: 0 healthy, 1 unhealthy, 3 could not be measured",
		Args:  cobra.NoArgs,
	}
	cfg := new(CheckConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		o := check.Options{
			URLs: cfg.urls, Secret: firstOf(cfg.Secret), Realm: cfg.Realm, Timeout: cfg.Timeout, Packets: cfg.Packets, Quick: cfg.Quick,
			Roots: cfg.roots, ServerName: cfg.ServerName,
		}
		progress := verdict.Terminal(os.Stderr)
		if progress {
			o.Progress = func(url, step string) { fmt.Fprintf(os.Stderr, "\r\x1b[K%s  %s", url, step) }
		}
		r := check.Run(c.Context(), o)
		if progress {
			fmt.Fprint(os.Stderr, "\r\x1b[K")
		}
		return cfg.report(c, &r)
	}
	withConfigCommands(c, "turnctl check", func() any { return new(CheckConfig) })
	return c
}
