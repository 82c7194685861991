package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// operatorToken is what operators show to [serving].
const operatorToken = "an operator's token"

var servingAt = regexp.MustCompile(`url=(https?://127\.0\.0\.1:\d+/)`)

// serving runs `probe serve` as a process, and gives where it serves; end tells it to end, and waits until it has. Its log never has the token.
func serving(ctx context.Context, t *testing.T, args ...string) (url string, end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, self, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), asProbe+"=1", "CALLMESH_OPERATOR_TOKEN="+operatorToken)
	logged, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	at, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(logged); lines.Scan(); {
			if strings.Contains(lines.Text(), operatorToken) {
				t.Errorf("the log has the token: %s", lines.Text())
			}
			if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case at <- m[1]:
				default: // said again
				}
			}
		}
	}()
	select {
	case url = <-at:
	case <-ended:
		t.Fatalf("it does not serve: %v", c.Wait())
	}
	return url, func() {
		t.Helper()
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-ended
		if err := c.Wait(); err != nil {
			t.Errorf("it was told to end: %v", err)
		}
	}
}
