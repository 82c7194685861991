package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"callmesh/bus"
	"callmesh/bus/natsd"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/turnsecrets"
	"callmesh/edge"
	"callmesh/edge/auth"
	"callmesh/edge/certs"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnd"
	"callmesh/web"
)

// node is what an edge process consists of. Parts that the configuration does not ask for are nil.
type node struct {
	log     *slog.Logger
	metrics *prometheus.Registry
	id      wire.EdgeID
	traces  trace.TracerProvider

	verifier *auth.Verifier
	guests   *auth.Signer // nil unless guests are welcome
	resume   []byte       // the secret of resume keys
	certs    *certs.Source
	relay    *turnd.Relay
	ice      edge.RelayOptions
	bus      *bus.Bus
	edge     *edge.Edge

	closers []func() error
}

// prepare starts what the edge needs beside the mesh. Whoever gets a node closes it.
func prepare(c *Config, log *slog.Logger) (n *node, err error) {
	n = &node{log: log, metrics: prometheus.NewRegistry(), id: wire.NewEdgeID()}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	for _, col := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := n.metrics.Register(col); err != nil {
			return n, err
		}
	}
	for _, start := range []func(*Config) error{n.startTraces, n.startAuth, n.startTLS, n.startTURN} {
		if err := start(c); err != nil {
			return n, err
		}
	}
	return n, nil
}

// close ends the parts, the last started first.
func (n *node) close() error {
	var errs []error
	for _, c := range slices.Backward(n.closers) {
		errs = append(errs, c())
	}
	n.closers = nil
	return errors.Join(errs...)
}

func (n *node) onClose(f func() error) { n.closers = append(n.closers, f) }

func (n *node) startAuth(c *Config) error {
	secret, err := n.secretOr(c.AuthSecret, c.dataDir(), authSecretFile)
	if err != nil {
		return err
	}
	if c.AuthSecret.IsZero() && len(c.NATSURL) > 0 {
		n.log.Warn("this edge signs with a secret of its own: sessions cannot resume on other edges, nor tokens be used there; give all edges the same auth-secret")
	}
	if n.resume, err = resumeSecret(secret); err != nil {
		return fmt.Errorf("secret of resume keys: %w", err)
	}
	o := auth.Options{
		JWKSURL: c.AuthJWKSURL, JWKSIssuer: c.AuthJWKSIssuer, JWKSAudience: c.AuthJWKSAudience,
		Logger: n.log.With("part", "auth"), Registerer: n.metrics,
	}
	// With a sign-in of their own, who runs the edge need not know that there is another secret.
	if !c.AuthSecret.IsZero() || c.AuthJWKSURL == "" || c.Guests {
		o.Secret = secret
	}
	if n.verifier, err = auth.NewVerifier(o); err != nil {
		return err
	}
	n.onClose(func() error { n.verifier.Close(); return nil })
	if c.Guests {
		n.guests, err = auth.NewSigner(secret, nil)
	}
	return err
}

func (n *node) startTLS(c *Config) (err error) {
	o := certs.Options{Logger: n.log.With("part", "tls"), Registerer: n.metrics}
	switch c.tls() {
	case tlsSelfSigned:
		n.certs, err = certs.SelfSigned(c.dataDir(), o)
	case tlsFiles:
		n.certs, err = certs.Files(c.TLSCert, c.TLSKey, o)
	case tlsPlain:
		return nil
	}
	if err == nil {
		n.onClose(func() error { n.certs.Close(); return nil })
	}
	return err
}

func (n *node) startTURN(c *Config) error {
	n.ice = edge.RelayOptions{
		Static: slices.Clone(c.TURNURL), TTL: c.TURNTTL, Fallback: wire.Region(c.TURNFallback), Logger: n.log.With("part", "relays"), Registerer: n.metrics,
	}
	if err := n.startSecrets(c); err != nil || !c.TURNEmbedded {
		return err
	}
	listen, err := c.turnListen()
	if err != nil {
		return err
	}
	n.relay, err = turnd.Start(turnd.Options{
		Listen: listen.String(), RelayIP: c.relayIP(listen.Addr()), MinPort: c.TURNMinPort, MaxPort: c.TURNMaxPort,
		Secrets: n.ice.Secrets, AllowPeers: c.TURNAllowPeer,
		Logger: n.log.With("part", "turnd"), Registerer: n.metrics,
	})
	if err != nil {
		return listening("turn-listen", err)
	}
	n.onClose(n.relay.Close)
	// Nearest first: the relays that the configuration names are for when this one is not enough.
	n.ice.Static = append(n.relay.URLs(), n.ice.Static...)
	return nil
}

