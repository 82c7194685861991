package check_test

import (
	"fmt"
	"testing"
	"time"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// Each fault is found by its name, with the exit code of an unhealthy relay.
func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		lines       []string
		rules       string
		secret      string
		stop        bool
		calls       int           // that run already
		ahead       time.Duration // of the relay's clock is the one of whoever checks
		item, words string
	}{
		"relay down":   {stop: true, item: "udp4.binding", words: "down"},
		"wrong secret": {secret: "quite-different-0123456789", item: "udp4.allocate", words: "wrong secret"},
		"anonymous":    {lines: []string{"-use-auth-secret", "-static-auth-secret", "no-auth"}, item: "udp4.challenge", words: "anonymous relay"},
		"firewall":     {rules: "udp dport 50000-50999 drop", item: "udp4.relay-ports", words: "firewall drops relay ports"},
		"UDP blocked":  {rules: "udp dport 3478 drop", item: "udp4.binding", words: "UDP to 203.0.113.1:3478 is blocked"},
		"external-ip":  {lines: []string{"external-ip=198.51.100.1"}, item: "udp4.relay-ports", words: "external-ip is wrong"},
		"quota full":   {lines: []string{"total-quota=1"}, calls: 1, item: "udp4.allocate", words: "the quota is full"},
		"ports used up": {
			lines: []string{"min-port=50000", "max-port=50001"}, calls: 2, item: "udp4.allocate", words: "the relay's ports are used up",
		},
		"expired credential accepted": {ahead: 2 * time.Hour, item: "udp4.refuses.expired", words: "an expired credential is accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			r := turntest.Start(t, turntest.Options{Lines: c.lines})
			if c.rules != "" {
				turntest.Firewall(t, c.rules)
			}
			if c.stop {
				r.Stop()
			}
			for n := range c.calls {
				if _, err := turntest.Call(t, r, r.Secret, fmt.Sprintf("busy-%d", n)); err != nil {
					t.Fatal(err)
				}
			}
			o := options(t, r, r.URL("turn", "udp"))
			if c.ahead != 0 {
				o.Now = func() time.Time { return time.Now().Add(c.ahead) }
			}
			o.Quick, o.Timeout = true, 2*time.Second
			if c.secret != "" {
				o.Secret = turnauth.NewSecret(c.secret)
			}
			report := run(t, o)
			wantExit(t, report, verdict.ExitUnhealthy)
			wantItem(t, report, c.item, verdict.Fail, c.words)
		})
	}
}
