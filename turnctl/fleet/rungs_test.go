package fleet

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"callmesh/turnctl/verdict"
)

// What the last check found stands there, step by step, and nothing of the one before.
func TestRungs(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := newMetrics(reg, []string{"turn:a"})
	says := func(want string) {
		t.Helper()
		head := "# HELP callmesh_turnctl_rung_up Each step of the last check: 1 where it passed, 0 where it failed; none where it was not tried or could not be told.\n" +
			"# TYPE callmesh_turnctl_rung_up gauge\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(head+want), "callmesh_turnctl_rung_up"); err != nil {
			t.Error(err)
		}
	}
	m.rungs.checked("turn:a", []verdict.Item{
		{Name: "resolve", Status: verdict.Skipped},
		{Name: "udp4.binding", Status: verdict.OK, Took: 20 * time.Millisecond},
		{Name: "udp4.challenge", Status: verdict.Warn},
		{Name: "udp4.allocate", Status: verdict.OK},
		{Name: "udp4.allocate", Status: verdict.Fail},
	})
	says(`callmesh_turnctl_rung_up{rung="udp4.allocate",url="turn:a"} 1
callmesh_turnctl_rung_up{rung="udp4.binding",url="turn:a"} 1
callmesh_turnctl_rung_up{rung="udp4.challenge",url="turn:a"} 1
`)
	took := `# HELP callmesh_turnctl_rung_seconds How long each step of the last check took, of those that wait for an answer.
# TYPE callmesh_turnctl_rung_seconds gauge
callmesh_turnctl_rung_seconds{rung="udp4.binding",url="turn:a"} 0.02
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(took), "callmesh_turnctl_rung_seconds"); err != nil {
		t.Error(err)
	}
	m.rungs.checked("turn:a", []verdict.Item{
		{Name: "udp4.binding", Status: verdict.Fail}, {Name: "udp4.challenge", Status: verdict.Skipped}, {Name: "udp4.allocate", Status: verdict.Unknown},
	})
	says(`callmesh_turnctl_rung_up{rung="udp4.binding",url="turn:a"} 0
`)
}

// Of the certificates that a relay shows, by each of its addresses, the one that ends first is told; of one that can't be read nothing is.
func TestExpiryOfCertificates(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := newMetrics(reg, []string{"turns:a", "turns:b"})
	shows := func(rung string, until float64) verdict.Item {
		return verdict.Item{Name: rung, Status: verdict.OK, Values: []verdict.Value{{Name: "certificate_expiry_seconds", Value: 7}, {Name: "certificate_expiry_timestamp_seconds", Value: until}}}
	}
	m.rungs.checked("turns:a", []verdict.Item{shows("tls4.certificate", 2000), shows("tls6.certificate", 1000)})
	m.rungs.checked("turns:b", []verdict.Item{{Name: "tls4.certificate", Status: verdict.Fail}})
	want := `# HELP callmesh_tls_certificate_expiry_timestamp_seconds When the certificate that the relay shows expires, in Unix time.
# TYPE callmesh_tls_certificate_expiry_timestamp_seconds gauge
callmesh_tls_certificate_expiry_timestamp_seconds{url="turns:a"} 1000
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "callmesh_tls_certificate_expiry_timestamp_seconds"); err != nil {
		t.Error(err)
	}
}
