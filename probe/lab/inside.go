package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// insideEnv tells a process that it was given namespaces of its own.
const insideEnv = "NAT_LAB_INSIDE"

var errNotInside = errors.New("the laboratory wants namespaces of its own: the process has to be started by lab.Reenter")

// Inside says whether this process has namespaces of its own. The variable alone, which anybody can set, is not taken for it: what is mounted then would be mounted for the whole machine.
func Inside() bool { return os.Getenv(insideEnv) == "1" && os.Getpid() == 1 }

// Reenter is this program again, with these arguments, in user, network, mount and process namespaces of its own. What it starts in there ends with it.
func Reenter(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, args...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), insideEnv+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	return c, nil
}

// RunInside runs this program again as [Reenter] says, with the same arguments and more in its environment, waits, and gives its exit code; -1 if a signal ended it.
// A signal that ends programs is passed on, so that it can end in order. Its error says that namespaces could not be had.
func RunInside(env ...string) (code int, err error) {
	// The kernel ends the child with the thread that started it, not with the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	c, err := Reenter(os.Args[1:]...)
	if err != nil {
		return 1, err
	}
	c.Env = append(c.Env, env...)
	if err := c.Start(); err != nil {
		return 1, err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM { // a terminal's interrupt reaches the child by itself
				_ = c.Process.Signal(s)
			}
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exit.ExitCode(), nil
			}
			return 0, err
		}
	}
}

// Prepare gives `ip netns` a place for its names that nobody else sees. It works only inside, and is done once.
func Prepare() error {
	if !Inside() {
		return errNotInside
	}
	return prepare()
}

var prepare = sync.OnceValue(func() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := syscall.Mount("lab", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("a /run of its own: %w", err)
	}
	return os.MkdirAll("/run/netns", 0o755)
})

// Run runs a command, whose words are parted by spaces, with what it reads. Its error has what the command said.
func Run(ctx context.Context, stdin, command string) error {
	words := strings.Fields(command)
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(string(out)))
	}
	return nil
}
