package turnauth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/turnauth"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const open = "hunter2hunter2"
	s := turnauth.NewSecret(open)
	c, err := turnauth.Mint(s, "alice", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	type outer struct {
		Shown  turnauth.Secret
		hidden turnauth.Secret
		list   []turnauth.Secret
	}
	o := outer{s, s, []turnauth.Secret{s}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", o)
		fmt.Fprintf(&out, verb+"\n", &o)
		fmt.Fprintf(&out, verb+"\n", c)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "outer", o, "credential", c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "outer", o, "credential", c)
	enc, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(enc)

	for _, leak := range []string{open, fmt.Sprintf("%x", open), fmt.Sprintf("%X", open), open[:5]} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q stands in:\n%s", leak, out.String())
		}
	}
	if strings.Contains(out.String(), "password") || strings.Contains(out.String(), c.Password) {
		t.Errorf("the password of a credential stands in:\n%s", out.String())
	}
	if s.Reveal() != open {
		t.Error("Reveal does not give the secret back")
	}
}

func TestSecretZeroAndEqual(t *testing.T) {
	if !turnauth.NewSecret("").IsZero() || (turnauth.Secret{}).String() != "" {
		t.Error("an empty secret is not the zero Secret")
	}
	if !turnauth.NewSecret("a").Equal(turnauth.NewSecret("a")) || turnauth.NewSecret("a").Equal(turnauth.NewSecret("b")) {
		t.Error("Equal does not compare contents")
	}
}
