package supervise_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"callmesh/turnctl/supervise"
)

const patience = 20 * time.Second

// run supervises until the test ends, and gives what Run returned.
func run(t *testing.T, o supervise.Options) (s *supervise.Supervisor, stop func() error) {
	t.Helper()
	s, err := supervise.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

func started(t *testing.T, s *supervise.Supervisor, n int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pid, err := s.Started(ctx, n)
	if err != nil {
		t.Fatalf("start %d: %v", n, err)
	}
	return pid
}

// A killed program is started again, and the supervisor's end is its end.
func TestItIsStartedAgain(t *testing.T) {
	s, stop := run(t, supervise.Options{Path: "/bin/sleep", Args: []string{"600"}, MinPause: time.Millisecond})
	first := started(t, s, 1)
	if err := s.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := started(t, s, 2)
	if first == second {
		t.Fatal("the process is the same")
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := syscall.Kill(second, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", second, err)
	}
	if err := s.Signal(syscall.SIGHUP); !errors.Is(err, supervise.ErrNotRunning) {
		t.Errorf("a signal to nobody: %v", err)
	}
}

// Who does not end at SIGTERM, as coturn as PID 1, is killed after the grace.
func TestItIsKilledAfterTheGrace(t *testing.T) {
	r, w := io.Pipe()
	s, stop := run(t, supervise.Options{
		Path: "/bin/sh", Args: []string{"-c", "trap '' TERM; echo ready; while :; do sleep 1 & wait $!; done"}, Output: w, Grace: 50 * time.Millisecond,
	})
	defer func() { _ = r.Close() }()
	// Before it has said so SIGTERM would end it.
	if said, err := bufio.NewReader(r).ReadString('\n'); err != nil || said != "ready\n" {
		t.Fatalf("%q, %v", said, err)
	}
	pid := started(t, s, 1)
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

// A program that ends well was meant to: a drained coturn is not started again. One that fails is, with pauses that grow.
func TestEnds(t *testing.T) {
	s, err := supervise.New(supervise.Options{Path: "/bin/true"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, supervise.ErrEnded) {
		t.Errorf("after exit code 0: %v", err)
	}
	began := time.Now()
	s, stop := run(t, supervise.Options{Path: "/bin/false", MinPause: 20 * time.Millisecond, MaxPause: 40 * time.Millisecond})
	for {
		if _, n := s.Running(); n >= 4 {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("it is not started again")
		}
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("four starts in %v: the pauses are 20, 40 and 40 ms", took)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := supervise.New(supervise.Options{Path: "/nonexistent/turnserver"}); err == nil {
		t.Error("a program that is not there was taken")
	}
}

const asInit = "SUPERVISE_TEST_AS_INIT"

// runAsInit is what the test binary does as PID 1 of a namespace of its own.
func runAsInit() int {
	if err := superviseAsInit(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// superviseAsInit supervises a shell that leaves an orphan behind, while a child of this process's own has ended and is not waited for yet.
func superviseAsInit() error {
	own := exec.Command("/bin/true")
	if err := own.Start(); err != nil {
		return err
	}
	if _, err := listed("its own child ends", `(?m)^ *(\d+) Z\S* +\[true\]`); err != nil {
		return err
	}
	s, err := supervise.New(supervise.Options{Path: "/bin/sh", Args: []string{"-c", "(sleep 599 &) ; exec sleep 600"}, Reap: os.Getpid() == 1, Grace: time.Second})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	orphan, err := listed("there is an orphan", `(?m)^ *(\d+) S\S* +sleep 599`)
	if err != nil {
		return err
	}
	if err := syscall.Kill(orphan, syscall.SIGKILL); err != nil {
		return err
	}
	for late := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if err := syscall.Kill(orphan, 0); errors.Is(err, syscall.ESRCH) { // a zombie would still be there
			break
		}
		if time.Now().After(late) {
			return errors.New("the orphan is not taken in")
		}
	}
	if err := own.Wait(); err != nil {
		return fmt.Errorf("its own child was taken away from who waits for it: %w", err)
	}
	cancel()
	return <-done
}

// listed waits until the list of all processes has such a line, and gives the number in it.
func listed(what, line string) (pid int, err error) {
	var list []byte
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		if list, err = exec.Command("/bin/ps", "-e", "-o", "pid=,stat=,args=").Output(); err != nil {
			return 0, err
		}
		if found := regexp.MustCompile(line).FindSubmatch(list); found != nil {
			return strconv.Atoi(string(found[1]))
		}
	}
	return 0, fmt.Errorf("never: %s:\n%s", what, list)
}

// As PID 1 it takes in what others leave behind, and nothing that somebody waits for.
func TestAsPID1ItReapsOrphans(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-Urpf", "--mount-proc", "--kill-child", self)
	cmd.Env = append(os.Environ(), asInit+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
