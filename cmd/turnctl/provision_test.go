package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
)

// station is a directory in which turnctl provision sets up a relay.
type station struct {
	t             *testing.T
	dir, program  string
	conf, userDB  string
	config        string
	secret, telly string // the shared secret, and the password of coturn's command-line interface
	addr          string
	output        output
}

// output collects what programs say.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func newStation(t *testing.T, ip string, cliPort int) *station {
	t.Helper()
	dir := t.TempDir()
	s := &station{
		t: t, dir: dir, program: filepath.Join(dir, "turnctl"), conf: filepath.Join(dir, "turnserver.conf"), userDB: filepath.Join(dir, "turndb"),
		config: filepath.Join(dir, "relay.yaml"), secret: "station-secret-0123456789", telly: "station-telnet-0123456789", addr: ip + ":3478",
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, s.program); err != nil { // testscript runs turnctl by this name
		t.Fatal(err)
	}
	s.write("secret", s.secret)
	s.write("telnet", s.telly)
	s.write("relay.yaml", fmt.Sprintf("listen-ip: %s\nmin-port: 50000\nmax-port: 50499\nrealm: station.example\nsecret-file: %s/secret\nuserdb: %s\nconf: %s\ntls-off: true\n"+
		"cli-password-file: %s/telnet\ncli-port: %d\n", ip, dir, s.userDB, s.conf, dir, cliPort))
	t.Cleanup(func() {
		if said := s.output.String(); strings.Contains(said, s.secret) || strings.Contains(said, s.telly) {
			t.Error("a secret was printed")
		}
		if t.Failed() {
			t.Log(s.output.String())
		}
	})
	return s
}

func (s *station) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *station) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs turnctl to its end, and gives what it printed and its exit code.
func (s *station) run(args ...string) (out string, code int) {
	s.t.Helper()
	cmd := s.command(args...)
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &s.output
	err := cmd.Run()
	_, _ = s.output.Write(stdout.Bytes())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return stdout.String(), cmd.ProcessState.ExitCode()
}

func (s *station) provision(more ...string) (string, int) {
	s.t.Helper()
	return s.run(append([]string{"provision", "--config", s.config, "--supervise"}, more...)...)
}

// start provisions in the background, and waits until it is proved.
func (s *station) start() (supervisor *exec.Cmd, ended <-chan int) {
	s.t.Helper()
	cmd := s.command("provision", "--config", s.config, "--supervise")
	said := new(output)
	cmd.Stdout, cmd.Stderr = said, &s.output
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() {
		_ = cmd.Wait()
		done <- cmd.ProcessState.ExitCode()
	}()
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
	s.until("it is proved", func() bool {
		if strings.Contains(said.String(), "provision: unhealthy") {
			s.t.Fatalf("it was not proved:\n%s", said.String())
		}
		return strings.Contains(said.String(), "provision: healthy")
	})
	return cmd, done
}

