package main

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/listener"
	"callmesh/edge/certs"
	"callmesh/probe/serve"
	"callmesh/turnctl/turnauth"
)

// ServeConfig is everything that `probe serve` can be told.
type ServeConfig struct {
	RecordsConfig
	Listen        string          `key:"listen" default:"127.0.0.1:9092" help:"Address to listen on. Beyond loopback, give it a certificate, or put something before it that has one."`
	OperatorToken turnauth.Secret `key:"operator-token" help:"Token of at least 16 bytes that operators show: in the browser's form, or as Authorization: Bearer."`
	Refresh       time.Duration   `key:"refresh" default:"30s" help:"How old what is shown may be; the page reloads itself so often."`
	TLSCert       string          `key:"tls-cert" example:"/etc/callmesh/tls.crt" help:"PEM file with the certificate, for https. It is read again when it changes."`
	TLSKey        string          `key:"tls-key" example:"/etc/callmesh/tls.key" help:"PEM file with its key."`
	cli.LogConfig
}

// Check implements cli.Checker.
func (c *ServeConfig) Check(p *cli.Problems) {
	c.check(p)
	if c.Input == "-" {
		p.Wrong("input", "the standard input can be read once only; give a file")
	}
	if n := len(c.OperatorToken.Reveal()); n < serve.MinToken {
		p.Wrong("operator-token", "has %d bytes; want at least %d, as `openssl rand -hex 16` makes", n, serve.MinToken)
	}
	if c.Refresh < time.Second || c.Refresh > time.Hour {
		p.Wrong("refresh", "%s is not between 1s and 1h", c.Refresh)
	}
	p.CheckPair("tls-cert", c.TLSCert, "tls-key", c.TLSKey)
}

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve --nats-url nats://HOST:4222 --operator-token-file FILE",
		Short: "Show the report live over HTTP, to whoever has the operator's token, until SIGTERM or SIGINT",
		Args:  cobra.NoArgs,
	}
	cfg := new(ServeConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		return runServe(c.Context(), cfg, c)
	}
	withConfigCommands(c, "probe serve", func() any { return new(ServeConfig) })
	return c
}

func runServe(ctx context.Context, cfg *ServeConfig, c *cobra.Command) error {
	log := cfg.Logger(c.ErrOrStderr())
	from, err := cfg.recordsLater(ctx, "serve", log)
	if err != nil {
		return err
	}
	defer from.close()
	h, err := serve.New(serve.Options{
		Token: cfg.OperatorToken, Report: cfg.options(), Since: cfg.Since, Refresh: cfg.Refresh, Secure: cfg.TLSCert != "", Logger: log,
		Records: from.read,
	})
	if err != nil {
		return cli.Usage("operator-token: %w", err)
	}
	var conf *tls.Config
	scheme := "http"
	if cfg.TLSCert != "" {
		files, err := certs.Files(cfg.TLSCert, cfg.TLSKey, certs.Options{Logger: log})
		if err != nil {
			return cli.Usage("tls-cert: %w", err)
		}
		defer files.Close()
		conf, scheme = files.TLSConfig(), "https"
	}
	l, err := listener.Start("listen", cfg.Listen, conf, h, nil, log)
	if err != nil {
		return cli.Usage("%w", err)
	}
	if conf == nil && !l.Addr.Addr().IsLoopback() {
		log.Warn("listening beyond loopback without TLS: the operator's token crosses the network in the clear, unless something before this one has a certificate")
	}
	log.Info("serving", "url", scheme+"://"+l.Addr.String()+"/")
	select {
	case <-ctx.Done():
	case <-l.Ended:
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := l.Close(end); err != nil {
		return err
	}
	return l.Err
}