// startSecrets follows the file of the relays' secrets, or takes the one that is configured or kept.
func (n *node) startSecrets(c *Config) error {
	if c.turnSecretFile != "" {
		file, err := turnsecrets.Open(c.turnSecretFile, n.log.With("part", "relays"))
		if err != nil {
			return fmt.Errorf("turn-secret-file: %w", err)
		}
		n.onClose(func() error { file.Close(); return nil })
		n.ice.Secrets = file.Secrets
		return nil
	}
	secret := c.TURNSecret
	if c.TURNEmbedded {
		var err error
		if secret, err = n.secretOr(secret, c.dataDir(), turnSecretFile); err != nil {
			return err
		}
	}
	var secrets []turnauth.Secret
	if !secret.IsZero() {
		secrets = []turnauth.Secret{secret}
	}
	n.ice.Secrets = func() []turnauth.Secret { return secrets }
	return nil
}

// joinMesh starts the bus and the edge on it.
func (n *node) joinMesh(c *Config) error {
	if err := n.startBus(c); err != nil {
		return err
	}
	return n.startEdge(c)
}

// startBus connects to NATS, or runs one. It does not wait for a NATS that is elsewhere: /readyz tells.
func (n *node) startBus(c *Config) error {
	o := bus.Options{
		Name: "callmesh edge", Region: wire.Region(c.Region), Edge: n.id, URLs: c.NATSURL, Replicas: c.NATSReplicas, TraversalAge: c.AttemptsAge,
		Logger: n.log.With("part", "bus"), Registerer: n.metrics,
	}
	c.Bus(&o)
	if len(c.NATSURL) == 0 {
		server, err := natsd.Start(natsd.Options{
			DataDir: filepath.Join(c.dataDir(), "nats"), ListenAddr: c.NATSListen, Logger: n.log.With("part", "nats"),
		})
		if err != nil {
			return listening("nats-listen", err)
		}
		n.onClose(func() error { server.Shutdown(); return nil })
		o.InProcess = server.InProcess()
		if url := server.ClientURL(); url != "" {
			n.log.Info("other edges can join", "nats-url", url)
		}
	}
	b, err := bus.Open(o)
	if err != nil {
		return err
	}
	n.bus = b
	n.onClose(func() error { b.Close(); return nil })
	return nil
}

func (n *node) startEdge(c *Config) error {
	registry := n.bus.WatchRelays(nil)
	n.onClose(func() error { registry.Close(); return nil })
	n.ice.Registry = registry
	o := edge.Options{
		Bus: n.bus, Verifier: n.verifier, Guests: n.guests, ResumeSecret: n.resume, ICE: edge.NewRelays(n.bus.Region(), n.ice), AllowedOrigins: c.AllowedOrigin,
		AllowedHosts: c.allowedHosts(), TrustedProxies: c.TrustedProxies, ProxyHeader: c.ProxyHeader, Limits: c.limits(),
		Version: cli.ReadBuild().Version, Traces: n.traces, Logger: n.log.With("part", "edge"), Registerer: n.metrics,
	}
	if page, built := web.Assets(); built {
		o.Page = page
	} else {
		n.log.Warn("this program was built without the page: run make web before go build; only the protocol is served")
	}
	e, err := edge.New(o)
	if err != nil {
		return err
	}
	n.edge = e
	n.onClose(func() error { e.Close(); return nil })
	return nil
}

// secretOr gives the configured secret, or else the one that is kept in the data directory.
func (n *node) secretOr(configured turnauth.Secret, dir, name string) (turnauth.Secret, error) {
	if !configured.IsZero() {
		return configured, nil
	}
	secret, made, err := keptSecret(dir, name)
	if made {
		n.log.Info("made a secret, readable by this user alone", "file", dir+string(os.PathSeparator)+name)
	}
	return secret, err
}
