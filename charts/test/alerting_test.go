package charts

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// alertCases has for each alert what Prometheus could have read for two hours, a sample a minute: when it has to fire, with what in its summary, and when not.
var alertCases = map[string]struct{ bad, says, good string }{
	"CallmeshNoEdge": {
		`callmesh_edge_sessions{NS} 3x60 _x59` + "\n" + `callmesh_edge_sessions{namespace="trial",pod="a-1"} 0x120`, "No edge tells how it is in eu.",
		`callmesh_edge_sessions{NS} 0x60 _x59` + "\n" + `callmesh_edge_sessions{N2} _x60 0x59`, // another pod in its place
	},
	"CallmeshEdgeFull": {
		"callmesh_edge_sessions{NS} 95x120\ncallmesh_edge_limit{NS,of=\"sessions\"} 100x120\ncallmesh_edge_limit{NS,of=\"sockets\"} 1000x120", "a-1 has 95% of the sessions",
		"callmesh_edge_sessions{NS} 85x120\ncallmesh_edge_limit{NS,of=\"sessions\"} 100x120\ncallmesh_edge_limit{NS,of=\"sockets\"} 10x120",
	},
	"CallmeshEdgeFiles": {
		"callmesh_edge_sessions{NS} 1x120\nprocess_open_fds{NS} 90x120\nprocess_max_fds{NS} 100x120", "a-1 has 90%",
		"process_open_fds{NS} 90x120\nprocess_max_fds{NS} 100x120", // something else's
	},
	"CallmeshRefused": {
		`callmesh_edge_hellos_total{NS,how="new"} 0+60x120` + "\n" + `callmesh_edge_refused_total{NS,what="connect",why="full"} 0+30x120`, "500m a second are turned away in eu",
		`callmesh_edge_hellos_total{NS,how="new"} 0+60x120` + "\n" + `callmesh_edge_refused_total{NS,what="hello",why="token"} 0+300x120` + "\n" +
			`callmesh_edge_refused_total{NS,what="join",why="banned"} 0+300x120` + "\n" + `callmesh_edge_refused_total{NS,what="connect",why="full"} 0+3x120`,
	},
	"CallmeshErrors": {
		`callmesh_edge_errors_total{NS,code="unavailable"} 0+60x120`, "1 requests a second fail in eu", `callmesh_edge_errors_total{NS,code="no_such_peer"} 0+600x120`,
	},
	"CallmeshSlow": {
		`callmesh_edge_request_seconds_bucket{NS,op="join",le="1"} 0+90x120` + "\n" + `callmesh_edge_request_seconds_bucket{NS,op="join",le="2"} 0+100x120` + "\n" +
			`callmesh_edge_request_seconds_bucket{NS,op="join",le="+Inf"} 0+100x120`, "takes 1.9s or more in eu",
		`callmesh_edge_request_seconds_bucket{NS,op="join",le="1"} 0+100x120` + "\n" + `callmesh_edge_request_seconds_bucket{NS,op="join",le="+Inf"} 0+100x120`,
	},
	"CallmeshResumesNotWhole": {
		`callmesh_edge_hellos_total{NS,how="fresh"} 0+30x120` + "\n" + `callmesh_edge_hellos_total{NS,how="resumed"} 0+60x120`, "500m sessions a second come back to eu",
		`callmesh_edge_hellos_total{NS,how="fresh"} 0+3x120` + "\n" + `callmesh_edge_hellos_total{NS,how="resumed"} 0+600x120`,
	},
	"CallmeshCertificateExpires": {
		`callmesh_tls_certificate_expiry_timestamp_seconds{NS,url="turns:a"} 400000x120`, "of a-1, for turns:a, expires in 4d", `callmesh_tls_certificate_expiry_timestamp_seconds{NS} 4000000x120`,
	},
	"CallmeshCutOff": {`callmesh_bus_connected{NS} 1x60 0x59`, "a-1 has no connection to NATS", `callmesh_bus_connected{NS} 1x120`},
	"CallmeshEdgesDisagree": {
		"callmesh_edge_sessions{NS} 1x120\ncallmesh_bus_edges{NS} 2x120\ncallmesh_edge_sessions{N2} 1x120\ncallmesh_bus_edges{N2} 0x120", "Edges of eu see different",
		"callmesh_edge_sessions{NS} 1x120\ncallmesh_bus_edges{NS} 2x120\ncallmesh_bus_edges{N2} 0x120\n" + // an agent of a relay
			// While edges are replaced, each read at its own moment.
			"callmesh_edge_sessions{N3} 1x120\ncallmesh_edge_sessions{N4} 1x120\ncallmesh_bus_edges{N3} " + strings.Repeat("9 10 ", 60) + "\ncallmesh_bus_edges{N4} " + strings.Repeat("10 9 ", 60),
	},
	"CallmeshRegionSilent": {
		// One of three that are alike, and still after an hour.
		`callmesh_bus_regions{NS,state="silent"} 0x20 1x99` + "\n" + `callmesh_bus_regions{NS,state="heard"} 3x20 2x99`, "nothing is heard of 1 other regions",
		// Fewer edges by night.
		`callmesh_bus_regions{NS,state="silent"} 0x120` + "\n" + `callmesh_bus_edges{NS} 9x100 2x19`,
	},
	"CallmeshUndelivered": {
		`callmesh_bus_publish_failures_total{NS,why="unavailable"} 0+60x120`, "1 messages a second have an unknown fate in eu (unavailable)", `callmesh_bus_publish_failures_total{NS,why="refused"} 5x120`,
	},
	"CallmeshLost":       {`callmesh_edge_holes_given_up_total{NS} 0+1x120`, "10 holes", `callmesh_edge_holes_given_up_total{NS} 7x120`},
	"CallmeshSlowReader": {`callmesh_bus_dropped_total{NS} 0+1x120`, "a-1 reads from NATS too slowly", `callmesh_bus_dropped_total{NS} 1x120`},
	"CallmeshBusSlow": {
		`callmesh_bus_ack_seconds_bucket{NS,le="0.25"} 0+90x120` + "\n" + `callmesh_bus_ack_seconds_bucket{NS,le="0.6"} 0+100x120` + "\n" + `callmesh_bus_ack_seconds_bucket{NS,le="+Inf"} 0+100x120`,
		"NATS takes 565ms", `callmesh_bus_ack_seconds_bucket{NS,le="0.25"} 0+100x120` + "\n" + `callmesh_bus_ack_seconds_bucket{NS,le="+Inf"} 0+100x120`,
	},
	"CallmeshRelayFails": {
		`callmesh_turnctl_relay_up{NS,url="turn:a"} 0x120` + "\n" + `callmesh_turnctl_rung_up{NS,url="turn:a",rung="tls4.certificate"} 1x120`, "can't use turn:a",
		`callmesh_turnctl_relay_up{NS,url="turn:a"} 1x120` + "\n" + `callmesh_turnctl_relay_up{NS,url="turns:a"} 0x120` + "\n" +
			`callmesh_turnctl_rung_up{NS,url="turns:a",rung="tls4.certificate"} 0x120`,
	},
	"CallmeshRelayCertificate": {
		`callmesh_turnctl_rung_up{NS,url="turns:a",rung="tls4.certificate"} 0x120` + "\n" + `callmesh_turnctl_rung_up{NS,url="turns:a",rung="tls4.allocate"} 1x120`,
		"Callers refuse the certificate of turns:a.",
		`callmesh_turnctl_rung_up{NS,url="turns:a",rung="tls4.certificate"} 1x120` + "\n" + `callmesh_turnctl_rung_up{NS,url="turns:a",rung="tls4.connect"} 0x120`,
	},
	"CallmeshRelayUnmeasured": {
		`callmesh_turnctl_checks_total{NS,url="turn:a",result="unmeasured"} 0+5x120` + "\n" + `callmesh_turnctl_checks_total{NS,url="turn:a",result="passed"} 3x120` + "\n" +
			`callmesh_turnctl_checks_total{NS,url="turn:a",result="failed"} 0x120`, "a-1 can't tell whether turn:a works",
		`callmesh_turnctl_checks_total{NS,url="turn:a",result="unmeasured"} 0+1x120` + "\n" + `callmesh_turnctl_checks_total{NS,url="turn:a",result="passed"} 0+5x120`,
	},
	"CallmeshRelayUnannounced": {
		`callmesh_turnctl_announces_total{NS,result="failed"} 0+5x120` + "\n" + `callmesh_turnctl_announces_total{NS,result="taken"} 9x120`, "a-1 can't tell the edges",
		`callmesh_turnctl_announces_total{NS,result="failed"} 0+1x120` + "\n" + `callmesh_turnctl_announces_total{NS,result="taken"} 0+5x120`,
	},
	"CallmeshRelayFull": {
		`callmesh_turnctl_relay_allocations{NS,which="now"} 95x120` + "\n" + `callmesh_turnctl_relay_allocations{NS,which="most"} 100x120`, "beside a-1 has 95 allocations",
		`callmesh_turnctl_relay_allocations{NS,which="now"} 95x120` + "\n" + `callmesh_turnctl_relay_allocations{NS,which="most"} -1x120`,
	},
	"CallmeshNoRelay": {
		`callmesh_edge_relays_given_total{NS,from="none"} 0+1x120`, "Sessions of eu are told of no relay", `callmesh_edge_relays_given_total{NS,from="none"} 1x120` + "\n" + `callmesh_edge_relays_given_total{NS,from="own"} 0+1x120`,
	},
	"CallmeshOwnRelaysGone": {
		`callmesh_edge_relays{NS,region="own",state="healthy"} 2x20 0x99` + "\n" + `callmesh_edge_relays{NS,region="other",state="healthy"} 2x120`, "No relay of the region of eu",
		`callmesh_edge_relays{NS,region="own",state="healthy"} 0x120`, // one that never had any
	},
	"CallmeshCallsDoNotConnect": {
		`callmesh_edge_outcomes_total{NS,result="connected"} 0+4x120` + "\n" + `callmesh_edge_outcomes_total{NS,result="failed"} 0+1x120`, "in eu do not connect",
		`callmesh_edge_outcomes_total{NS,result="connected"} 0+40x120` + "\n" + `callmesh_edge_outcomes_total{NS,result="failed"} 0+1x120`,
	},
	"CallmeshProbesDoNotConnect": {
		`callmesh_probe_success_ratio{source="probe",mode="relay-tls",over="attempts",bound="high"} 0.9x120`, "by relay-tls at most 90% connect",
		`callmesh_probe_success_ratio{source="probe",mode="direct",over="attempts",bound="high"} 0.7x120` + "\n" + `callmesh_probe_success_ratio{source="probe",mode="all",over="attempts",bound="low"} 0.7x120`,
	},
	"CallmeshProbesStopped": {
		`callmesh_probe_last_attempt_timestamp_seconds{source="probe"} -200000x120`, "was 2d", `callmesh_probe_last_attempt_timestamp_seconds{source="call"} -200000x120`,
	},
}

