package provision

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
)

func kinds(steps []Step) string {
	var list []string
	for _, s := range steps {
		list = append(list, string(s.Kind))
	}
	return strings.Join(list, " ")
}

// What is done follows from what is there: all of it on an empty host, nothing on one that is as it should be.
func TestPlan(t *testing.T) {
	conf := File{Path: "/etc/turnserver.conf", Content: []byte("realm=example.org\nstatic-auth-secret=hunter2hunter2\n"), Mode: 0o640, Restart: true}
	secret := turnauth.NewSecret("hunter2hunter2")
	want := Want{Package: "coturn", Binary: "/usr/bin/turnserver", User: "turnserver", Files: []File{conf}, UserDB: "/db", Realm: "example.org", Secrets: []turnauth.Secret{secret}}
	at := func(content string, mode fs.FileMode, gid int) map[string]FileFacts {
		return map[string]FileFacts{conf.Path: {Content: []byte(content), Mode: mode, GID: gid}}
	}
	good := Facts{Version: coturn.Debian, UID: 107, GID: 115, Running: true, Files: at(string(conf.Content), 0o640, 115)}
	for _, c := range []struct {
		name string
		have func(f *Facts)
		want string
	}{
		{"as it should be", func(*Facts) {}, ""},
		{"empty", func(f *Facts) { *f = Facts{UID: -1, GID: -1, Missing: want.Secrets} }, "install write secret restart prove"},
		{"stopped", func(f *Facts) { f.Running = false }, "restart prove"},
		{"another configuration", func(f *Facts) { f.Files = at("realm=old\n", 0o640, 115) }, "write restart prove"},
		{"readable for all", func(f *Facts) { f.Files = at(string(conf.Content), 0o644, 115) }, "own prove"},
		{"of another group", func(f *Facts) { f.Files = at(string(conf.Content), 0o640, 0) }, "own prove"},
		{"a secret that is missing needs no restart", func(f *Facts) { f.Missing = want.Secrets }, "secret prove"},
	} {
		have := good
		c.have(&have)
		steps := Plan(want, have)
		if got := kinds(steps); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for _, s := range steps {
			if strings.Contains(s.What+s.Changes, "hunter2") {
				t.Errorf("%s: a secret shows in %+v", c.name, s)
			}
			if s.Kind == Install && strings.Join(s.Argv, " ") != "apt-get install --yes --no-install-recommends coturn" {
				t.Errorf("%q", s.Argv)
			}
		}
	}
}

// A file that is there as it should be, and not in force, is put in force.
func TestPlanPutsInForce(t *testing.T) {
	f := File{Path: "/etc/sysctl.d/60-turnctl.conf", Content: []byte("x=1\n"), Mode: 0o644, Apply: func() error { return nil }}
	have := Facts{Version: coturn.Debian, Running: true, Files: map[string]FileFacts{f.Path: {Content: f.Content, Mode: f.Mode}}}
	if got := kinds(Plan(Want{Files: []File{f}}, have)); got != "write prove" {
		t.Errorf("%q", got)
	}
}

func TestUnitIn(t *testing.T) {
	for cgroup, want := range map[string]string{
		"0::/system.slice/coturn.service\n":             "coturn.service",
		"0::/user.slice/user-0.slice/session-1.scope\n": "",
		"0::/\n": "",
		"12:cpu:/x\n0::/system.slice/turn@eu.service\n": "turn@eu.service",
	} {
		if got := unitIn(cgroup); got != want {
			t.Errorf("%q: %q, want %q", cgroup, got, want)
		}
	}
}

const noUser = "no-such-user"

// A certificate that coturn's user can't read is copied to where it can.
func TestCertFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for _, path := range []string{cert, key} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := CertFiles("", "/etc", cert, key); err != nil || len(files) > 0 {
		t.Errorf("its owner may read them: %v %v", files, err)
	}
	files, err := CertFiles("nobody", "/etc", cert, key)
	if err != nil || len(files) != 2 || files[1].Path != "/etc/turnserver.key" || !files[1].Secret || files[1].Mode != 0o640 {
		t.Errorf("%+v %v", files, err)
	}
	if files, err := CertFiles(noUser, "/etc", cert, key); err != nil || len(files) != 2 {
		t.Errorf("for a user that a package is yet to make: %+v %v", files, err)
	}
	if _, err := (Host{}).Observe(t.Context(), Want{User: noUser}); err == nil || !strings.Contains(err.Error(), noUser) {
		t.Errorf("a user that no package is to make: %v", err)
	}
	if _, err := CertFiles("nobody", "/etc", cert, filepath.Join(dir, "none.pem")); err == nil {
		t.Error("a key that is not there was taken")
	}
}
