package turnauth_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/turnauth"
)

var (
	now    = time.Unix(1_760_000_000, 0)
	secret = turnauth.NewSecret("north")
	other  = turnauth.NewSecret("south")
)

// The expected values come from `openssl dgst -sha1 -hmac north -binary | base64` and from md5sum,
// not from this package.
func TestKnownBytes(t *testing.T) {
	c, err := turnauth.Mint(secret, "alice", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	if want := "1760003600:alice"; c.Username != want {
		t.Errorf("username %q, want %q", c.Username, want)
	}
	if want := "CycOGDfsqQdMWfwKvcz0D5+OzUg="; c.Password != want {
		t.Errorf("password %q, want %q", c.Password, want)
	}
	if want := now.Add(time.Hour); !c.ExpiresAt.Equal(want) {
		t.Errorf("expires %s, want %s", c.ExpiresAt, want)
	}
	key := hex.EncodeToString(turnauth.Key(c.Username, "callmesh", c.Password))
	if want := "203ab56262bd9917ac791e2ebd1ae10f"; key != want {
		t.Errorf("key %s, want %s", key, want)
	}
}

func TestVerify(t *testing.T) {
	c, err := turnauth.Mint(secret, "a:b", time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		secrets  []turnauth.Secret
		username string
		password string
		at       time.Time
		want     error
	}{
		{"good", []turnauth.Secret{secret}, c.Username, c.Password, now, nil},
		{"good under the second of two", []turnauth.Secret{other, secret}, c.Username, c.Password, now, nil},
		{"last good moment", []turnauth.Secret{secret}, c.Username, c.Password, now.Add(59 * time.Second), nil},
		{"expired", []turnauth.Secret{secret}, c.Username, c.Password, now.Add(time.Minute), turnauth.ErrExpired},
		{"wrong secret", []turnauth.Secret{other}, c.Username, c.Password, now, turnauth.ErrPassword},
		{"wrong and expired tells only wrong", []turnauth.Secret{other}, c.Username, c.Password, now.Add(time.Hour), turnauth.ErrPassword},
		{"no secrets", nil, c.Username, c.Password, now, turnauth.ErrPassword},
		{"an empty secret is none", []turnauth.Secret{{}}, c.Username, turnauth.Password(turnauth.Secret{}, c.Username), now, turnauth.ErrPassword},
		{"another user", []turnauth.Secret{secret}, "1760000060:mallory", c.Password, now, turnauth.ErrPassword},
		{"no expiry", []turnauth.Secret{secret}, "alice", c.Password, now, turnauth.ErrUsername},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := turnauth.Verify(tt.secrets, tt.username, tt.password, tt.at); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestParseUsername(t *testing.T) {
	for username, user := range map[string]string{"1760003600": "", "1760003600:": "", "1760003600:alice": "alice", "1760003600:a:b": "a:b", "0:小明": "小明"} {
		_, got, err := turnauth.ParseUsername(username)
		if err != nil || got != user {
			t.Errorf("%q: user %q, error %v; want %q", username, got, err, user)
		}
	}
	for _, bad := range []string{"", ":", "alice", "+1:a", "-1:a", " 1:a", "1e9:a", "9999999999999:a", "1:a\x00b", "1:\xff", "1:" + strings.Repeat("a", 507)} {
		if _, _, err := turnauth.ParseUsername(bad); !errors.Is(err, turnauth.ErrUsername) {
			t.Errorf("%q: error %v, want ErrUsername", bad, err)
		}
	}
}

func TestMintRefuses(t *testing.T) {
	tests := []struct {
		name   string
		secret turnauth.Secret
		user   string
		ttl    time.Duration
		want   string
	}{
		{"no secret", turnauth.Secret{}, "alice", time.Hour, "secret is empty"},
		{"no ttl", secret, "alice", 0, "not positive"},
		{"too long", secret, strings.Repeat("a", 600), time.Hour, "at most 508"},
		{"control character", secret, "a\nb", time.Hour, "control characters"},
		{"not UTF-8", secret, "\xff", time.Hour, "UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := turnauth.Mint(tt.secret, tt.user, tt.ttl, now)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestMintRoundsUp(t *testing.T) {
	c, err := turnauth.Mint(secret, "", time.Second, now.Add(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if want := "1760000002"; c.Username != want {
		t.Errorf("username %q, want %q: a credential never lives shorter than asked", c.Username, want)
	}
}

func FuzzParseUsername(f *testing.F) {
	f.Add("1760003600:alice")
	f.Add("+1")
	f.Add("1:\x00")
	f.Fuzz(func(t *testing.T, username string) {
		expiry, user, err := turnauth.ParseUsername(username)
		if err != nil {
			return
		}
		if expiry.Unix() < 0 || len(user) >= len(username) {
			t.Errorf("%q parsed to %v, %q", username, expiry, user)
		}
	})
}
