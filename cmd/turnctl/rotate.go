package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/relaycert"
	"callmesh/turnctl/rotate"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// RotateConfig is what turnctl rotate goes by. The tags are explained in package cli.
type RotateConfig struct {
	UserDB    string          `key:"userdb" default:"/var/lib/turn/turndb" help:"coturn's SQLite user database, from which it takes the secrets."`
	Realm     string          `key:"realm" example:"example.org" help:"The realm that the secret is of."`
	OldSecret turnauth.Secret `key:"old-secret" help:"The secret that is to go."`
	NewSecret turnauth.Secret `key:"new-secret" help:"The secret that takes its place."`
	TTL       time.Duration   `key:"ttl" default:"24h" help:"The longest that a credential lives: so long the old secret stays after the switch."`
	Until     string          `key:"until" default:"remove" oneof:"add,switch,wait,remove" help:"Stage to stop after. With several relays: --until add on each, then all of it on each."`
	NoWait    bool            `key:"no-wait" default:"false" help:"Do what can be done now, say how long is left, and end: for cron."`
	Patience  time.Duration   `key:"patience" default:"10m" help:"How long edges may take to have and to use the new secret."`

	Cert  string `key:"cert" example:"/etc/letsencrypt/live/turn.example.org/fullchain.pem" help:"PEM file with a new certificate chain: rotates the certificate, not the secret."`
	Key   string `key:"key" example:"/etc/letsencrypt/live/turn.example.org/privkey.pem" help:"PEM file with the key of cert."`
	Conf  string `key:"conf" default:"/etc/turnserver.conf" help:"coturn's configuration, which names the files of the certificate and where TLS is served."`
	TLSAt string `key:"tls-address" want:"host:port" example:"203.0.113.7:5349" help:"Where the new certificate must show. Default: what conf says."`
	PID   int    `key:"pid" default:"0" help:"coturn's process. Default: the one that runs with conf."`
	Name  string `key:"name" example:"turn.example.org" help:"Host name that the new certificate must be good for."`

	Region string `key:"region" default:"local" help:"The relay's region, whose edges switch."`
	MeshConfig
	OutputConfig
}

// Check implements cli.Checker.
func (c *RotateConfig) Check(p *cli.Problems) {
	if c.Cert != "" || c.Key != "" {
		p.CheckPair("cert", c.Cert, "key", c.Key)
		if !c.OldSecret.IsZero() || !c.NewSecret.IsZero() {
			p.Wrong("cert", "given together with secrets; rotate one after the other")
		}
		return
	}
	if c.OldSecret.IsZero() {
		p.Wrong("old-secret", "missing; give old-secret-file, or cert and key to rotate a certificate")
	}
	if c.NewSecret.IsZero() {
		p.Wrong("new-secret", "missing; give new-secret-file, made by: openssl rand -base64 32 | tr -d =")
	}
	if !c.NewSecret.IsZero() && c.NewSecret.Equal(c.OldSecret) {
		p.Wrong("new-secret", "the same as old-secret; make another: openssl rand -base64 32 | tr -d =")
	}
	for key, secret := range map[string]turnauth.Secret{"old-secret": c.OldSecret, "new-secret": c.NewSecret} {
		if n := len(turnauth.ParseSecrets(secret.Reveal())); n > 1 {
			p.Wrong(key, "its file holds %d secrets, one a line; give a file with this one alone", n)
		}
	}
	if c.Realm == "" {
		p.Wrong("realm", "missing; give the realm of turnserver.conf, like example.org")
	}
	if c.UserDB == "" {
		p.Wrong("userdb", "empty; give the userdb of turnserver.conf, like /var/lib/turn/turndb")
	}
	if c.TTL <= 0 {
		p.Wrong("ttl", "%s is not positive; give the lifetime of credentials, as edges' turn-ttl", c.TTL)
	}
	if len(c.NATSURL) > 0 {
		c.CheckNATS(p, c.NATSURL)
		if _, err := wire.ParseRegion(c.Region); err != nil {
			p.Wrong("region", "%s", err)
		}
	}
}

func rotateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the shared secret, or the TLS certificate, without a caller noticing",
		Long: `Replace the shared secret of a running coturn, with no caller refused, or its certificate.

A secret: the new one is added to coturn's user database, edges are told to sign with it (nats-url), the old one
is removed once every credential made with it has expired. It can be interrupted at any moment: the same command
goes on from there. Without nats-url, switch whoever mints credentials yourself, right after the new secret is added.

A certificate (cert, key): its files are replaced, coturn reads them (SIGUSR2), and a handshake must show the new one;
otherwise the files are put back. Calls go on.`,
		Args: cobra.NoArgs,
	}
	cfg := new(RotateConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		say := func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) }
		report := verdict.Report{Command: "rotate", Target: cfg.UserDB, At: time.Now()}
		var err error
		if cfg.Cert != "" {
			report.Target = cfg.Conf
			report.Items, err = rotateCert(c.Context(), cfg, say)
		} else {
			report.Items, err = rotateSecret(c.Context(), cfg, say)
		}
		if err != nil {
			return err
		}
		return cfg.report(c, &report)
	}
	withConfigCommands(c, "turnctl rotate", func() any { return new(RotateConfig) })
	return c
}

func rotateSecret(ctx context.Context, cfg *RotateConfig, say func(string)) ([]verdict.Item, error) {
	o := rotate.SecretOptions{
		Store: coturn.UserDB{Path: cfg.UserDB}, Realm: cfg.Realm, Old: cfg.OldSecret, New: cfg.NewSecret, TTL: cfg.TTL,
		StatePath: cfg.UserDB + ".rotate", Until: rotate.Stage(cfg.Until), NoWait: cfg.NoWait, Patience: cfg.Patience, Say: say,
	}
	if len(cfg.NATSURL) > 0 {
		region := wire.Region(cfg.Region)
		b, err := cfg.open(ctx, region, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		defer b.Close()
		mesh, err := openMesh(ctx, b, region)
		if err != nil {
			return nil, err
		}
		defer mesh.Close()
		o.Signers = mesh
	}
	return rotate.Secret(ctx, o)
}

func rotateCert(ctx context.Context, cfg *RotateConfig, say func(string)) ([]verdict.Item, error) {
	conf, err := coturn.ReadConfig(cfg.Conf)
	if err != nil {
		return nil, cli.Usage("conf: %w", err)
	}
	o := rotate.CertOptions{Cert: cfg.Cert, Key: cfg.Key, Addr: cfg.TLSAt, Say: say}
	if o.IntoCert, o.IntoKey, err = relaycert.Behind(cfg.Conf, conf.Get("cert"), conf.Get("pkey")); err != nil {
		return nil, err
	}
	if o.IntoCert == "" || o.IntoKey == "" {
		return nil, cli.Usage("conf: %s names no cert and pkey, so this relay serves no TLS; render it with tls-cert and tls-key", cfg.Conf)
	}
	if cfg.Name != "" {
		o.Names = []string{cfg.Name}
	}
	if o.Addr == "" {
		o.Addr = tlsAddress(conf)
	}
	if cfg.PID != 0 {
		o.Process, err = coturn.ReadProcess(cfg.PID)
	} else {
		o.Process, err = coturn.FindProcess(cfg.Conf)
	}
	if err != nil {
		return nil, err
	}
	return rotate.Cert(ctx, o)
}

// tlsAddress is where a configuration serves TLS, as this host reaches it.
func tlsAddress(conf coturn.Config) string {
	port := conf.Get("tls-listening-port")
	if port == "" {
		port = "5349"
	}
	return net.JoinHostPort(localAddress(conf), port)
}

// listenAddress is where a configuration serves UDP and TCP.
func listenAddress(conf coturn.Config) string {
	port := conf.Get("listening-port")
	if port == "" {
		port = strconv.Itoa(3478)
	}
	return net.JoinHostPort(localAddress(conf), port)
}

func localAddress(conf coturn.Config) string {
	ips := conf.Values("listening-ip")
	switch {
	case len(ips) == 0 || ips[0] == "0.0.0.0":
		return "127.0.0.1"
	case ips[0] == "::": // coturn's sockets of IPv6 take no IPv4
		return "::1"
	}
	return strings.TrimSpace(ips[0])
}
