package coturn_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
)

const sample = `# a comment
listening-port=3478
 realm = "example.org"  
listening-ip=192.0.2.1
listening-ip 192.0.2.2
fingerprint
no-udp=off
static-auth-secret=one=two

#static-auth-secret=was-once
user=alice:wonder
`

func TestParseConfig(t *testing.T) {
	c, err := coturn.ParseConfig([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Get("realm"); got != "example.org" {
		t.Errorf("realm %q", got)
	}
	if got := c.Values("listening-ip"); !slices.Equal(got, []string{"192.0.2.1", "192.0.2.2"}) {
		t.Errorf("listening-ip %q", got)
	}
	if !c.On("fingerprint") || c.On("no-udp") || c.On("no-tcp") {
		t.Error("flags are read wrongly")
	}
	if got := c.Get("static-auth-secret"); got != "one=two" {
		t.Errorf("static-auth-secret %q", got)
	}
	if l, _ := c.Last("realm"); l.Number != 3 {
		t.Errorf("realm stands in line %d, want 3", l.Number)
	}
	c.Set("listening-ip", "192.0.2.9")
	c.Set("cli-port", "5766")
	c.Remove("user")
	again, err := coturn.ParseConfig(c.Bytes())
	if err != nil || !slices.Equal(again.Values("listening-ip"), []string{"192.0.2.9"}) || again.Get("cli-port") != "5766" || again.Values("user") != nil {
		t.Errorf("written back: %v\n%s", err, c.Bytes())
	}
}

func TestMaskedShowsNoSecret(t *testing.T) {
	c, err := coturn.ParseConfig([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	shown := string(c.Masked().Bytes())
	for _, secret := range []string{"one=two", "was-once", "wonder"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is shown:\n%s", secret, shown)
		}
	}
	if !strings.Contains(shown, "user=alice:[secret]") {
		t.Errorf("the name of a user is no secret:\n%s", shown)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a\nrealm=" + strings.Repeat("x", 1100): "line 2 has 1106 bytes",
		"realm=a\x00b":                          "line 1 holds a NUL byte",
		strings.Repeat("#\n", 1<<20):            "more than 1048576 bytes",
	} {
		if _, err := coturn.ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("=\n = x\n#\n\t"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := coturn.ParseConfig(b)
		if err != nil {
			return
		}
		again, err := coturn.ParseConfig(c.Bytes())
		if err != nil {
			t.Skip() // a = that was added made a line too long
		}
		if !bytes.Equal(c.Bytes(), again.Bytes()) {
			t.Errorf("read and written twice:\n%q\n%q", c.Bytes(), again.Bytes())
		}
		c.Masked()
	})
}
