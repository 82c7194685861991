package turntest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnauth"
)

// Options of a relay. The zero value is a sound one on 203.0.113.1, with a shared secret, without TLS.
type Options struct {
	Listen []string     // addresses; none: 203.0.113.1
	Port   int          // 0: 3478; TLS and DTLS are on 5349, or Port+1871
	TLS    *Certificate // nil: neither TLS nor DTLS
	// Lines are added to turnserver.conf; one whose key a line of ours has takes its place. "-key" takes our line away.
	Lines []string
	// Binary is what to start; empty: turnserver as it is found by PATH.
	Binary string
	// Powerless takes root's right to read every file away, as a relay's own user has none.
	Powerless bool
	// Raw starts with Lines alone as the configuration.
	Raw bool
}

// Relay is a coturn that runs until the test ends, or Stop.
type Relay struct {
	Addr    netip.AddrPort // the first listening address, UDP and TCP
	TLSAddr netip.AddrPort // TLS and DTLS
	Secret  turnauth.Secret
	Realm   string
	Dir     string // holds turnserver.conf, turndb, turnserver.log, secret
	Config  string
	// SecretFile holds the secret.
	SecretFile string

	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
}

// Start starts a coturn and waits until it answers a STUN Binding over UDP, or over TCP with no-udp.
func Start(t testing.TB, o Options) *Relay {
	t.Helper()
	r := Launch(t, o)
	r.WaitReady(t)
	return r
}

// Launch starts a coturn without waiting for it.
func Launch(t testing.TB, o Options) *Relay {
	t.Helper()
	if len(o.Listen) == 0 {
		o.Listen = Public[:1]
	}
	if o.Port == 0 {
		o.Port = 3478
	}
	if o.Binary == "" {
		o.Binary = "turnserver"
	}
	ip, err := netip.ParseAddr(o.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{
		Secret: turnauth.NewSecret("turntest-secret-0123456789"), Realm: "turntest.example", Dir: t.TempDir(), done: make(chan struct{}),
		Addr: netip.AddrPortFrom(ip, uint16(o.Port)), TLSAddr: netip.AddrPortFrom(ip, uint16(o.Port+1871)),
	}
	r.Config, r.SecretFile = filepath.Join(r.Dir, "turnserver.conf"), filepath.Join(r.Dir, "secret")
	config := o.Lines
	if !o.Raw {
		config = r.lines(o)
	}
	r.write(t, r.Config, strings.Join(config, "\n")+"\n")
	r.write(t, r.SecretFile, r.Secret.Reveal()+"\n")
	log, err := os.Create(filepath.Join(r.Dir, "turnserver.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	r.cmd = exec.Command(o.Binary, "-c", r.Config)
	if o.Powerless {
		r.cmd = exec.Command("setpriv", "--bounding-set=-all", "--inh-caps=-all", o.Binary, "-c", r.Config)
	}
	r.cmd.Dir = r.Dir
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("turntest: %v; Debian has it in the package coturn", err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() {
		r.Stop()
		if t.Failed() {
			t.Logf("coturn said:\n%s", r.Log())
		}
	})
	return r
}

// lines is the configuration: ours, with the test's in the place of those that they replace.
func (r *Relay) lines(o Options) []string {
	ours := []string{
		"fingerprint", "use-auth-secret", "static-auth-secret=" + r.Secret.Reveal(), "realm=" + r.Realm, fmt.Sprintf("listening-port=%d", o.Port),
		fmt.Sprintf("tls-listening-port=%d", r.TLSAddr.Port()), "min-port=50000", "max-port=50999", "no-cli", "no-multicast-peers", "simple-log",
		"log-file=stdout", "pidfile=" + filepath.Join(r.Dir, "turnserver.pid"), "userdb=" + filepath.Join(r.Dir, "turndb"), "relay-threads=1", "verbose",
	}
	for _, a := range o.Listen {
		ours = append(ours, "listening-ip="+a, "relay-ip="+a)
	}
	if o.TLS == nil {
		ours = append(ours, "no-tls", "no-dtls")
	} else {
		ours = append(ours, "cert="+o.TLS.CertFile, "pkey="+o.TLS.KeyFile)
	}
	key := func(line string) string {
		k, _, _ := strings.Cut(line, "=")
		return strings.TrimPrefix(k, "-")
	}
	replaced := map[string]bool{}
	for _, line := range o.Lines {
		replaced[key(line)] = true
		if strings.HasPrefix(key(line), "cli-") {
			replaced["no-cli"] = true
		}
	}
	var all []string
	for _, line := range ours {
		if !replaced[key(line)] {
			all = append(all, line)
		}
	}
	for _, line := range o.Lines {
		if !strings.HasPrefix(line, "-") {
			all = append(all, line)
		}
	}
	return all
}

func (r *Relay) write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startTime bounds how long coturn may take to start, on a machine that is busy with other things.
const startTime = 30 * time.Second

// WaitReady waits until the relay answers.
func (r *Relay) WaitReady(t testing.TB) {
	t.Helper()
	config, err := os.ReadFile(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	network := "udp"
	if strings.Contains("\n"+string(config), "\nno-udp\n") {
		network = "tcp"
	}
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		if binding(network, r.Addr.String()) == nil {
			return
		}
		select {
		case <-r.done:
			t.Fatalf("turntest: coturn ended while it started:\n%s", r.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("turntest: coturn does not answer on %s after %s:\n%s", r.Addr, startTime, r.Log())
}

// binding makes one STUN Binding transaction.
func binding(network, addr string) error {
	conn, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := conn.Write(request.Raw); err != nil {
		return err
	}
	b := make([]byte, 1500)
	n, err := conn.Read(b)
	if err != nil {
		return err
	}
	answer := &stun.Message{Raw: b[:n]}
	return answer.Decode()
}

// URL is a TURN URI of the relay (RFC 7065): scheme turn or turns, transport udp or tcp.
func (r *Relay) URL(scheme, transport string) string {
	addr := r.Addr
	if scheme == "turns" {
		addr = r.TLSAddr
	}
	return fmt.Sprintf("%s:%s?transport=%s", scheme, addr, transport)
}

// Log is what coturn has said so far.
func (r *Relay) Log() string {
	b, err := os.ReadFile(filepath.Join(r.Dir, "turnserver.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// PID is the process id.
func (r *Relay) PID() int { return r.cmd.Process.Pid }

// Done is closed when coturn has ended.
func (r *Relay) Done() <-chan struct{} { return r.done }

// Stop kills coturn and waits for its end.
func (r *Relay) Stop() {
	r.once.Do(func() { _ = r.cmd.Process.Kill() })
	<-r.done
}
