// Package turnauth makes and checks TURN REST credentials: short-lived names and passwords that a
// relay and whoever hands out credentials agree on through a shared secret alone, without talking
// to each other (draft-uberti-behave-turn-rest-00, section 2.2).
//
//	username = <expiry in Unix seconds>[":" <user>]
//	password = base64(HMAC-SHA1(secret, username))
//	key      = MD5(username ":" realm ":" password)      (RFC 8489, section 9.2.2)
//
// SHA-1 and MD5 are what TURN prescribes; coturn and every browser compute the same bytes.
//
// To rotate a secret, give the relay both, switch whoever mints to the new one, wait for the
// longest ttl, take the old one away: everything here that checks takes several secrets.
//
// This package is a leaf: it imports the standard library alone, so that any part may import it.
package turnauth

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxUsername is the longest username in bytes that STUN can carry (RFC 8489, section 14.3).
const MaxUsername = 508

var (
	// ErrExpired means that the credential was good once.
	ErrExpired = errors.New("turnauth: credential expired")
	// ErrUsername means that a username does not have the form expiry[:user].
	ErrUsername = errors.New("turnauth: username is not of the form expiry[:user]")
	// ErrPassword means that no secret makes this password from this username.
	ErrPassword = errors.New("turnauth: password does not fit the username under any secret")
)

// Credential is what a client needs to use a relay until ExpiresAt. Allocations that exist by
// then live on: relays look at the expiry when an allocation is made.
type Credential struct {
	Username  string
	Password  string
	ExpiresAt time.Time // whole seconds
}

// LogValue keeps the password out of logs.
func (c Credential) LogValue() slog.Value {
	return slog.GroupValue(slog.String("username", c.Username), slog.Time("expires", c.ExpiresAt))
}

// String keeps the password out of text.
func (c Credential) String() string { return "turn credential " + c.Username }

// Format keeps the password out of formatted text, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// Mint makes a credential for user, good for ttl from now (rounded up to whole seconds). An empty
// user is allowed and left out. It fails on an empty secret, a ttl that is not positive, and a
// user that a STUN username cannot carry.
func Mint(secret Secret, user string, ttl time.Duration, now time.Time) (Credential, error) {
	if secret.IsZero() {
		return Credential{}, errors.New("turnauth: the secret is empty; give the relay's shared secret")
	}
	if ttl <= 0 {
		return Credential{}, fmt.Errorf("turnauth: ttl %s is not positive; give one such as 1h", ttl)
	}
	expires := now.Add(ttl + time.Second - 1).Truncate(time.Second)
	username := strconv.FormatInt(expires.Unix(), 10)
	if user != "" {
		username += ":" + user
	}
	if len(username) > MaxUsername {
		return Credential{}, fmt.Errorf("turnauth: username has %d bytes; STUN carries at most %d", len(username), MaxUsername)
	}
	if !printable(user) {
		return Credential{}, errors.New("turnauth: user is not UTF-8 without control characters")
	}
	return Credential{Username: username, Password: Password(secret, username), ExpiresAt: expires}, nil
}

// Password computes the password that belongs to username under secret.
func Password(secret Secret, username string) string {
	mac := hmac.New(sha1.New, []byte(secret.Reveal()))
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Key computes the long-term credential key of STUN, the key of MESSAGE-INTEGRITY (RFC 8489,
// section 9.2.2).
func Key(username, realm, password string) []byte {
	sum := md5.Sum([]byte(username + ":" + realm + ":" + password))
	return sum[:]
}

// ParseUsername takes a username apart. user is what follows the first colon, empty if there is
// none. The error is ErrUsername; expiry is not compared with any clock.
func ParseUsername(username string) (expiry time.Time, user string, err error) {
	stamp, user, _ := strings.Cut(username, ":")
	if len(username) > MaxUsername || stamp == "" || len(stamp) > 12 || !printable(user) {
		return time.Time{}, "", ErrUsername
	}
	// ParseInt alone would let "+1" and "-1" through, two spellings of what is one credential.
	for _, c := range []byte(stamp) {
		if c < '0' || c > '9' {
			return time.Time{}, "", ErrUsername
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return time.Time{}, "", ErrUsername
	}
	return time.Unix(seconds, 0), user, nil
}

// Expired says whether a credential that is good until expiry is no longer so at now.
func Expired(expiry, now time.Time) bool { return !now.Before(expiry) }

// Verify checks a username and password against any of the secrets. Errors: ErrUsername,
// ErrPassword, ErrExpired; the last only when the password is right, so that it tells a stranger
// nothing.
func Verify(secrets []Secret, username, password string, now time.Time) error {
	expiry, _, err := ParseUsername(username)
	if err != nil {
		return err
	}
	fits := false
	for _, s := range secrets {
		// All are tried, so that the time taken does not tell which one fits.
		if !s.IsZero() && hmac.Equal([]byte(Password(s, username)), []byte(password)) {
			fits = true
		}
	}
	if !fits {
		return ErrPassword
	}
	if Expired(expiry, now) {
		return ErrExpired
	}
	return nil
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return false
		}
	}
	return true
}
