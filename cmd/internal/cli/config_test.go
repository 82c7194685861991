package cli

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"callmesh/turnctl/turnauth"
)

// sample has a key of every type.
type sample struct {
	LogConfig
	Listen string          `key:"listen" default:"127.0.0.1:1" help:"Where to listen."`
	Name   string          `key:"name" help:"A name, if there is one." example:"yes: or no"`
	Guests bool            `key:"guests" default:"false" help:"Whether guests are welcome."`
	Count  int             `key:"count" default:"3" help:"How many."`
	Port   uint16          `key:"min-port" default:"49152" help:"The first port."`
	Wait   time.Duration   `key:"drain-timeout" default:"30s" help:"How long to wait."`
	URLs   []string        `key:"url" help:"Where to go." example:"nats://a:4222,nats://b:4222"`
	IP     netip.Addr      `key:"relay-ip" want:"an IP address" example:"192.0.2.1" help:"The address."`
	Peers  []netip.Prefix  `key:"allow-peer" want:"a range of addresses" example:"10.0.0.0/8" help:"Ranges."`
	Secret turnauth.Secret `key:"auth-secret" help:"The secret."`
}

func (s *sample) Check(p *Problems) {
	if s.Count > 5 {
		p.Wrong("count", "%d is too many; at most 5", s.Count)
	}
	if s.Name == "given" && !p.Given("listen") {
		p.Wrong("listen", "needed with a name")
	}
}

