package check_test

import (
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
		item, words string
	}{
		"relay down":   {stop: true, item: "udp4.binding", words: "down"},
		"wrong secret": {secret: "quite-different-0123456789", item: "udp4.allocate", words: "wrong secret"},
		"anonymous":    {lines: []string{"-use-auth-secret", "-static-auth-secret", "no-auth"}, item: "udp4.challenge", words: "anonymous relay"},
		"firewall":     {rules: "udp dport 50000-50999 drop", item: "udp4.relay-ports", words: "firewall drops relay ports"},
		"UDP blocked":  {rules: "udp dport 3478 drop", item: "udp4.binding", words: "UDP to 203.0.113.1:3478 is blocked"},
		"external-ip":  {lines: []string{"external-ip=198.51.100.1"}, item: "udp4.relay-ports", words: "external-ip is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			r := turntest.Start(t, turntest.Options{Lines: c.lines})
			if c.rules != "" {
				turntest.Firewall(t, c.rules)
			}
			if c.stop {
				r.Stop()
			}
			o := options(t, r, r.URL("turn", "udp"))
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
