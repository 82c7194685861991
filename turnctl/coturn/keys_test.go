package coturn_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turntest"
)

// The table must know every option that Debian's turnserver lists.
func TestKeysOfInstalled(t *testing.T) {
	out, _ := exec.CommandContext(t.Context(), "turnserver", "-h").CombinedOutput() // it exits 255 after its help
	options := regexp.MustCompile(`(?m)^ *(?:-\w,?)?[ ,]*--([A-Za-z][A-Za-z0-9_-]+)`).FindAllStringSubmatch(string(out), -1)
	if len(options) < 90 {
		t.Fatalf("only %d options in its help", len(options))
	}
	for _, o := range options {
		if coturn.Debian.Key(o[1]) != coturn.Known {
			t.Errorf("--%s is not known", o[1])
		}
	}
}

// coturn itself says which keys it does not know; the table must say the same of those that other versions have.
func TestUnknownKeysOfInstalled(t *testing.T) {
	keys := []string{
		"software-attribute", "tlsv1", "tlsv1_1", "rfc5780", "stun-backward-compatibility", "sock-buf-size", "cli", "dtls", "stateless-nonce",
		"stateless-nonce-secret", "unauthorized-ratelimit", "cpus", "include-reason-string", "respond-http-unsupported", "raw-public-keys",
		"no-loopback-peers", "fingerprint", "no-tlsv1", "no-rfc5780", "no-software-attribute", "response-origin-only-with-rfc5780", "no-sslv3",
		"bogus",
	}
	lines := []string{"listening-ip=" + turntest.Public[0], "log-file=stdout", "pidfile=pid", "userdb=turndb", "no-cli", "no-tls", "no-dtls"}
	r := turntest.Start(t, turntest.Options{Raw: true, Lines: append(lines, keys...)})
	said := r.Log()
	for _, k := range keys {
		unknown := strings.Contains(said, "Bad configuration format: "+k+"\n")
		if (coturn.Debian.Key(k) == coturn.Unknown) != unknown {
			t.Errorf("%s: coturn calls it unknown: %v; the table says %v", k, unknown, coturn.Debian.Key(k))
		}
	}
}

func TestKeyLives(t *testing.T) {
	for _, c := range []struct {
		version coturn.Version
		key     string
		want    coturn.Knows
	}{
		{coturn.Version{4, 6, 3}, "no-tlsv1", coturn.Known},
		{coturn.Version{4, 7, 0}, "no-tlsv1", coturn.Unknown},
		{coturn.Version{4, 7, 0}, "no-software-attribute", coturn.Obsolete},
		{coturn.Version{4, 9, 0}, "cli", coturn.Unknown},
		{coturn.Version{4, 10, 0}, "cli", coturn.Known},
		{coturn.Version{4, 10, 0}, "no-cli", coturn.Obsolete},
		{coturn.Version{4, 16, 0}, "no-dtls", coturn.Known},
		{coturn.Version{4, 17, 0}, "no-dtls", coturn.Obsolete},
	} {
		if got := c.version.Key(c.key); got != c.want {
			t.Errorf("%s in %v: %v, want %v", c.key, c.version, got, c.want)
		}
	}
	for key, want := range map[string]string{
		"listning-port": "did you mean listening-port?", "no-loopback-peers": "refused unless", "cli": "came with coturn 4.10.0", "xyzzyxyzzy": "remove it",
	} {
		if got := coturn.Debian.Suggest(key); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if !slices.Contains(coturn.BuildKeys(), "prometheus") {
		t.Error("Prometheus is a matter of the build")
	}
}
