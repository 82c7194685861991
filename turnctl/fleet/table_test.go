package fleet

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/turnctl/verdict"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// example is a fleet with one of everything that can be wrong.
func example() Registry {
	state := func(region wire.Region, id wire.RelayID, since time.Duration, change func(*bus.RelayState)) bus.RelayState {
		s := bus.RelayState{
			Since: noon.Add(-since), Said: noon.Add(-2 * time.Second),
			Relay: wire.Relay{
				ID: id, Region: region, Health: wire.RelayHealthy, Realm: "example.org", Load: 12, Capacity: 100, Software: "coturn 4.6.1",
				URLs: []string{"turn:" + string(id) + ":3478?transport=udp", "turns:" + string(id) + ":443?transport=tcp"},
			},
		}
		if change != nil {
			change(&s)
		}
		return s
	}
	down := func(n int, why string) func(*bus.RelayState) {
		return func(s *bus.RelayState) {
			for _, u := range s.URLs[len(s.URLs)-n:] {
				s.Down = append(s.Down, wire.RelayDown{URL: u, Why: why})
			}
			if s.URLs = s.URLs[:len(s.URLs)-n]; len(s.URLs) == 0 {
				s.Health, s.Why = wire.RelayFailing, why
			}
		}
	}
	return Registry{
		Regions: []wire.Region{"us", "eu", "ap"},
		Relays: []bus.RelayState{
			state("us", "gone", 90*time.Second, down(2, "udp4.binding")),
			state("eu", "well", 3*24*time.Hour, nil),
			state("eu", "tired", 5*time.Hour+7*time.Minute, func(s *bus.RelayState) { s.Load = 100 }),
			state("eu", "odd", 12*time.Minute, down(1, "tls4.certificate")),
			state("eu", "leaves", 0, func(s *bus.RelayState) { s.Draining, s.Load, s.Capacity, s.Software = true, -1, -1, "" }),
		},
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, example(), noon); err != nil {
		t.Fatal(err)
	}
	want := `3 of 5 relays serve callers; 1 failing; 1 draining; no relay in ap, us

REGION  RELAY   STATE                 FOR    LOAD     URLS           SAID    SOFTWARE
ap      -       no relay              -      -        -              -       -
eu      leaves  draining              0s     ?/?      udp tls:443    2s ago  -
eu      odd     healthy               12m    12/100   udp -TLS:443   2s ago  coturn 4.6.1
eu      tired   full                  5h07m  100/100  udp tls:443    2s ago  coturn 4.6.1
eu      well    healthy               3d     12/100   udp tls:443    2s ago  coturn 4.6.1
us      gone    FAILING udp4.binding  90s    12/100   -UDP -TLS:443  2s ago  coturn 4.6.1
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestReport(t *testing.T) {
	r := Report(example(), "fleet", noon)
	var lines []string
	for _, i := range r.Items {
		lines = append(lines, strings.TrimSpace(strings.Join([]string{string(i.Status), i.Group, i.Name, i.Summary, i.Fix}, " | ")))
	}
	want := []string{
		"fail | ap | region.ap | no relay serves callers | start a relay of this region, and `turnctl watch` beside it",
		"warn | eu | relay.leaves | draining: callers are not sent to it; it is healthy for 0s |",
		"warn | eu | relay.odd | healthy for 12m; 1 of its 2 URLs do not work |",
		"warn | eu | relay.tired | healthy for 5h07m; it is full |",
		"ok | eu | relay.well | healthy for 3d |",
		"ok | eu | region.eu | 3 of 4 relays serve callers |",
		"fail | us | relay.gone | failing for 90s: udp4.binding | turnctl check --url turn:gone:3478?transport=udp --secret-file FILE --realm example.org",
		"fail | us | region.us | no relay serves callers | look at the relays above: `turnctl check` says what is wrong with each",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	for name, c := range map[string]struct {
		regions []wire.Region
		exit    int
	}{
		"all": {nil, verdict.ExitUnhealthy}, "the region that is well": {[]wire.Region{"eu"}, verdict.ExitHealthy},
		"one that fails": {[]wire.Region{"us"}, verdict.ExitUnhealthy}, "one that nobody knows": {[]wire.Region{"mars"}, verdict.ExitUnhealthy},
	} {
		r := Report(example().Only(c.regions), "fleet", noon)
		if got := r.Exit(); got != c.exit {
			t.Errorf("%s: exit %d, want %d", name, got, c.exit)
		}
	}
	if r := Report(Registry{}, "fleet", noon); r.Exit() != verdict.ExitUnmeasured {
		t.Errorf("of nothing: exit %d", r.Exit())
	}
}

func TestCollector(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(Collector{Now: example})
	want := `# HELP callmesh_fleet_relays_serving Relays of the region that callers are sent to.
# TYPE callmesh_fleet_relays_serving gauge
callmesh_fleet_relays_serving{region="ap"} 0
callmesh_fleet_relays_serving{region="eu"} 3
callmesh_fleet_relays_serving{region="us"} 0
# HELP callmesh_fleet_relay_allocations Allocations of the relay; missing where that is not known.
# TYPE callmesh_fleet_relay_allocations gauge
callmesh_fleet_relay_allocations{region="eu",relay="odd"} 12
callmesh_fleet_relay_allocations{region="eu",relay="tired"} 100
callmesh_fleet_relay_allocations{region="eu",relay="well"} 12
callmesh_fleet_relay_allocations{region="us",relay="gone"} 12
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "callmesh_fleet_relays_serving", "callmesh_fleet_relay_allocations"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
