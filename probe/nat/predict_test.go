package nat_test

import (
	"strings"
	"testing"

	"callmesh/probe/nat"
)

// The table of what is expected between distinct NATs, as METHOD has it.
const table = `
          EIM/EIF EIM/ADF EIM/APDF ADM/EIF ADM/ADF ADM/APDF APDM/EIF APDM/ADF APDM/APDF
EIM/EIF   Y       Y       Y        Y       Y       Y        Y        Y        Y
EIM/ADF   Y       Y       Y        Y       Y       Y        Y        Y        Y
EIM/APDF  Y       Y       Y        -       -       -        -        -        -
ADM/EIF   Y       Y       -        Y       Y       -        Y        Y        -
ADM/ADF   Y       Y       -        Y       -       -        Y        -        -
ADM/APDF  Y       Y       -        -       -       -        -        -        -
APDM/EIF  Y       Y       -        Y       Y       -        -        -        -
APDM/ADF  Y       Y       -        Y       -       -        -        -        -
APDM/APDF Y       Y       -        -       -       -        -        -        -
`

func TestPredict(t *testing.T) {
	classes := map[string]nat.Class{}
	for _, c := range nat.Classes() {
		classes[c.String()] = c
	}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := strings.Fields(lines[0])
	if len(columns) != 9 || len(lines) != 10 {
		t.Fatal("the table is not nine by nine")
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, cell := range cells[1:] {
			want := nat.Relayed
			if cell == "Y" {
				want = nat.Direct
			}
			a, b := classes[cells[0]], classes[columns[i]]
			if got := nat.Predict(a, b); got != want {
				t.Errorf("%s with %s: %s, want %s", a, b, got, want)
			}
			if nat.Predict(a, b) != nat.Predict(b, a) {
				t.Errorf("%s with %s is not symmetric", a, b)
			}
		}
	}
}

func TestPredictOfWhatIsNotKnown(t *testing.T) {
	open := nat.Class{Mapping: nat.EIM, Filtering: nat.EIF}
	strict := nat.Class{Mapping: nat.APDM, Filtering: nat.APDF}
	for name, c := range map[string]struct {
		a, b nat.Class
		want nat.Expected
	}{
		"an open one connects with anything":        {open, nat.Class{}, nat.Direct},
		"a filtering that does not matter":          {nat.Class{Mapping: nat.APDM, Filtering: nat.FilteringUnknown}, nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}, nat.Relayed},
		"a mapping that matters":                    {nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.APDF}, nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}, nat.Unsure},
		"the strictest with one that is not known":  {strict, nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown}, nat.Unsure},
		"no UDP at all, whatever the other one is":  {nat.Class{UDPBlocked: true}, nat.Class{}, nat.Relayed},
		"no UDP at all, with the most open network": {open, nat.Class{UDPBlocked: true}, nat.Relayed},
	} {
		if got := nat.Predict(c.a, c.b); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := nat.Predict(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way: %s, want %s", name, got, c.want)
		}
	}
}

func TestClassNames(t *testing.T) {
	for want, c := range map[string]nat.Class{
		"EIM/APDF":        {Mapping: nat.EIM, Filtering: nat.APDF},
		"unknown/unknown": {},
		"UDP blocked":     {Mapping: nat.EIM, Filtering: nat.EIF, UDPBlocked: true},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if (nat.Class{Mapping: nat.EIM}).Known() || !(nat.Class{Mapping: nat.EIM, Filtering: nat.ADF}).Known() {
		t.Error("what is known is not told from what is not")
	}
}
