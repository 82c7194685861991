package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"callmesh/turnctl/turntest"
)

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
	// The supervisor follows its file: what leaves it is no good any more, and what comes into it is, with nobody running anything.
	good := func(secret string) bool {
		c, err := s.call(secret)
		if err == nil {
			c.HangUp()
		}
		return err == nil
	}
	s.write("secret", s.secret)
	s.until("a secret that has left the file is refused", func() bool { return !good("station-second-0123456789") })
	s.write("secret", "station-third-0123456789\n"+s.secret)
	s.until("one that has come into it is good", func() bool { return good("station-third-0123456789") })
	if !good(s.secret) || s.pid() != pid {
		t.Error("the one that stays in it is no good, or coturn was started again")
	}
	s.write("secret", s.secret)
	s.until("one more is refused", func() bool { return !good("station-third-0123456789") })

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
	if code := s.codeOf("the drain", drained); code != 0 {
		t.Errorf("drain: exit code %d", code)
	}
	if code := s.codeOf("the supervisor", ended); code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
	}
	if s.pid() != 0 {
		t.Error("coturn still runs")
	}
}

// A relay that has IPv6 alone is proved, serves callers who ask for no family, as browsers do, and is drained.
func TestProvisionIPv6(t *testing.T) {
	t.Parallel()
	s := newStation(t, turntest.Public6[0], 5793)
	_, ended := s.start()
	c, err := s.call(s.secret)
	if err != nil {
		t.Fatalf("no relay for who asks for no family: %v", err)
	}
	s.until("packets go over IPv6", func() bool { _, back := c.Counts(); return back > 10 })
	if sent, lost := c.HangUp(); lost > 0 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
	if out, code := s.run("drain", "--conf", s.conf, "--cli-password-file", filepath.Join(s.dir, "telnet")); code != 0 {
		t.Errorf("drain: exit code %d\n%s", code, out)
	}
	if code := s.codeOf("the supervisor", ended); code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
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
	if code := s.codeOf("the supervisor", ended); code != 0 || s.pid() != 0 {
		t.Errorf("after SIGTERM: exit code %d, coturn %d", code, s.pid())
	}
}

// Behind a NAT, as clouds have it: callers are told an address that the host does not have, and two of them meet on the relay all the same.
func TestProvisionBehindNAT(t *testing.T) {
	t.Parallel()
	s := newStation(t, turntest.Private[0], 5798)
	s.write("relay.yaml", s.read(s.config)+"external-ip: 203.0.113.77") // nobody here
	s.start()
	if !strings.Contains(s.read(s.conf), "\nexternal-ip=203.0.113.77\n") {
		t.Errorf("callers are told another address:\n%s", s.read(s.conf))
	}
}
