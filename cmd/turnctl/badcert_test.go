package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
)

const standsIn = "the relay shows its stand-in"

// badCertificates are those with which a relay starts without TLS: how each comes about, and what is said of it.
var badCertificates = []struct {
	name  string
	makes func(t *testing.T, m *mounted, ip string)
	says  string
	check string // what a check of the relay says
}{
	{"expired", func(t *testing.T, m *mounted, ip string) { m.mount(m.ca.Issue(t, time.Now().Add(-time.Hour), ip)) }, "has expired", "the certificate has expired"},
	{"not good yet", func(t *testing.T, m *mounted, ip string) {
		m.mount(m.ca.IssueFrom(t, time.Now().Add(time.Hour), time.Now().Add(2*time.Hour), ip))
	}, "is not good before", "the certificate is not good before"},
	{"of another key", func(t *testing.T, m *mounted, ip string) {
		one, other := m.ca.Issue(t, time.Now().Add(time.Hour), ip), m.ca.Issue(t, time.Now().Add(time.Hour), ip)
		m.put(readFile(t, one.CertFile), readFile(t, other.KeyFile))
	}, "is not the key of", standsIn},
	{"garbage", func(_ *testing.T, m *mounted, _ string) { m.put([]byte("garbage"), []byte("garbage")) }, "holds no certificate in PEM form", standsIn},
	{"missing", func(*testing.T, *mounted, string) {}, "is missing", standsIn},
	{"missing with its folder", func(t *testing.T, m *mounted, _ string) { rename(t, m.dir, m.dir+"-away") }, "is missing", standsIn},
	// Of that the supervisor says nothing by itself: whom callers know, and whom they trust, is seen by its proof and by the agent.
	{"for another name", func(t *testing.T, m *mounted, _ string) {
		m.mount(m.ca.Issue(t, time.Now().Add(time.Hour), "other.example"))
	}, "", "wrong name"},
	{"unreadable", func(t *testing.T, m *mounted, ip string) {
		m.mount(m.ca.Issue(t, time.Now().Add(time.Hour), ip))
		if err := os.Chmod(m.key, 0); err != nil {
			t.Fatal(err)
		}
	}, "can't be read", standsIn},
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A relay that is started with a bad certificate serves UDP and TCP, edges hand out that much of it, and it is said what is wrong; once there is a good one
// it serves TLS too, and the call that runs does not notice. A real coturn, its agent, and a real edge.
func TestBadCertificateTakesTLSAlone(t *testing.T) {
	ip := turntest.Public[7]
	n := bustest.Cluster(t, 1)
	provider := &late{}
	node := edgetest.NewNode(t, "eu", n.URL(0), func(_ *bus.Options, o *edge.Options) { o.ICE = provider })
	relays := node.Bus.WatchRelays(nil)
	t.Cleanup(relays.Close)
	s := newStation(t, ip, 5793)
	provider.set(edge.NewRelays("eu", edge.RelayOptions{
		Registry: relays, Secrets: func() []turnauth.Secret { return []turnauth.Secret{turnauth.NewSecret(s.secret)} }, TTL: time.Hour,
	}))
	ann := edgetest.Connect(t, node, "ann")
	plain := "turn:" + s.addr + "?transport=udp turn:" + s.addr + "?transport=tcp"
	secure := "turns:" + ip + ":5349?transport=tcp"
	given := func(t *testing.T, what, want string) {
		t.Helper()
		edgetest.Eventually(t, what, func() bool {
			var urls []string
			for _, s := range edgetest.Must[wire.ICEOK](ann, wire.OpICE, wire.ICEArgs{}).ICEServers {
				urls = append(urls, s.URLs...)
			}
			return strings.Join(urls, " ") == want
		})
	}
	const admin = "127.0.0.1:9093"
	ca := s.write("ca.pem", "not there yet")
	watcher(t, "--nats-url", n.URL(0), "--region", "eu", "--id", "one", "--url", "turn:"+s.addr+"?transport=udp", "--url", "turn:"+s.addr+"?transport=tcp", "--url", secure,
		"--realm", "station.example", "--secret-file", s.dir+"/secret", "--ca-file", ca, "--interval", "2s", "--fail-after", "1", "--recover-after", "1", "--admin-listen", admin)
	config := s.read(s.config)

	for _, bad := range badCertificates {
		t.Run(bad.name, func(t *testing.T) {
			m := newMounted(t)
			s := &station{
				t: t, dir: s.dir, program: s.program, conf: s.conf, userDB: s.userDB, config: s.config, secret: s.secret, telly: s.telly, addr: s.addr, powerless: true,
			}
			s.write("relay.yaml", strings.TrimSpace(strings.Replace(config, "tls-off: true\n", fmt.Sprintf("tls-cert: %s\ntls-key: %s\nca-file: %s\nserver-name: %s\n", m.cert, m.key, m.ca.File, ip), 1)))
			s.write("ca.pem", string(readFile(t, m.ca.File)))
			bad.makes(t, m, ip)
			supervisor, ended := s.start()
			call, err := s.call(s.secret)
			if err != nil {
				t.Fatalf("no allocation over UDP: %v", err)
			}
			given(t, "UDP and TCP alone", plain)
			s.until("the agent's metrics say that it is the certificate", func() bool {
				return strings.Contains(scrape(t, "http://"+admin+"/metrics"), `callmesh_turnctl_rung_up{rung="tls4.certificate",url="`+secure+`"} 0`)
			})
			if bad.says != "" {
				s.until("the supervisor says what is wrong", func() bool { return strings.Contains(s.output.String(), "level=ERROR") })
				if said := s.output.String(); strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, bad.says) || !strings.Contains(said, m.dir) {
					t.Errorf("the supervisor said\n%s", said)
				}
			}
			checked := func() (string, int) {
				return s.run("check", "--url", secure, "--secret-file", s.dir+"/secret", "--quick", "--ca-file", ca)
			}
			if out, code := checked(); code != 1 || !strings.Contains(out, bad.check) {
				t.Errorf("a check of it: exit code %d\n%s", code, out)
			}
			pid := s.pid()

			if _, err := os.Stat(m.dir); err != nil {
				rename(t, m.dir+"-away", m.dir)
			}
			m.mount(m.ca.Issue(t, time.Now().Add(time.Hour), ip, "turn.example"))
			given(t, "TLS too", plain+" "+secure)
			if out, code := checked(); code != 0 || !strings.Contains(out, "tls4.allocate") {
				t.Errorf("no allocation over TLS: exit code %d\n%s", code, out)
			}
			if sent, lost := call.HangUp(); lost > 0 || sent == 0 {
				t.Errorf("the call that ran all the while: sent %d, lost %d", sent, lost)
			}
			if now := s.pid(); now != pid {
				t.Errorf("coturn was started again: %d, %d", pid, now)
			}
			if bad.says != "" {
				s.until("the supervisor says that TLS is there", func() bool { return strings.Contains(s.output.String(), "callers get TLS from this relay again") })
			}
			if err := supervisor.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := s.codeOf("the supervisor", ended); code != 0 {
				t.Errorf("the supervisor: exit code %d", code)
			}
			given(t, "none once it is gone", "")
		})
	}
}