// load runs a command with a sample configuration, a file of the given content and arguments.
func load(t *testing.T, file string, args ...string) (sample, error) {
	t.Helper()
	var s sample
	root := Root("test", "A test")
	c := &cobra.Command{Use: "run", Args: cobra.NoArgs}
	b := Bind(c, &s)
	c.RunE = func(*cobra.Command, []string) error { return b.Load() }
	root.AddCommand(c)
	root.SilenceErrors, root.SilenceUsage = true, true
	if file != "" {
		path := filepath.Join(t.TempDir(), "test.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	root.SetArgs(append([]string{"run"}, args...))
	return s, root.Execute()
}

func TestDefaults(t *testing.T) {
	got, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	want := sample{LogConfig: LogConfig{"info", "text"}, Listen: "127.0.0.1:1", Count: 3, Port: 49152, Wait: 30 * time.Second}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEverySource(t *testing.T) {
	want := sample{
		LogConfig: LogConfig{"debug", "json"}, Listen: "[::1]:2", Name: "012", Guests: true, Count: -1, Port: 0, Wait: 90 * time.Minute,
		URLs: []string{"a:1", "b:2"}, IP: netip.MustParseAddr("192.0.2.9"), Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
	}
	pairs := [][2]string{
		{"log-level", "debug"},
		{"log-format", "json"},
		{"listen", "[::1]:2"},
		{"name", "012"},
		{"guests", "true"},
		{"count", "-1"},
		{"min-port", "0"},
		{"drain-timeout", "1h30m"},
		{"url", "a:1,b:2"},
		{"relay-ip", "192.0.2.9"},
		{"allow-peer", "10.0.0.0/8, fd00::/8"},
		{"auth-secret", "hush"},
	}
	check := func(t *testing.T, got sample, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got.Secret.Reveal() != "hush" {
			t.Errorf("secret %q", got.Secret.Reveal())
		}
		if got.Secret = (turnauth.Secret{}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	t.Run("flags", func(t *testing.T) {
		var args []string
		for _, p := range pairs {
			args = append(args, "--"+p[0]+"="+p[1])
		}
		got, err := load(t, "", args...)
		check(t, got, err)
	})
	t.Run("repeated flags", func(t *testing.T) {
		got, err := load(t, "", "--url", "a:1", "--url", "b:2", "--name", "x", "--name", "y", "--guests")
		if err != nil || !slices.Equal(got.URLs, want.URLs) || got.Name != "y" || !got.Guests {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("environment", func(t *testing.T) {
		for _, p := range pairs {
			t.Setenv("CALLMESH_"+strings.ToUpper(strings.ReplaceAll(p[0], "-", "_")), p[1])
		}
		got, err := load(t, "")
		check(t, got, err)
	})
	t.Run("file", func(t *testing.T) {
		var file strings.Builder
		for _, p := range pairs {
			v := p[1]
			if strings.HasPrefix(v, "[") {
				v = `"` + v + `"`
			}
			file.WriteString(p[0] + ": " + v + "\n")
		}
		got, err := load(t, file.String())
		check(t, got, err)
	})
	t.Run("lists in a file", func(t *testing.T) {
		got, err := load(t, "url: [a:1, b:2]\nallow-peer:\n  - 10.0.0.0/8\n  - fd00::/8\n")
		if err != nil || !slices.Equal(got.URLs, want.URLs) || !slices.Equal(got.Peers, want.Peers) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestPrecedence(t *testing.T) {
	file := "name: file\ncount: 1\nlisten: file\nurl: [file]\n"
	t.Setenv("CALLMESH_NAME", "env")
	t.Setenv("CALLMESH_COUNT", "2")
	t.Setenv("CALLMESH_URL", "env")
	t.Setenv("CALLMESH_LISTEN", "") // as good as not set
	got, err := load(t, file, "--name", "flag", "--url", "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "flag" || got.Count != 2 || got.Listen != "file" || len(got.URLs) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestConfigByVariable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "by.yaml")
	if err := os.WriteFile(path, []byte("name: found\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CALLMESH_CONFIG", path)
	if got, err := load(t, ""); err != nil || got.Name != "found" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFilesThatSetNothing(t *testing.T) {
	for _, file := range []string{"\n", "# only\n# comments\n", "---\n", "name:\ncount: ~\n", "{}\n"} {
		if got, err := load(t, file); err != nil || got.Count != 3 || got.Name != "" {
			t.Errorf("%q: %+v, %v", file, got, err)
		}
	}
	if got, err := load(t, "name: &n shared\nlisten: *n\n"); err != nil || got.Listen != "shared" {
		t.Errorf("an alias: %+v, %v", got, err)
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		args       []string
		env        map[string]string
		want       []string
	}{
		{"unknown key", "# x\nlisten: a\nlisen: b\n", nil, nil, []string{"test.yaml:3: lisen: unknown key; did you mean listen?"}},
		{"unknown key like none", "zzzzzzzzzz: b\n", nil, nil, []string{"test.yaml:1: zzzzzzzzzz: unknown key; `default-config` prints them all"}},
		{"key in capitals", "Listen: b\n", nil, nil, []string{"test.yaml:1: Listen: unknown key; did you mean listen?"}},
		{"key with underscores", "drain_timeout: 1s\n", nil, nil, []string{"test.yaml:1: drain_timeout: unknown key; did you mean drain-timeout?"}},
		{"merge key", "<<: {count: 1}\n", nil, nil, []string{"test.yaml:1: <<: unknown key; `default-config` prints them all"}},
		{"key twice", "count: 1\ncount: 2\n", nil, nil, []string{"test.yaml:2: count: given twice, first in line 1; keep one"}},
		{"keys below", "listen:\n  host: a\n", nil, nil, []string{"test.yaml:1: listen: takes no keys below it; write `key: value`"}},
		{"list for one", "listen: [a]\n", nil, nil, []string{"test.yaml:1: listen: takes one value, not a list; write `key: value`"}},
		{"list of lists", "url: [[a]]\n", nil, nil, []string{"test.yaml:1: url: an entry of the list is not a plain value; write `- value`"}},
		{"no mapping", "- a\n", nil, nil, []string{"test.yaml:1: not a list of keys; write one `key: value` per line"}},
		{"not YAML", "listen: [\n", nil, nil, []string{"test.yaml: not YAML: line 1: did not find expected node content"}},
		{"two documents", "count: 1\n---\ncount: 2\n", nil, nil, []string{"test.yaml: more than one document; keep what stands above the second ---"}},
		{"duration without unit", "drain-timeout: 30\n", nil, nil, []string{`test.yaml:1: drain-timeout: "30" is not a duration with its unit; write it like 30s`}},
		{"YAML's yes", "guests: yes\n", nil, nil, []string{`test.yaml:1: guests: "yes" is not true or false`}},
		{"flag", "", []string{"--count", "many"}, nil, []string{`--count: "many" is not a whole number; write it like 3`}},
		{"negative duration", "", []string{"--drain-timeout=-1s"}, nil, []string{`--drain-timeout: "-1s" is not a duration with its unit; write it like 30s`}},
		{"port", "", nil, map[string]string{"CALLMESH_MIN_PORT": "70000"}, []string{`CALLMESH_MIN_PORT: "70000" is not a whole number from 0 to 65535; write it like 49152`}},
		{"address", "", []string{"--relay-ip", "here"}, nil, []string{`--relay-ip: "here" is not an IP address; write it like 192.0.2.1`}},
		{"range", "", []string{"--allow-peer", "10.0.0.0/8,10.1"}, nil, []string{`--allow-peer: "10.1" is not a range of addresses; write it like 10.0.0.0/8`}},
		{"choice", "", []string{"--log-level", "loud"}, nil, []string{`--log-level: "loud" is not one of debug, info, warn, error`}},
		{"unknown variable", "", nil, map[string]string{"CALLMESH_LISEN": "x"}, []string{"CALLMESH_LISEN: unknown variable; did you mean CALLMESH_LISTEN?"}},
		{"links of Kubernetes", "", nil, map[string]string{
			"CALLMESH_SERVICE_HOST": "10.0.0.1", "CALLMESH_SERVICE_PORT_HTTPS": "1", "CALLMESH_PORT_443_TCP_ADDR": "x", "CALLMESH_EDGE_PORT": "tcp://x",
		}, nil},
		{"what must hold", "count: 6\nname: given\n", nil, nil, []string{"test.yaml:1: count: 6 is too many; at most 5", "listen: needed with a name"}},
		{"all at once", "lisen: b\ncount: x\n", []string{"--guests=perhaps"}, map[string]string{"CALLMESH_WAIT": "1s"}, []string{
			"CALLMESH_WAIT: unknown variable; a variable is a key in capitals, with _ for -",
			"test.yaml:1: lisen: unknown key; did you mean listen?",
			`--guests: "perhaps" is not true or false`,
			`test.yaml:2: count: "x" is not a whole number; write it like 3`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			_, err := load(t, tt.file, tt.args...)
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, other := file("good", "from a file\r\n"), file("other", "other")
	empty, long := file("empty", "\n"), file("long", strings.Repeat("x", maxSecret+1))
	missing := filepath.Join(dir, "missing")
	for _, tt := range []struct {
		name, file string
		args       []string
		env        map[string]string
		want       string
		problem    string
	}{
		{"flag", "", []string{"--auth-secret", "a,b"}, nil, "a,b", ""},
		{"file by flag", "", []string{"--auth-secret-file", good}, nil, "from a file", ""},
		{"file by variable", "", nil, map[string]string{"CALLMESH_AUTH_SECRET_FILE": good}, "from a file", ""},
		{"file by file", "auth-secret-file: " + good, nil, nil, "from a file", ""},
		{"a flag outweighs a file's file", "auth-secret-file: " + good, []string{"--auth-secret", "x"}, nil, "x", ""},
		{"a variable's file outweighs a file", "auth-secret: x", nil, map[string]string{"CALLMESH_AUTH_SECRET_FILE": other}, "other", ""},
		{"both", "auth-secret: x\nauth-secret-file: y\n", nil, nil, "", "test.yaml:1: auth-secret: given together with test.yaml:2: auth-secret-file; give one of them"},
		{"missing", "", []string{"--auth-secret-file", missing}, nil, "", "--auth-secret-file: open " + missing + ": no such file or directory"},
		{"empty", "", []string{"--auth-secret-file", empty}, nil, "", "--auth-secret-file: " + empty + " is empty; put the secret into it"},
		{"long", "", []string{"--auth-secret-file", long}, nil, "", "--auth-secret-file: " + long + " is longer than 65536 bytes; is it the right file?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			got, err := load(t, tt.file, tt.args...)
			if tt.problem != "" {
				if err == nil || err.Error() != tt.problem {
					t.Fatalf("got %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil || got.Secret.Reveal() != tt.want {
				t.Errorf("got %q, %v; want %q", got.Secret.Reveal(), err, tt.want)
			}
		})
	}
}

// No message, help text or default file shows a secret, wherever it was given.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Setenv("CALLMESH_AUTH_SECRET", "hunter2")
	var out bytes.Buffer
	var s sample
	c := CheckConfig(&s)
	root := Root("test", "A test", c, DefaultConfig("test", &s))
	root.SetOut(&out)
	root.SetErr(&out)
	for _, args := range [][]string{
		{"check-config", "--auth-secret", "hunter2", "--count", "x"},
		{"check-config", "--help"},
		{"default-config"},
		{"check-config", "--auth-secret", "hunter2", "--nope"},
		{"check-config"},
	} {
		run(context.Background(), root, args, &out)
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("it stands in:\n%s", out.String())
	}
	if s.Secret.Reveal() != "hunter2" {
		t.Error("it was not read at all")
	}
}
