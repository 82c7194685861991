package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/provision"
	"callmesh/turnctl/relaycert"
	"callmesh/turnctl/supervise"
	"callmesh/turnctl/verdict"
)

// ProvisionConfig is what turnctl provision goes by: the relay, and how it is put on this host. The tags are explained in package cli.
type ProvisionConfig struct {
	RelayConfig
	Conf      string `key:"conf" default:"/etc/turnserver.conf" help:"Where coturn's configuration goes."`
	Install   bool   `key:"install" default:"false" help:"Install coturn with apt-get if it is not there."`
	Supervise bool   `key:"supervise" default:"false" help:"Run coturn under this process and stay, for containers and hosts without systemd."`
	DryRun    bool   `key:"dry-run" default:"false" help:"Show what would be done, with every changed line, and change nothing."`

	CAFile     string `key:"ca-file" example:"/etc/ssl/private-ca.pem" help:"Certificates to trust in the proof in place of the system's, PEM."`
	ServerName string `key:"server-name" example:"turn.example.org" help:"Name that the certificate must be for. Default: the first one in it."`
	OutputConfig

	roots      *x509.CertPool
	secretFile string // where the secret was read from; empty if from nowhere
	// links are what coturn reads its certificate by where a turnctl supervises it; nil where none does, and without TLS.
	links *relaycert.Links
	// stays says that this process is to start that coturn and keep it, and starts gets something at each start; elsewhere, that another one keeps it already.
	stays, elsewhere bool
	starts           chan struct{}
	// makes says that this process has made the links, and takes them away should nothing come of it.
	makes bool
}

// Check implements cli.Checker.
func (c *ProvisionConfig) Check(p *cli.Problems) {
	c.check(p)
	if c.Secret.IsZero() {
		p.Wrong("secret", "missing, and without it nobody could prove the relay; give secret-file, made by: openssl rand -base64 32 | tr -d =")
	}
	if !filepath.IsAbs(c.Conf) {
		p.Wrong("conf", "%q is no absolute path; write it like /etc/turnserver.conf", c.Conf)
	}
	if c.CAFile == "" {
		return
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		p.Wrong("ca-file", "%s", err)
		return
	}
	if c.roots = x509.NewCertPool(); !c.roots.AppendCertsFromPEM(text) {
		p.Wrong("ca-file", "%s holds no certificate in PEM form", c.CAFile)
	}
}

func provisionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "provision",
		Short: "Put a hardened, proven coturn on this host, or put everything back",
		Long: `Put a hardened coturn on this host: its configuration, its secret, access to its certificate, its limits and its service.
It is started and proved with the steps of turnctl check; if that fails, everything is put back as it was before;
a package that was installed for it stays, and does not run.
A second run changes nothing and says so. The keys are those of turnctl render, and can stand in a YAML file (--config FILE).

With systemd, coturn is a service. Without, --supervise runs it under this process: it is started again when it fails, ended
on SIGTERM, and reads its certificate again when that is renewed, and on SIGHUP. A secret that comes into secret-file is good
at once, and one that leaves it no more: write the new one beside the old, and take that out when its last credential has expired.

A bad certificate is refused, and nothing changed; but a relay that --supervise starts serves UDP and TCP all the same, says what
is wrong, and serves TLS once there is a good one: it may have been started again with nobody there and callers waiting.`,
		Args: cobra.NoArgs,
	}
	cfg := new(ProvisionConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		cfg.secretFile = b.SecretFile("secret")
		if cfg.CoturnVersion.IsZero() {
			if v, err := coturn.Installed(c.Context(), "turnserver"); err == nil {
				cfg.CoturnVersion = v
				if err := b.Check(); err != nil { // of the version that was found
					return err
				}
			}
		}
		return runProvision(c, cfg)
	}
	withConfigCommands(c, "turnctl provision", func() any { return new(ProvisionConfig) })
	return c
}

