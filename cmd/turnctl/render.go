package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/coturn"
)

// installedConf is where Debian's coturn reads its configuration.
const installedConf = "/etc/turnserver.conf"

// fileNames are what each format is called in a directory.
var fileNames = map[string]string{"conf": "turnserver.conf", "systemd": "turnctl.conf", "compose": "compose.yaml", "values": "values.yaml"}

func renderCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "render",
		Short: "Print or write a hardened turnserver.conf, or what runs coturn with it",
		Long: `Print or write a hardened turnserver.conf for the coturn on this machine, or for the version that is named.
The keys can stand in a YAML file: --config FILE.

The shared secret is put into coturn's user database (userdb), from which coturn reads it without a restart;
it stands in no file that is rendered and is never printed. --diff exits 1 where something would change.`,
		Args: cobra.NoArgs,
	}
	cfg := new(RelayConfig)
	b := cli.Bind(c, cfg)
	format := c.Flags().String("format", "conf", "what to render: conf, systemd (a drop-in), compose, or values (for the chart)")
	out := c.Flags().StringP("out", "o", "", "file to write, or directory for it; default: print")
	diff := c.Flags().Bool("diff", false, "print what would change in the file (-o), or in "+installedConf+", and change nothing")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if _, ok := fileNames[*format]; !ok {
			return cli.Usage("--format: %q is not one of conf, systemd, compose, values", *format)
		}
		if err := b.Load(); err != nil {
			return err
		}
		if cfg.CoturnVersion.IsZero() {
			v, err := coturn.Installed(c.Context(), "turnserver")
			if err != nil {
				v = coturn.Debian
			}
			cfg.CoturnVersion = v
			if err := b.Check(); err != nil { // of the version that was found
				return err
			}
		}
		path := outPath(*out, fileNames[*format])
		if cfg.SecretInConfig && path == "" && !*diff {
			return cli.Usage("secret-in-config: would print the secret; give -o FILE")
		}
		text, err := renderText(cfg, *format)
		if err != nil {
			return err
		}
		if *diff {
			return printDiff(c, text, *format, path)
		}
		if !cfg.Secret.IsZero() && !cfg.SecretInConfig && *format == "conf" {
			if err := storeSecret(c.Context(), cfg); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "the secret is in %s, for realm %s\n", cfg.UserDB, cfg.Realm)
		}
		if path == "" {
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		}
		if err := cli.WriteOut(path, []byte(text), 0o640, func(path string) error { return writeConf(path, text) }); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
		fmt.Fprintf(c.ErrOrStderr(), "wrote %s\n", path)
		return nil
	}
	withConfigCommands(c, "turnctl render", func() any { return new(RelayConfig) })
	return c
}

func storeSecret(ctx context.Context, cfg *RelayConfig) error {
	for _, s := range cfg.secrets() {
		if err := (coturn.UserDB{Path: cfg.UserDB}).Add(ctx, cfg.Realm, s); err != nil {
			return err
		}
	}
	return nil
}

// outPath is the file that -o means; "" without -o.
func outPath(out, name string) string {
	if out == "" {
		return ""
	}
	if info, err := os.Stat(out); strings.HasSuffix(out, "/") || err == nil && info.IsDir() {
		return filepath.Join(out, name)
	}
	return out
}

func renderText(cfg *RelayConfig, format string) (string, error) {
	v := cfg.version()
	r := cfg.relay(cfg.SecretInConfig)
	conf := installedConf
	switch format {
	case "systemd":
		return r.Systemd(v, conf), nil
	case "compose":
		return r.Compose(v, "./turnserver.conf")
	case "values":
		return r.Values(v, certificateName(r.Cert))
	}
	rendered, err := r.Render(v)
	return string(rendered.Bytes()), err
}

// certificateName is the first name that a certificate is for and callers can use, so no wildcard; "" where there is none to read.
func certificateName(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return ""
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ""
	}
	for _, name := range cert.DNSNames {
		if !strings.Contains(name, "*") {
			return strings.ToLower(name)
		}
	}
	return ""
}

// printDiff shows what would change, secrets masked on both sides.
func printDiff(c *cobra.Command, text, format, path string) error {
	if path == "" {
		path = installedConf
		if format != "conf" {
			return cli.Usage("--diff: of %s needs the file to compare with: give -o FILE", format)
		}
	}
	was, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cli.Unmeasured("--diff: %w", err)
	}
	old := string(was)
	if format == "conf" {
		oldConf, err := coturn.ParseConfig(was)
		if err != nil {
			return cli.Unmeasured("--diff: %s: %w", path, err)
		}
		newConf, err := coturn.ParseConfig([]byte(text))
		if err != nil {
			return err
		}
		// A secret that changed shows as a difference all the same.
		changed := oldConf.Get("static-auth-secret") != newConf.Get("static-auth-secret")
		old, text = string(oldConf.Masked().Bytes()), string(newConf.Masked().Bytes())
		if changed && old == text {
			return &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("%s: the secret differs, and nothing else", path)}
		}
	}
	d := coturn.Diff(path, old, path+" (rendered)", text)
	if d == "" {
		return nil
	}
	if _, err := fmt.Fprint(c.OutOrStdout(), d); err != nil {
		return err
	}
	return &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("%s differs from what is rendered", path)}
}

// writeConf writes a file whole or not at all, readable for its owner and group alone. It keeps the owner of what it replaces; a new one that root
// writes belongs to coturn's group.
func writeConf(path, text string) error {
	pending, err := renameio.TempFile(filepath.Dir(path), path)
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }()
	_, err = pending.WriteString(text)
	owned := ownLike(pending.File, path)
	if errors.Is(owned, syscall.EINVAL) {
		owned = nil // a user namespace that does not know the owner, where root is not root
	}
	if err = errors.Join(err, pending.Chmod(0o640), owned); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}

func ownLike(f *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if info, err := os.Stat(path); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			return f.Chown(int(s.Uid), int(s.Gid))
		}
	}
	group, err := user.LookupGroup("turnserver")
	if err != nil {
		return nil //nolint:nilerr // without coturn's group there is nobody to open it to
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return err
	}
	return f.Chown(0, gid)
}
