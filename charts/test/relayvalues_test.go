package charts

import (
	"os/exec"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// A relay that somebody has configured with turnctl moves to a cluster: the chart takes the values that turnctl makes of it, and turnctl reads what the chart makes of these.
func TestValuesOfTurnctlRender(t *testing.T) {
	for args, want := range map[string][]string{
		"--tls-off": {"port: 3478"},
		"--tls-off --external-ip 198.51.100.7 --min-port 50000 --max-port 60000 --total-quota 50 --allow-peer 10.0.0.0/8 --region eu": {
			"min-port: 50000", "max-port: 60000", `external-ip: "198.51.100.7"`, "total-quota: 50", "- 10.0.0.0/8", `region: "eu"`,
		},
		"--tls-cert /etc/x.pem --tls-key /etc/y.pem --port 3479 --tls-port 443 --user-quota 5 --session-bytes 1000000": {
			"port: 3479", "tls-port: 443", "user-quota: 5", "session-bytes: 1000000",
		},
	} {
		t.Run(args, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), program(t, "turnctl"),
				append([]string{"render", "--format", "values", "--realm", "example.org", "--listen-ip", "203.0.113.7", "--coturn-version", "4.6.1"}, strings.Fields(args)...)...)
			var said strings.Builder
			c.Stderr = &said
			text, err := c.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, said.String())
			}
			var values map[string]any
			if err := yaml.UnmarshalStrict(text, &values); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if strings.Contains(args, "tls-cert") {
				if _, _, err := tryRender(t, values); err == nil || !strings.Contains(err.Error(), "coturn.tls.host: missing") {
					t.Errorf("a certificate that is for no name: %v", err)
				}
				values = merged(values, map[string]any{"coturn": map[string]any{"tls": map[string]any{"secretName": "turn-tls", "host": "turn.example.org"}}})
			}
			r := render(t, values)
			r.isReadByPrograms(t)
			config := named[core.ConfigMap](r, "callmesh-relay").Data["relay.yaml"]
			for _, line := range want {
				if !strings.Contains(config, line+"\n") && !strings.HasSuffix(config, line) {
					t.Errorf("no %q in\n%s", line, config)
				}
			}
		})
	}
}