func (s *station) until(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

func (s *station) read(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *station) call(secret string) (*turntest.Caller, error) {
	s.t.Helper()
	credential, err := turnauth.Mint(turnauth.NewSecret(secret), "alice", time.Hour, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return turntest.CallWith(s.t, s.addr, "station.example", credential)
}

func (s *station) pid() int {
	s.t.Helper()
	p, err := coturn.FindProcess(s.conf)
	if err != nil {
		return 0
	}
	return p.PID
}

// From nothing to a proven relay; again, which changes nothing; killed, and there again; rotated, drained, and gone with its supervisor.
func TestProvision(t *testing.T) {
	t.Parallel()
	s := newStation(t, turntest.Public[4], 5790)
	out, code := s.provision("--dry-run")
	if code != 0 || !strings.Contains(out, "would write "+s.conf) || !strings.Contains(out, "would start coturn") {
		t.Errorf("dry run: %d\n%s", code, out)
	}
	for _, path := range []string{s.conf, s.userDB} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the dry run left %s behind: %v", path, err)
		}
	}
	_, ended := s.start()
	before, pid := s.read(s.conf), s.pid()
	out, code = s.provision()
	if code != 0 || !strings.Contains(out, "nothing was changed") || s.read(s.conf) != before || s.pid() != pid {
		t.Errorf("the second run: %d\n%s", code, out)
	}
	// A second line in the secret's file is one more secret, without a restart.
	s.write("secret", s.secret+"\nstation-second-0123456789")
	out, code = s.provision()
	if code != 0 || s.read(s.conf) != before || s.pid() != pid || strings.Contains(s.output.String(), "station-second") {
		t.Errorf("with a second secret: %d\n%s", code, out)
	}
	for _, secret := range []string{s.secret, "station-second-0123456789"} {
		if c, err := s.call(secret); err != nil {
			t.Errorf("one of two secrets is no good: %v", err)
		} else {
			c.HangUp()
		}
	}
	s.write("secret", s.secret)

	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.until("a killed coturn runs again", func() bool { now := s.pid(); return now != 0 && now != pid })
	var running *turntest.Caller
	s.until("it takes calls", func() (ok bool) {
		c, err := s.call(s.secret)
		running = c
		return err == nil
	})

	next := s.write("next", "station-next-0123456789")
	out, code = s.run("rotate", "--userdb", s.userDB, "--realm", "station.example", "--old-secret-file", filepath.Join(s.dir, "secret"),
		"--new-secret-file", next, "--ttl", "1s", "--output", "json")
	if code != 0 || !strings.Contains(out, `"rotate.remove"`) {
		t.Errorf("rotate: %d\n%s", code, out)
	}
	if _, err := s.call(s.secret); err == nil {
		t.Error("the old secret is still good")
	}
	if c, err := s.call("station-next-0123456789"); err != nil {
		t.Errorf("the new secret is no good: %v", err)
	} else {
		c.HangUp()
	}

	drained := make(chan int, 1)
	go func() {
		_, code := s.run("drain", "--conf", s.conf, "--cli-password-file", filepath.Join(s.dir, "telnet"))
		drained <- code
	}()
	s.until("new calls are refused", func() bool {
		c, err := s.call("station-next-0123456789")
		if err == nil {
			c.HangUp()
		}
		return err != nil && strings.Contains(err.Error(), "486")
	})
	if sent, lost := running.HangUp(); lost > 0 || sent == 0 {
		t.Errorf("the call that ran all the while: sent %d, lost %d", sent, lost)
	} else {
		t.Logf("of %d packets of the call that ran through rotation and drain %d are lost", sent, lost)
	}
	if code := <-drained; code != 0 {
		t.Errorf("drain: exit code %d", code)
	}
	if code := <-ended; code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
	}
	if s.pid() != 0 {
		t.Error("coturn still runs")
	}
}

// When the proof fails, what stood before stands again: nothing, or the relay as it was.
func TestProvisionRollsBack(t *testing.T) {
	s := newStation(t, turntest.Public[5], 5791)
	t.Run("from nothing", func(t *testing.T) {
		turntest.Firewall(t, "ip daddr "+turntest.Public[5]+" udp dport 50000-50499 drop")
		out, code := s.provision()
		if code != 1 || !strings.Contains(out, "everything is as it was before") || !strings.Contains(out, "udp4.relay-ports") {
			t.Errorf("%d\n%s", code, out)
		}
		for _, path := range []string{s.conf, s.userDB} {
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", path, err)
			}
		}
		if s.pid() != 0 {
			t.Error("coturn still runs")
		}
	})
	supervisor, ended := s.start()
	before := s.read(s.conf)
	t.Run("from a relay that works", func(t *testing.T) {
		turntest.Firewall(t, "ip daddr "+turntest.Public[5]+" udp dport 50000-50499 drop")
		out, code := s.provision("--user-quota", "50")
		if code != 1 || !strings.Contains(out, "everything is as it was before") {
			t.Errorf("%d\n%s", code, out)
		}
	})
	if s.read(s.conf) != before {
		t.Error("the configuration is not as it was")
	}
	c, err := s.call(s.secret)
	if err != nil {
		t.Fatalf("the relay of before does not serve: %v", err)
	}
	c.HangUp()
	// A change that proves well stays.
	if out, code := s.provision("--user-quota", "50"); code != 0 || !strings.Contains(s.read(s.conf), "user-quota=50") {
		t.Errorf("%d\n%s", code, out)
	}
	if err := supervisor.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != 0 || s.pid() != 0 {
		t.Errorf("after SIGTERM: exit code %d, coturn %d", code, s.pid())
	}
}
