package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/edge/auth"
)

func tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token --user ID",
		Short: "Print a token for a user, signed with the auth secret",
		Args:  cobra.NoArgs,
	}
	cfg := new(Config)
	b := cli.Bind(c, cfg, "auth-secret", "data-dir")
	user := c.Flags().String("user", "", "the user's id, at most 128 bytes (required)")
	name := c.Flags().String("name", "", "what others see, at most 64 characters; the id if left out")
	moderates := c.Flags().StringArray("moderate", nil, "a room that the user may kick from and lock, repeatable; '*' alone: every room, and the mesh")
	ttl := c.Flags().Duration("ttl", time.Hour, "how long the token is good for")
	out := c.Flags().StringP("out", "o", "", "file to write it to, for its owner alone, where no shell could; default: print")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *user == "" {
			return cli.Usage("--user: missing; write it like --user alice")
		}
		// What else serve would find fault with does not matter here.
		if err := b.Decode(); err != nil {
			return err
		}
		secret := cfg.AuthSecret
		if secret.IsZero() {
			if cfg.AuthJWKSURL != "" {
				return cli.Usage("auth-secret: missing, and without it the edge takes tokens from auth-jwks-url alone; give auth-secret-file to both")
			}
			kept, made, err := keptSecret(cfg.dataDir(), authSecretFile)
			if err != nil {
				return err
			}
			if made {
				fmt.Fprintf(c.ErrOrStderr(), "made a secret: %s; serve with the same data-dir\n", filepath.Join(cfg.dataDir(), authSecretFile))
			}
			secret = kept
		}
		signer, err := auth.NewSigner(secret, nil)
		if err != nil {
			return cli.Usage("auth-secret: %w", err)
		}
		token, _, err := signer.SignModerator(*user, *name, *ttl, *moderates)
		if err != nil {
			return cli.Usage("%w", err)
		}
		if *out != "" {
			return writeToken(*out, token)
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), token)
		return err
	}
	return c
}

// writeToken takes the place of a file, so that what others could read of that one they can't of this.
func writeToken(path, token string) error {
	line := []byte(token + "\n")
	return cli.WriteOut(path, line, 0o600, func(path string) error {
		pending, err := renameio.TempFile(filepath.Dir(path), path) // 0600, whatever the old one was
		if err != nil {
			return err
		}
		defer func() { _ = pending.Cleanup() }()
		if _, err := pending.Write(line); err != nil {
			return err
		}
		return pending.CloseAtomicallyReplace()
	})
}
