package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"callmesh/turnctl/turnauth"
)

const (
	authSecretFile = "auth-secret"
	turnSecretFile = "turn-secret"
)

// keptSecret gives the secret in dir/name, and makes one if there is none. Only the owner can read it.
// Two processes that start at once get the same.
func keptSecret(dir, name string) (secret turnauth.Secret, made bool, err error) {
	path := filepath.Join(dir, name)
	if secret, err = readKept(path); !errors.Is(err, fs.ErrNotExist) {
		return secret, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return secret, false, fmt.Errorf("data directory: %w", err)
	}
	random := make([]byte, 48)
	_, _ = rand.Read(random) // never fails
	text := base64.RawURLEncoding.EncodeToString(random)

	// Written aside and then linked: the name never stands for half a secret, and whoever links
	// second finds that of the first.
	temp, err := os.CreateTemp(dir, name+".*") // 0600
	if err != nil {
		return secret, false, fmt.Errorf("keep %s: %w", name, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(text + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return secret, false, fmt.Errorf("keep %s: %w", name, err)
	}
	if err := os.Link(temp.Name(), path); errors.Is(err, fs.ErrExist) {
		secret, err = readKept(path)
		return secret, false, err
	} else if err != nil {
		return secret, false, fmt.Errorf("keep %s: %w", name, err)
	}
	return turnauth.NewSecret(text), true, nil
}

func readKept(path string) (turnauth.Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return turnauth.Secret{}, err
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return turnauth.Secret{}, fmt.Errorf("%s is empty; put the secret into it, or delete it to have one made", path)
	}
	// Whatever opened it to others since, close it.
	if err := os.Chmod(path, 0o600); err != nil {
		return turnauth.Secret{}, err
	}
	return turnauth.NewSecret(text), nil
}

// resumeSecret makes the secret of resume keys from that of tokens, so that edges that share the one
// share the other, and neither can be used as the other.
func resumeSecret(s turnauth.Secret) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(s.Reveal()), nil, "callmesh resume keys v1", sha256.Size)
}
