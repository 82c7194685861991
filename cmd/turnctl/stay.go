package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"callmesh/cmd/internal/turnsecrets"
	"callmesh/edge/filewatch"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/provision"
	"callmesh/turnctl/rotate"
	"callmesh/turnctl/supervise"
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
	if !c.TLSOff {
		watch, err := followCertificate(c.TLSCert, c.TLSKey, log, func() {
			select {
			case renewed <- syscall.SIGHUP:
			default: // it is about to be read again anyway
			}
		})
		if err != nil {
			return err
		}
		defer watch.Close()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- own.Wait(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-renewed:
			if err := own.Signal(syscall.SIGUSR2); err != nil && !errors.Is(err, supervise.ErrNotRunning) {
				cancel()
				return errors.Join(err, <-ended)
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

// followCertificate calls renewed when the files hold another certificate and its key: coturn itself never looks. A pair that does not do is logged, and
// coturn goes on with the one before.
func followCertificate(cert, key string, log *slog.Logger, renewed func()) (*filewatch.Watch, error) {
	read := func() (pair [2][]byte, err error) {
		for i, path := range []string{cert, key} {
			if pair[i], err = os.ReadFile(path); err != nil {
				return pair, err
			}
		}
		return pair, nil
	}
	seen, err := read()
	if err != nil {
		return nil, fmt.Errorf("tls-cert: %w", err)
	}
	return filewatch.Start([]string{cert, key}, log, func() {
		now, err := read()
		if err == nil && bytes.Equal(now[0], seen[0]) && bytes.Equal(now[1], seen[1]) {
			return
		}
		if err == nil {
			seen = now
			_, err = tls.X509KeyPair(now[0], now[1])
		}
		if err != nil {
			log.Warn("the relay's certificate does not do; it goes on with the one before", "error", err)
			return
		}
		log.Info("the relay's certificate was renewed; coturn reads it again")
		renewed()
	})
}