// A certificate that goes bad while the relay runs takes nothing: coturn goes on with the one that it has. Should coturn be started again then, it has UDP
// and TCP left, and TLS again with the next good one.
func TestCertificateGoesBadUnderARelay(t *testing.T) {
	t.Parallel()
	m, ip := newMounted(t), turntest.Public[3]
	m.renew(true)
	s := newStation(t, ip, 5794)
	s.write("relay.yaml", strings.TrimSpace(strings.Replace(s.read(s.config), "tls-off: true\n", fmt.Sprintf("tls-cert: %s\ntls-key: %s\nca-file: %s\n", m.cert, m.key, m.ca.File), 1)))
	supervisor, ended := s.start()
	served := func() bool {
		_, code := s.run("check", "--url", "turns:"+net.JoinHostPort(ip, "5349")+"?transport=tcp", "--secret-file", s.dir+"/secret", "--quick", "--ca-file", m.ca.File, "--server-name", "turn.example")
		return code == 0
	}
	if !served() {
		t.Fatal("no TLS with a good certificate")
	}
	m.renew(false)
	s.until("it is said that the new one does not do", func() bool { return strings.Contains(s.output.String(), "it goes on with the one before") })
	if !served() {
		t.Error("no TLS, and the certificate that coturn has is good")
	}
	pid := s.pid()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.until("coturn serves UDP again", func() bool {
		c, err := s.call(s.secret)
		if err == nil {
			c.HangUp()
		}
		return err == nil && s.pid() != pid
	})
	began := time.Now()
	s.until("it is said that there is no TLS", func() bool { return strings.Contains(s.output.String(), "callers get no TLS from this relay") })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("that there is no TLS was said after %s", took)
	}
	if served() {
		t.Error("TLS, with what is no key")
	}
	m.renew(true)
	s.until("TLS is back", served)
	if err := supervisor.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.codeOf("the supervisor", ended); code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
	}
}

