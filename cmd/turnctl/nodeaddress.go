package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/nodeaddr"
)

// NodeAddressConfig is what turnctl node-address goes by. The tags are explained in package cli.
type NodeAddressConfig struct {
	Node        string        `key:"node" example:"node-1" help:"Name of the node, as Kubernetes has it. Required."`
	ListenIP    netip.Addr    `key:"listen-ip" want:"an IP address" example:"10.0.0.4" help:"The relay's own address there: the public one is to be of its family. Required."`
	Out         string        `key:"out" example:"/run/callmesh/external-ip" help:"File to write, for external-ip-file. Default: print."`
	Server      string        `key:"server" example:"https://10.96.0.1:443" help:"Kubernetes' API server. Default: what Kubernetes tells each pod."`
	Credentials string        `key:"credentials" default:"/var/run/secrets/kubernetes.io/serviceaccount" help:"Folder with token and ca.crt of an account that may get nodes."`
	Patience    time.Duration `key:"patience" default:"1m" help:"How long to go on asking."`
}

// Check implements cli.Checker.
func (c *NodeAddressConfig) Check(p *cli.Problems) {
	if c.Node == "" {
		p.Wrong("node", "missing; give the name of the node, like node-1")
	}
	if !c.ListenIP.IsValid() {
		p.Wrong("listen-ip", "missing; give the relay's own address, like 10.0.0.4")
	}
	if host := os.Getenv("KUBERNETES_SERVICE_HOST"); c.Server == "" && host != "" {
		c.Server = "https://" + net.JoinHostPort(host, os.Getenv("KUBERNETES_SERVICE_PORT"))
	}
	if !strings.HasPrefix(c.Server, "https://") {
		p.Wrong("server", "%q is no address of an API server, and KUBERNETES_SERVICE_HOST tells none; write it like https://10.96.0.1:443", c.Server)
	}
}

func nodeAddressCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "node-address",
		Short: "Say which public address Kubernetes has of a node, for relays behind a cloud's NAT",
		Long: `Say which public address (ExternalIP) Kubernetes has of a node, or nothing where it has none: then callers reach the relay at its own.
What is written is for external-ip-file of turnctl provision and turnctl watch.`,
		Args: cobra.NoArgs,
	}
	cfg := new(NodeAddressConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		address, err := nodeAddress(c.Context(), cfg, func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) })
		if err != nil {
			return cli.Unmeasured("%w", err)
		}
		text := ""
		if address.IsValid() {
			text = address.String() + "\n"
		}
		if cfg.Out == "" {
			_, err := fmt.Fprint(c.OutOrStdout(), text)
			return err
		}
		return cli.WriteOut(cfg.Out, []byte(text), 0o644, func(path string) error {
			return renameio.WriteFile(path, []byte(text), 0o644, renameio.WithTempDir(filepath.Dir(path)))
		})
	}
	withConfigCommands(c, "turnctl node-address", func() any { return new(NodeAddressConfig) })
	return c
}

// nodeAddress asks until there is an answer: a pod can be there before what lets it ask.
func nodeAddress(ctx context.Context, c *NodeAddressConfig, say func(string)) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	said := ""
	for {
		address, err := nodeaddr.External(ctx, nodeaddr.Options{Server: c.Server, Credentials: c.Credentials, Node: c.Node}, c.ListenIP)
		if err == nil {
			if address.IsValid() {
				say(fmt.Sprintf("%s has the external address %s", c.Node, address))
			} else {
				say(fmt.Sprintf("%s has no external address of the family of %s, so callers are told that", c.Node, c.ListenIP))
			}
			return address, nil
		}
		if said != err.Error() && ctx.Err() == nil {
			said = err.Error()
			say(said + "; asking again")
		}
		select {
		case <-ctx.Done():
			if said != "" && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				err = errors.New(said)
			}
			return netip.Addr{}, err
		case <-tick.C:
		}
	}
}

// readExternalIP reads a file with an address, or with nothing: then there is none.
func readExternalIP(path string) (netip.Addr, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return netip.Addr{}, err
	}
	one := strings.TrimSpace(string(text))
	if one == "" {
		return netip.Addr{}, nil
	}
	address, err := netip.ParseAddr(one)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s holds %.64q, which is no address; write it like 203.0.113.7, or leave it empty", path, one)
	}
	return address, nil
}
