package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// Prepare gives `ip netns` a place for its names that nobody else sees, once.
var Prepare = sync.OnceValue(func() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := syscall.Mount("lab", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("a /run of its own: %w", err)
	}
	return os.MkdirAll("/run/netns", 0o755)
})
