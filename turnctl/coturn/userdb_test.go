package coturn_test

import (
	"path/filepath"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
)

func TestUserDB(t *testing.T) {
	db := coturn.UserDB{Path: filepath.Join(t.TempDir(), "turndb")}
	ctx := t.Context()
	if _, err := db.Secrets(ctx, "a"); err == nil {
		t.Error("a database that is not there has secrets")
	}
	odd := turnauth.NewSecret(`it's "odd"; DROP TABLE turn_secret; -- ü`)
	plain := turnauth.NewSecret("plain-secret-of-some-length")
	for _, s := range []turnauth.Secret{odd, plain, plain} {
		if err := db.Add(ctx, "a", s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Secrets(ctx, "a")
	if err != nil || len(got) != 2 || !got[0].Equal(odd) || !got[1].Equal(plain) {
		t.Fatalf("%d secrets, %v; want two", len(got), err)
	}
	if other, err := db.Secrets(ctx, "b"); err != nil || len(other) != 0 {
		t.Errorf("realm b has %d secrets, %v", len(other), err)
	}

	if was, err := db.Remove(ctx, "a", odd); err != nil || !was {
		t.Errorf("remove: %v, %v", was, err)
	}
	if was, err := db.Remove(ctx, "a", odd); err != nil || was {
		t.Errorf("removed twice: %v, %v", was, err)
	}
}

func TestUserDBErrorsHoldNoSecret(t *testing.T) {
	secret := turnauth.NewSecret("do-not-show-me")
	hexed := "646f2d6e6f742d73686f772d6d65"
	for name, db := range map[string]coturn.UserDB{
		"a directory": {Path: t.TempDir()},
		"no program":  {Path: filepath.Join(t.TempDir(), "db"), Program: "no-such-sqlite3"},
	} {
		err := db.Add(t.Context(), "a", secret)
		if err == nil || strings.Contains(err.Error(), secret.Reveal()) || strings.Contains(err.Error(), hexed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (coturn.UserDB{Path: "x"}).Add(t.Context(), "", secret); err == nil {
		t.Error("no realm is taken")
	}
}
