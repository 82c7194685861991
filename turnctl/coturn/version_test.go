package coturn_test

import (
	"testing"

	"callmesh/turnctl/coturn"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"4.6.1":                   "4.6.1",
		"4.6.1\n":                 "4.6.1",
		"4.6.1-1+b2":              "4.6.1",
		"Coturn-4.6.1 'Gorst'":    "4.6.1",
		"None Coturn-4.17.2":      "4.17.2",
		"4.17":                    "4.17.0",
		"0: : Version Coturn-4.9": "4.9.0",
	} {
		got, err := coturn.ParseVersion(text)
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "coturn", "4", "x.y.z"} {
		if got, err := coturn.ParseVersion(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestVersionOrder(t *testing.T) {
	ordered := []coturn.Version{{4, 5, 2}, {4, 6, 1}, {4, 6, 3}, {4, 7, 0}, {4, 9, 0}, {4, 10, 0}, {4, 17, 2}, {5, 0, 0}}
	for i, v := range ordered {
		for j, o := range ordered {
			if got := v.Compare(o); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%v against %v: %d", v, o, got)
			}
		}
	}
}

func TestInstalledIsDebians(t *testing.T) {
	v, err := coturn.Installed(t.Context(), "/usr/bin/turnserver")
	if err != nil || v != coturn.Debian {
		t.Fatalf("%v, %v; want %v", v, err, coturn.Debian)
	}
	if _, err := coturn.Installed(t.Context(), "/nowhere/turnserver"); err == nil {
		t.Error("a binary that is not there has a version")
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("Coturn-4.6.1 'Gorst'")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := coturn.ParseVersion(text)
		if err != nil {
			return
		}
		if again, err := coturn.ParseVersion(v.String()); err != nil || again != v {
			t.Errorf("%q is %v, and that is %v, %v", text, v, again, err)
		}
	})
}
