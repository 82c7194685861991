package loadtest

import (
	"bytes"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	rows := []Row{
		compare("a time", "µs", samples{130, 100, 9000}, samples{100}, Target{RatioAtMost: 1.3}),
		compare("a rate", "/s", samples{700}, samples{1000}, Target{RatioAtLeast: 0.8}),
		compare("a size", "KB", samples{18.26}, samples{23}, Target{AtMost: 20}),
		compareWork("work", [][]samples{{{40}, {10}, {5}}, {{30}, {7.04}, {5}}}, Target{}),
		compare("a count", "", samples{3}, nil, Target{}),
	}
	var b bytes.Buffer
	if err := WriteTable(&b, rows); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"measured  ours     bound    ratio  target      met  of it nats",
		"a time    130 µs   100 µs   1.30x  <= 1.3x     yes",
		"a rate    700 /s   1000 /s  0.70x  >= 0.8x     NO",
		"a size    18.3 KB  23.0 KB  0.79x  <= 20.0 KB  yes",
		"work      40.0 µs  30.0 µs  1.33x                   10, 7.04 µs",
		"a count   3",
	}
	for i, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		if i >= len(want) || strings.TrimRight(line, " ") != want[i] {
			t.Errorf("line %d: %q", i, line)
		}
	}
}

func TestQuantile(t *testing.T) {
	s := samples{40, 10, 30, 20}
	for q, want := range map[float64]float64{0: 10, 0.5: 25, 1: 40, 0.25: 17.5} {
		if got := s.quantile(q); got != want {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	if got := (samples{}).median(); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
