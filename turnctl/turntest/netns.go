// Package turntest runs the real coturn of Debian for tests, each in a directory of its own, inside a network namespace that is the
// test binary's own: addresses, port 3478 and firewall rules are there for it alone, and nothing leaves the machine.
//
// A package that uses it says so in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(turntest.Main(m)) }
package turntest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// envInside marks the copy of the test binary that runs inside. It is no CALLMESH_ variable: commands refuse those that they do not know.
const envInside = "TURNTEST_INSIDE"

// Addresses of the loopback interface inside, beside 127.0.0.1 and ::1. The public ones are of the documentation ranges (RFC 5737,
// RFC 3849), which no sound deny list needs to name; the others are what a relay must not reach.
var (
	Public  = []string{"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "198.51.100.1", "198.51.100.2", "192.0.2.1", "192.0.2.2"}
	Public6 = []string{"2001:db8::1", "2001:db8::2", "2001:db8::3"}
	Private = []string{"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "fd00::1"}
)

// Main runs the tests inside a new network namespace and gives the exit code. As root that needs nothing; otherwise it takes a user
// namespace too. A machine that allows neither fails the package: it is never skipped. After tests that pass it looks for goroutines
// left behind.
func Main(m *testing.M, ignore ...goleak.Option) int {
	// A worker of go test -fuzz is inside already, and what it tries needs no network.
	if slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.fuzzworker") }) {
		return m.Run()
	}
	if os.Getenv(envInside) == "" {
		return outside()
	}
	if err := setUp(); err != nil {
		fmt.Fprintln(os.Stderr, "turntest:", err)
		return 1
	}
	code := m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(ignore...); err != nil {
		fmt.Fprintln(os.Stderr, "turntest: goroutines are left behind:", err)
		return 1
	}
	return 0
}

// outside starts this binary again, and waits for it.
func outside() int {
	// The kernel kills the child when the thread that started it ends, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT) // those of a terminal reach the child by themselves
	defer signal.Stop(signals)

	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Args[0] = os.Args[0]
	c.Env = append(os.Environ(), envInside+"=1")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := c.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "turntest: no network namespace: %v; run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)\n", err)
		return 1
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				_ = c.Process.Signal(s)
			}
		case err := <-done:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				fmt.Fprintln(os.Stderr, "turntest:", err)
				return 1
			}
			if code := c.ProcessState.ExitCode(); code >= 0 {
				return code
			}
			return 1
		}
	}
}

// setUp brings the loopback interface up with all addresses.
func setUp() error {
	var b strings.Builder
	b.WriteString("link set lo up\n")
	for _, a := range append(append(append([]string(nil), Public...), Public6...), Private...) {
		bits, more := "/32", ""
		if strings.Contains(a, ":") {
			bits, more = "/128", " nodad"
		}
		fmt.Fprintf(&b, "address add %s%s dev lo%s\n", a, bits, more)
	}
	c := exec.Command("ip", "-batch", "-")
	c.Stdin = strings.NewReader(b.String())
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	// Apart from the ports that relays of tests are given, so that none is taken by a socket that asked for any.
	return os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("20000 39999"), 0o644)
}

// Firewall puts nftables rules in force until the test ends, in place of those before. rules is the body of a base chain for what comes
// in, such as "udp dport 3478 drop".
func Firewall(t testing.TB, rules string) {
	t.Helper()
	nft := func(script string) {
		t.Helper()
		c := exec.Command("nft", "-f", "-")
		c.Stdin = strings.NewReader(script)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("turntest: nft: %v: %s", err, out)
		}
	}
	nft("flush ruleset\ntable inet turntest {\nchain in {\ntype filter hook input priority 0; policy accept;\n" + rules + "\n}\n}\n")
	t.Cleanup(func() { nft("flush ruleset\n") })
}
