package turnauth_test

import (
	"testing"

	"callmesh/turnctl/turnauth"
)

// The ids are on the bus: they must be the same in every version.
func TestKeyID(t *testing.T) {
	a, b := turnauth.NewSecret("north"), turnauth.NewSecret("south")
	if got := turnauth.KeyID(a); got != "e768810108fa1da5" || turnauth.KeyID(b) == got {
		t.Errorf("%q and %q", got, turnauth.KeyID(b))
	}
	if turnauth.KeyID(turnauth.Secret{}) != "" {
		t.Error("no secret has an id")
	}
	secrets := []turnauth.Secret{a, b}
	if s, ok := turnauth.ByID(secrets, turnauth.KeyID(b)); !ok || !s.Equal(b) {
		t.Error("the second is not found")
	}
	for _, id := range []string{"", "x", turnauth.KeyID(turnauth.NewSecret("west"))} {
		if _, ok := turnauth.ByID(secrets, id); ok {
			t.Errorf("%q is found", id)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	got := turnauth.ParseSecrets("new\r\n\nold\nnew\n with spaces ")
	want := []string{"new", "old", " with spaces "}
	if len(got) != len(want) {
		t.Fatalf("%d secrets", len(got))
	}
	for i, s := range got {
		if s.Reveal() != want[i] {
			t.Errorf("%d is %q", i, s.Reveal())
		}
	}
	if turnauth.ParseSecrets("\n\r\n") != nil {
		t.Error("an empty file holds secrets")
	}
}