// Each alert fires when it has to and says of what, and does not fire when it has not to.
func TestAlertsFire(t *testing.T) {
	all := alerts(t)
	if len(all) != len(alertCases) {
		t.Errorf("%d alerts and %d cases", len(all), len(alertCases))
	}
	for _, r := range all {
		t.Run(r.Alert, func(t *testing.T) {
			c, ok := alertCases[r.Alert]
			if !ok {
				t.Fatal("no case")
			}
			fired, first := firing(t, r, c.bad)
			if len(fired) == 0 || !strings.Contains(strings.Join(fired, "\n"), c.says) {
				t.Errorf("says %q, want %q", fired, c.says)
			}
			if first < time.Duration(r.For) {
				t.Errorf("fires after %s, for: %s", first, time.Duration(r.For))
			}
			if fired, _ := firing(t, r, c.good); len(fired) > 0 {
				t.Errorf("says %q although all is well", fired)
			}
		})
	}
}

// firing evaluates an alert once a minute for two hours, and gives the summaries of what fires in the end, and after how long it first did.
func firing(t *testing.T, r rulefmt.Rule, series string) (summaries []string, first time.Duration) {
	t.Helper()
	series = strings.NewReplacer("{NS", `{namespace="eu",pod="a-1",instance="10.0.0.1:9090"`, "{N2", `{namespace="eu",pod="a-2",instance="10.0.0.2:9090"`,
		"{N3", `{namespace="us",pod="a-1",instance="10.1.0.1:9090"`, "{N4", `{namespace="us",pod="a-2",instance="10.1.0.2:9090"`).Replace(series)
	store := promqltest.LoadedStorage(t, "load 1m\n  "+strings.ReplaceAll(series, "\n", "\n  ")+"\n")
	query := rules.EngineQueryFunc(promqltest.NewTestEngine(t, false, 0, 100_000), store)
	expr, err := promQL.ParseExpr(r.Expr)
	if err != nil {
		t.Fatal(err)
	}
	rule := rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), 0, labels.FromMap(r.Labels), labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, nil)
	for at := time.Duration(0); at < 2*time.Hour; at += time.Minute {
		if _, err := rule.Eval(t.Context(), 0, time.Unix(0, 0).Add(at), query, nil, 0); err != nil {
			t.Fatal(err)
		}
		summaries = nil
		for _, a := range rule.ActiveAlerts() {
			if a.State != rules.StateFiring {
				continue
			}
			if first == 0 {
				first = at
			}
			summaries = append(summaries, a.Annotations.Get("summary"))
		}
	}
	return summaries, first
}

// Where Prometheus never read an edge, that is said too.
func TestNoEdgeEver(t *testing.T) {
	for _, r := range alerts(t) {
		if r.Alert != "CallmeshNoEdge" {
			continue
		}
		if fired, _ := firing(t, r, `other 1x120`); len(fired) != 1 || !strings.Contains(fired[0], "how it is. Either") {
			t.Errorf("says %q", fired)
		}
	}
}
