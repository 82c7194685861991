package bustest

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// Halt stops a child process (SIGSTOP) and returns when all of it stands still: the signal alone only asks for that, and the process may yet
// answer once. SIGCONT lets it go on; until then it must not be halted again.
func Halt(t testing.TB, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatalf("bustest: %v: %v", syscall.SIGSTOP, err)
	}
	for {
		var status syscall.WaitStatus
		switch _, err := syscall.Wait4(p.Pid, &status, syscall.WUNTRACED, nil); {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			t.Fatalf("bustest: waiting for process %d to stand still: %v", p.Pid, err)
		case !status.Stopped():
			t.Fatalf("bustest: process %d ended before it stood still: %v", p.Pid, status)
		default:
			return
		}
	}
}
