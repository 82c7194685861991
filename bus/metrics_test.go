package bus_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/bustest"
)

// A region whose edges fall silent is counted as such, on both sides of a cut, for as long as it lasts.
func TestSilentRegionsAreCounted(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "asia")
	var both [2]*prometheus.Registry
	o := [2]bus.Options{inRegion(t, m.Region("eu").URL(0), "eu"), inRegion(t, m.Region("asia").URL(0), "asia")}
	for i := range o {
		both[i] = prometheus.NewRegistry()
		o[i].Registerer = both[i]
	}
	knowsBoth(t, open(t, o[0]), open(t, o[1]))
	counted := func(heard, silent float64) func() error {
		return func() error {
			for i, reg := range both {
				if h, s := gauge(t, reg, "heard"), gauge(t, reg, "silent"); h != heard || s != silent {
					return fmt.Errorf("%s counts %v heard and %v silent", o[i].Region, h, s)
				}
			}
			return nil
		}
	}
	eventually(t, "each hears both", counted(2, 0))
	m.Isolate(bustest.Blackhole, "asia")
	eventually(t, "each hears itself alone", counted(1, 1))
	m.Heal()
	eventually(t, "each hears both again", counted(2, 0))
}

// gauge is a value of callmesh_bus_regions, -1 if it is not there.
func gauge(t *testing.T, reg *prometheus.Registry, state string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "callmesh_bus_regions" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == state {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}
