package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/lab"
	"callmesh/probe/lab/matrix"
	"callmesh/turnctl/turnauth"
)

func labMatrixCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "matrix",
		Short: "Try every pair of sites, directly and by relays, and hold what came of it against what was predicted",
		Long: `Try every pair of sites, directly and by relays over UDP, TCP and TLS, and hold what came of it against what was predicted.

There are two sites of each kind, so that each kind meets itself behind another NAT; of those with two hosts behind one NAT, these two are tried too.
It wants what lab verify wants. Exit codes: 0 all as predicted; 1 something differs; 2 bad usage; 3 the laboratory could not be built here, or something could not be measured.`,
		Args: cobra.NoArgs,
	}
	cfg := new(Config)
	b := cli.Bind(c, cfg, "kinds", "modes", "parallel", "output")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		kinds, modes, err := cfg.plan()
		if err != nil {
			return err
		}
		if err := labTools(); err != nil {
			return err
		}
		if !lab.Inside() {
			return reenter()
		}
		begun := time.Now()
		cells, err := measureMatrix(c.Context(), kinds, modes, cfg.Parallel, c.ErrOrStderr())
		if len(cells) > 0 {
			if e := writeMatrix(c.OutOrStdout(), cfg.Output, kinds, modes, cells, time.Since(begun)); e != nil {
				return e
			}
		}
		if err != nil {
			return cli.Unmeasured("%w", err)
		}
		if n := differing(cells); n > 0 {
			return fmt.Errorf("%d of %d pairs differ from what was predicted", n, len(cells))
		}
		return nil
	}
	return c
}

// labSideCommand is what the matrix runs at each site, and nobody else.
func labSideCommand() *cobra.Command {
	return &cobra.Command{
		Use: "side", Short: "One side of a pair, as lab matrix runs it", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return matrix.Side(c.Context(), c.InOrStdin(), c.OutOrStdout())
		},
	}
}

// plan is which kinds and modes are wanted.
func (c *Config) plan() (kinds []lab.Kind, modes []wire.TraversalMode, err error) {
	kinds, modes = lab.Kinds(), wire.Modes()[:4]
	if len(c.Kinds) > 0 {
		kinds = nil
		for _, k := range c.Kinds {
			if !lab.Kind(k).Known() {
				return nil, nil, cli.Usage("--kinds: there is no %q; the kinds are %v", k, lab.Kinds())
			}
			if !slices.Contains(kinds, lab.Kind(k)) {
				kinds = append(kinds, lab.Kind(k))
			}
		}
	}
	if len(c.Modes) > 0 {
		modes = nil
		for _, m := range c.Modes {
			if !slices.Contains(wire.Modes(), wire.TraversalMode(m)) {
				return nil, nil, cli.Usage("--modes: there is no %q; the modes are %v", m, wire.Modes())
			}
			if !slices.Contains(modes, wire.TraversalMode(m)) {
				modes = append(modes, wire.TraversalMode(m))
			}
		}
	}
	return kinds, modes, nil
}

// labLimit is how long an attempt in the laboratory may take: long enough for the handshakes of two sites that each lose a tenth of all packets.
const labLimit = 15 * time.Second

func measureMatrix(ctx context.Context, kinds []lab.Kind, modes []wire.TraversalMode, parallel int, progress io.Writer) (cells []matrix.Cell, err error) {
	dir, err := os.MkdirTemp("", "nat-lab-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cert, key, err := lab.Certificate(dir)
	if err != nil {
		return nil, err
	}
	l, err := lab.Start(ctx, matrix.Sites(kinds))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	secret := turnauth.NewSecret(rand.Text() + rand.Text())
	r, err := l.StartRelay(ctx, lab.RelayOptions{Secret: secret, CertFile: cert, KeyFile: key})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	credential, err := turnauth.Mint(secret, "lab", 2*time.Hour, time.Now())
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cells = matrix.Plan(kinds, modes)
	differ := 0
	return matrix.Run(ctx, cells, matrix.Options{
		Lab: l, Parallel: parallel, Limit: labLimit,
		Command: func(ctx context.Context, host string) *exec.Cmd {
			c := l.Command(ctx, host, self, "lab", "side")
			c.Env = append(os.Environ(), "SSL_CERT_FILE="+cert)
			return c
		},
		Servers: func(k lab.Kind) []wire.ICEServer { return relaysFor(k, credential) },
		Each: func(done int, c matrix.Cell) {
			if !c.Agrees {
				differ++
			}
			if done%20 == 0 || done == len(cells) {
				fmt.Fprintf(progress, "%d of %d pairs, %d differ\n", done, len(cells), differ)
			}
		},
	})
}

// relaysFor are the relay's URLs, by the family that a site has.
func relaysFor(k lab.Kind, c turnauth.Credential) []wire.ICEServer {
	host := lab.ServerAddr.String()
	if k.IPv6() {
		host = "[" + lab.Server6Addr.String() + "]"
	}
	at := fmt.Sprintf("%s:%d", host, lab.RelayPort)
	return []wire.ICEServer{{
		URLs:     strings.Fields("turn:" + at + "?transport=udp turn:" + at + "?transport=tcp turns:" + host + ":443?transport=tcp"),
		Username: c.Username, Credential: c.Password,
	}}
}

func differing(cells []matrix.Cell) int {
	n := 0
	for _, c := range cells {
		if !c.Agrees {
			n++
		}
	}
	return n
}
