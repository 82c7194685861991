package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"callmesh/cmd/internal/turnsecrets"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/provision"
	"callmesh/turnctl/rotate"
)

// stay keeps coturn running until SIGTERM, follows its secrets, and has it read its certificate again when that is renewed, or told so: by SIGHUP, as from
// who renewed it, or SIGUSR2, coturn's own.
func (c *ProvisionConfig) stay(ctx context.Context, own *provision.Supervised, log *slog.Logger) error {
	stop, err := c.followSecrets(ctx, log)
	if err != nil {
		return err
	}
	defer stop()
	renewed := make(chan os.Signal, 1)
	signal.Notify(renewed, syscall.SIGHUP, syscall.SIGUSR2)
	defer signal.Stop(renewed)
	var certificate *keptCertificate
	if c.links != nil {
		certificate = keepCertificate(c.links, c.TLSCert, c.TLSKey, log, func() {
			_ = own.Signal(syscall.SIGUSR2) // one that does not run reads its files when it starts
		})
		defer certificate.close()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- own.Wait(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-c.starts:
			certificate.look(false) // a start may have taken the one away that did
		case <-renewed:
			if certificate != nil {
				certificate.look(true)
			}
		}
	}
}

// followSecrets has the relay take what comes into the file of its secrets, and no longer what leaves it, until stop is called.
func (c *ProvisionConfig) followSecrets(ctx context.Context, log *slog.Logger) (stop func(), err error) {
	if c.secretFile == "" || c.SecretInConfig {
		return func() {}, nil
	}
	file, err := turnsecrets.Open(c.secretFile, log)
	if err != nil {
		return nil, fmt.Errorf("secret-file: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		rotate.Follow(ctx, rotate.FollowOptions{
			Store: coturn.UserDB{Path: c.UserDB}, Realm: c.Realm, Had: c.secrets(), Now: file.Secrets, Changed: file.Changed(), Logger: log,
		})
	}()
	return func() { cancel(); <-ended; file.Close() }, nil
}
