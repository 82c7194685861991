package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/listener"
)

// httpGrace is how long a scrape or a download under way may take when the process ends.
const httpGrace = 2 * time.Second

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run an edge until SIGTERM or SIGINT",
		Args:  cobra.NoArgs,
	}
	cfg := new(Config)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		cfg.turnSecretFile = b.SecretFile("turn-secret")
		return runServe(c.Context(), cfg, cfg.Logger(c.ErrOrStderr()), c.OutOrStdout())
	}
	return c
}

// runServe runs the edge until ctx ends; then it sends its sessions elsewhere, and stops.
func runServe(ctx context.Context, cfg *Config, log *slog.Logger, out io.Writer) (err error) {
	n, err := prepare(cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.joinMesh(cfg); err != nil {
		return err
	}

	keeping, stopKeeping := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() { keepMemory(keeping) })
	defer keeper.Wait()
	defer stopKeeping()

	admin, err := n.listen("admin", cfg.AdminListen, nil, adminHandler(n.metrics, n.edge), nil)
	if err != nil {
		return listening("admin-listen", err)
	}
	log.Info("metrics", "url", "http://"+admin.Addr.String()+"/metrics")

	var tlsConf *tls.Config
	if n.certs != nil {
		tlsConf = n.certs.TLSConfig()
	}
	bounds := newConns(cfg.Sockets, cfg.AddressSockets, cfg.TrustedProxies, n.metrics)
	public, err := n.listen("page", cfg.Listen, tlsConf, n.edge.Handler(), bounds.watch)
	if err != nil {
		return listening("listen", err)
	}
	urls := pageURLs(public.Addr, tlsConf != nil)
	log.Info("serving", "urls", urls)
	waiting := make(chan struct{})
	wait, stopWaiting := context.WithCancel(ctx)
	go func() {
		defer close(waiting)
		// An address that is printed is one that works.
		if n.bus.WaitReady(wait) == nil {
			_, _ = fmt.Fprintf(out, "\n  callmesh is ready. Open  %s\n\n", strings.Join(urls, "\n                     or  "))
		}
	}()
	defer func() { <-waiting }()
	defer stopWaiting()

	select {
	case <-ctx.Done():
	case <-admin.Ended:
		return admin.Err
	case <-public.Ended:
		return public.Err
	}
	drain, cancel := context.WithTimeout(context.Background(), cfg.DrainTimeout)
	defer cancel()
	n.edge.Drain(drain)
	return nil
}

// listen serves h until the node closes.
func (n *node) listen(name, addr string, conf *tls.Config, h http.Handler, watch func(net.Conn, http.ConnState)) (*listener.Server, error) {
	s, err := listener.Start(name, addr, conf, h, watch, n.log)
	if err != nil {
		return nil, err
	}
	n.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), httpGrace)
		defer cancel()
		return s.Close(ctx)
	})
	return s, nil
}