func runProvision(c *cobra.Command, cfg *ProvisionConfig) error {
	ctx := c.Context()
	say := func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) }
	report := verdict.Report{Command: "provision", Target: cfg.Conf, At: time.Now()}
	binary, err := exec.LookPath("turnserver")
	if err != nil {
		binary = "/usr/bin/turnserver"
	}
	service, own, err := cfg.service(binary, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)), c)
	if err != nil {
		return err
	}
	if own != nil {
		defer func() { _ = own.Stop(context.WithoutCancel(ctx)) }()
	}
	if report.Items, err = cfg.certificate(time.Now()); err != nil {
		return err
	}
	if err := cfg.besideAnother(); err != nil {
		return err
	}
	want, err := cfg.want(binary, own == nil)
	if err != nil {
		return err
	}
	host := provision.Host{Service: service}
	have, err := host.Observe(ctx, want)
	if err != nil {
		return err
	}
	steps := provision.Plan(want, have)
	report.Items = append(report.Items, cfg.limits(own != nil)...)
	switch {
	case len(steps) == 0:
		report.Items = append(report.Items, verdict.Item{Name: "provision.nothing", Status: verdict.OK, Summary: "everything is as it should be: nothing was changed"})
		return cfg.report(c, &report)
	case cfg.DryRun:
		for _, s := range steps {
			report.Items = append(report.Items, verdict.Item{Name: "provision." + string(s.Kind), Group: s.File.Path, Status: verdict.OK, Summary: "would " + s.What})
			if s.Changes != "" {
				say(s.Changes)
			}
		}
		return cfg.report(c, &report)
	}
	report.Items = append(report.Items, host.Apply(ctx, want, have, steps, cfg.prove, say)...)
	if err := cfg.report(c, &report); err != nil || own == nil {
		if err != nil && cfg.makes && cfg.links != nil {
			err = errors.Join(err, own.Stop(ctx), cfg.links.Remove())
		}
		return err
	}
	if !cfg.stays {
		return nil // another process keeps it running
	}
	return cfg.stay(ctx, own, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)))
}

// service says who keeps coturn running; own is it again if that is this process.
func (c *ProvisionConfig) service(binary string, log *slog.Logger, cmd *cobra.Command) (s provision.Service, own *provision.Supervised, err error) {
	listen := listenAddress(coturn.Config{Lines: []coturn.Line{
		{Key: "listening-ip", Value: c.ListenIP[0].String()}, {Key: "listening-port", Value: fmt.Sprint(c.Port)},
	}})
	if !c.Supervise && provision.HasSystemd() {
		return provision.Systemd{Unit: "coturn", Listen: listen}, nil, nil
	}
	o := supervise.Options{Path: binary, Args: []string{"-c", c.Conf, "--pidfile="}, Output: cmd.ErrOrStderr(), Logger: log, Reap: os.Getpid() == 1}
	if !c.TLSOff {
		c.links = relaycert.NewLinks(c.Conf, c.TLSCert, c.TLSKey)
		c.starts = make(chan struct{}, 1)
		o.Prepare = func() error {
			err := c.links.Start(time.Now())
			select {
			case c.starts <- struct{}{}:
			default: // it is about to be looked at anyway
			}
			return err
		}
	}
	own = provision.NewSupervised(o, c.Conf, listen)
	_, there, err := own.Elsewhere()
	c.elsewhere, c.stays = there, err == nil && !there && !c.DryRun
	c.makes = c.stays
	if err == nil && !there && !c.Supervise && !c.DryRun {
		err = cli.Usage("supervise: this host has no systemd; give --supervise, which runs coturn and stays")
	}
	return own, own, err
}

// want is what is to be on this host.
func (c *ProvisionConfig) want(binary string, systemd bool) (provision.Want, error) {
	want := provision.Want{Binary: binary, Realm: c.Realm}
	if !c.SecretInConfig {
		want.UserDB, want.Secrets = c.UserDB, c.secrets()
	}
	if c.Install {
		want.Package = "coturn"
	}
	if systemd {
		want.User = "turnserver"
	}
	relay := c.relay(c.SecretInConfig)
	if c.links != nil {
		relay.Cert, relay.Key = c.links.Names()
	} else if !c.TLSOff {
		files, err := provision.CertFiles(want.User, filepath.Dir(c.Conf), c.TLSCert, c.TLSKey)
		if err != nil {
			return want, err
		}
		if len(files) > 0 {
			relay.Cert, relay.Key = files[0].Path, files[1].Path
			want.Files = append(want.Files, files...)
		}
	}
	conf, err := relay.Render(c.version())
	if err != nil {
		return want, err
	}
	want.Files = append(want.Files, provision.File{Path: c.Conf, Content: conf.Bytes(), Mode: 0o640, Restart: true})
	if systemd {
		want.Files = append(want.Files, provision.File{
			Path: "/etc/systemd/system/coturn.service.d/turnctl.conf", Content: []byte(relay.Systemd(c.version(), c.Conf)), Mode: 0o644, Restart: true,
		})
		if taken, _, left := provision.PortsTaken(c.MinPort, c.MaxPort); taken && provision.Settable() {
			want.Files = append(want.Files, provision.PortsFile(c.MinPort, c.MaxPort, left))
		}
	}
	return want, nil
}
