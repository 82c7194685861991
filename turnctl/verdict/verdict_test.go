package verdict_test

import (
	"testing"

	"callmesh/turnctl/verdict"
)

func TestExit(t *testing.T) {
	for name, c := range map[string]struct {
		statuses []verdict.Status
		want     int
	}{
		"nothing looked at":               {nil, 3},
		"all well":                        {[]verdict.Status{verdict.OK, verdict.Warn, verdict.Skipped}, 0},
		"nothing but skipped":             {[]verdict.Status{verdict.Skipped}, 3},
		"one could not be measured":       {[]verdict.Status{verdict.OK, verdict.Unknown}, 3},
		"a finding outweighs not knowing": {[]verdict.Status{verdict.Unknown, verdict.Fail, verdict.OK}, 1},
	} {
		r := verdict.Report{}
		for _, s := range c.statuses {
			r.Items = append(r.Items, verdict.Item{Status: s})
		}
		if got := r.Exit(); got != c.want {
			t.Errorf("%s: exit %d, want %d", name, got, c.want)
		}
	}
}