// A relay that another process keeps gets TLS also where that one was started without; its certificate is rotated by the files that are followed, and is not
// taken from others, which nobody would follow.
func TestCertificateBesideAnotherProcess(t *testing.T) {
	t.Parallel()
	ip, ca := turntest.Private[2], turntest.NewCA(t)
	s := newStation(t, ip, 5796)
	supervisor, ended := s.start()
	plain := s.read(s.config)
	secured := func(c turntest.Certificate) {
		s.write("relay.yaml", strings.TrimSpace(strings.Replace(plain, "tls-off: true\n", fmt.Sprintf("tls-cert: %s\ntls-key: %s\nca-file: %s\nserver-name: turn.example\n", c.CertFile, c.KeyFile, ca.File), 1)))
	}
	first, second, third := ca.Issue(t, time.Now().Add(time.Hour), "turn.example"), ca.Issue(t, time.Now().Add(time.Hour), "turn.example"), ca.Issue(t, time.Now().Add(time.Hour), "turn.example")
	shows := func(c turntest.Certificate) bool {
		conn, err := tls.Dial("tcp", net.JoinHostPort(ip, "5349"), &tls.Config{RootCAs: ca.Pool, ServerName: "turn.example"})
		if err != nil {
			t.Log(err)
			return false
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].Equal(c.Leaf)
	}
	secured(first)
	if out, code := s.provision(); code != 0 || !shows(first) {
		t.Fatalf("TLS for a relay without: exit code %d\n%s", code, out)
	}
	if out, code := s.run("rotate", "--cert", second.CertFile, "--key", second.KeyFile, "--conf", s.conf); code != 0 || !shows(second) {
		t.Errorf("rotate: exit code %d\n%s", code, out)
	}
	if got := readFile(t, first.CertFile); string(got) != string(readFile(t, second.CertFile)) {
		t.Error("the file that is followed has the certificate of before")
	}
	secured(third)
	said := len(s.output.String())
	if out, code := s.provision(); code != 2 || !strings.Contains(s.output.String()[said:], "follows "+first.CertFile+" and "+first.KeyFile) || !shows(second) {
		t.Errorf("other files: exit code %d\n%s", code, out)
	}
	if err := supervisor.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.codeOf("the supervisor", ended); code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
	}
}

// Whoever sets a relay up with a bad certificate is told so, and nothing is changed; so is whoever changes one that runs, and it goes on.
func TestBadCertificateIsRefusedAtAPrompt(t *testing.T) {
	t.Parallel()
	m, s := newMounted(t), newStation(t, turntest.Private[1], 5795)
	m.mount(m.ca.Issue(t, time.Now().Add(-time.Hour), "turn.example"))
	plain := s.read(s.config)
	bad := strings.TrimSpace(strings.Replace(plain, "tls-off: true\n", fmt.Sprintf("tls-cert: %s\ntls-key: %s\n", m.cert, m.key), 1))
	refused := func(what string, args ...string) {
		t.Helper()
		said := len(s.output.String())
		if out, code := s.provision(args...); code != 2 || !strings.Contains(s.output.String()[said:], "tls-cert: "+m.cert+" has expired, since ") {
			t.Errorf("%s: exit code %d\n%s", what, code, out)
		}
	}
	s.write("relay.yaml", bad)
	refused("a dry run", "--dry-run")
	if _, err := os.Stat(s.conf); !os.IsNotExist(err) {
		t.Errorf("it left a configuration behind: %v", err)
	}
	s.write("relay.yaml", strings.TrimSpace(plain))
	supervisor, ended := s.start()
	before, pid := s.read(s.conf), s.pid()
	s.write("relay.yaml", bad)
	refused("a change of a relay that runs")
	if s.read(s.conf) != before || s.pid() != pid {
		t.Error("the relay was changed")
	}
	if err := supervisor.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.codeOf("the supervisor", ended); code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
	}
}
