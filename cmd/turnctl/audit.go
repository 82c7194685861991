package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/audit"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/ownaddr"
	"callmesh/turnctl/turnauth"
)

// AuditConfig is what `turnctl audit` can be told. The tags are explained in package cli.
type AuditConfig struct {
	URL           string          `key:"url" example:"turn:relay.example.org:3478?transport=udp" help:"A relay of yours that runs, to try what an attacker would. Default: where --config says that it listens, if that is here."`
	Secret        turnauth.Secret `key:"secret" help:"The relay's shared secret, to make credentials with. Default: the one that --config names."`
	CoturnVersion coturn.Version  `key:"coturn-version" want:"a version of coturn" example:"4.6.1" help:"Version that --config is for. Default: that of the turnserver on this machine, or 4.6.1."`
	Allocations   int             `key:"allocations" default:"128" help:"How many allocations one user tries to have at a time, to see a quota hold; 0 to leave that out."`
	CLIPort       uint16          `key:"cli-port" default:"5766" help:"Where coturn's telnet interface would be, if --config does not say."`
	OutputConfig

	target audit.Target // of URL
}

// Check implements cli.Checker.
func (c *AuditConfig) Check(p *cli.Problems) {
	if c.Allocations < 0 || c.Allocations > 1000 {
		p.Wrong("allocations", "%d is not 0 to 1000; they are all held at a time", c.Allocations)
	}
	if c.URL != "" {
		u, err := wire.ParseRelayURL(c.URL)
		if err != nil {
			p.Wrong("url", "%s", err)
		}
		c.target = audit.TargetAt(u)
	}
}

func auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit --config turnserver.conf | --url turn:HOST:PORT",
		Short: "Try to abuse a relay as an attacker would, and read what its configuration lets them",
		Long: `Read a turnserver.conf for what an attacker could use, line by line, and try the same with the relay that runs:
peers on loopback, in private networks and at metadata services in every form, allocations without credentials,
with well-known secrets, without end, and doors that stand open beside. What is sent through the relay goes to
sockets of the audit's own on this host, and Connect to this host's own addresses or the relay's own loopback;
no other host hears of it.

With --config alone the relay is tried if it runs at an address of this machine; none is started.
Exits 1 where there is a finding; what only an upgrade of coturn mends is a warning.`,
		Args: cobra.NoArgs,
	}
	cfg := new(AuditConfig)
	path := c.Flags().String("config", "", "turnserver.conf to read")
	b := cli.BindFile(c, "settings", cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		if *path == "" && cfg.URL == "" {
			return cli.Usage("nothing to audit; give --config /etc/turnserver.conf, or --url turn:HOST:3478?transport=udp")
		}
		o, err := cfg.options(c.Context(), *path)
		if err != nil {
			return err
		}
		return cfg.report(c, audit.Run(c.Context(), o))
	}
	withConfigCommands(c, "turnctl audit", func() any { return new(AuditConfig) })
	return c
}

func (c *AuditConfig) options(ctx context.Context, path string) (audit.Options, error) {
	o := audit.Options{Path: path, Version: c.CoturnVersion, Secret: firstOf(c.Secret), Allocations: c.Allocations}
	if o.Version.IsZero() {
		v, err := coturn.Installed(ctx, "turnserver")
		if err != nil {
			v = coturn.Debian
		}
		o.Version = v
	}
	if path != "" {
		info, err := os.Stat(path)
		if err != nil {
			return o, cli.Usage("--config: %w", err)
		}
		conf, err := coturn.ReadConfig(path)
		if err != nil {
			return o, cli.Usage("--config: %w", err)
		}
		o.Config, o.Mode = &conf, info.Mode()
		o.DatabaseSecrets = databaseSecrets(ctx, conf)
		if o.Secret.IsZero() {
			o.Secret = firstSecret(conf, o.DatabaseSecrets)
		}
	}
	if c.URL != "" {
		c.target.CLIPort = c.CLIPort
		o.Target = &c.target
		return o, nil
	}
	t, err := audit.TargetOf(*o.Config, o.Version, ownaddr.List())
	if err != nil {
		o.NoTarget = fmt.Sprintf("only the file was read: %s; give --url to try the relay", err)
		return o, nil
	}
	if t.CLIPort == 0 {
		t.CLIPort = c.CLIPort
	}
	if !audit.Answers(ctx, t) {
		o.NoTarget = fmt.Sprintf("only the file was read: no relay answers at %s", t.URL)
		return o, nil
	}
	o.Target = &t
	return o, nil
}

// databaseSecrets are those that coturn would look up; none where the database cannot be read, as by whoever may not.
func databaseSecrets(ctx context.Context, conf coturn.Config) []turnauth.Secret {
	path := conf.Get("userdb")
	if path == "" {
		path = conf.Get("db")
	}
	if path == "" || !conf.On("use-auth-secret") {
		return nil
	}
	secrets, err := coturn.UserDB{Path: path}.Secrets(ctx, conf.Get("realm"))
	if err != nil {
		return nil
	}
	return secrets
}

func firstSecret(conf coturn.Config, database []turnauth.Secret) turnauth.Secret {
	if s := conf.Get("static-auth-secret"); s != "" {
		return turnauth.NewSecret(s)
	}
	if len(database) > 0 {
		return database[0]
	}
	return turnauth.Secret{}
}
