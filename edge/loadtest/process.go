package loadtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// keptLines is how much of what a process says is kept, to be told should it fail.
const keptLines = 50

// process is a program under measurement.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.Closer // its end tells those that listen to it to end: none outlives the generator

	said chan string // lines, for whoever waits for one; closed when it has ended
	done chan struct{}

	mu   sync.Mutex // guards the following
	last []string
}

// start runs a program. It inherits nothing of this one's environment but what every program needs: settings of whoever runs this must not
// reach what is measured.
func start(name, path string, args, env []string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(path, args...), said: make(chan string, keptLines), done: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go p.listen(r)
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// listen reads all that the process says and then waits for its end.
func (p *process) listen(r *os.File) {
	defer close(p.done)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p.mu.Lock()
		p.last = append(p.last, lines.Text())
		if len(p.last) > keptLines {
			p.last = p.last[1:]
		}
		p.mu.Unlock()
		select {
		case p.said <- lines.Text():
		default: // nobody waits any more
		}
	}
	close(p.said)
	_ = r.Close()
	_ = p.cmd.Wait() // how it ended is the kill's; what matters is in last
}

// line waits for a line that matches and returns what its first group holds.
func (p *process) line(ctx context.Context, pattern *regexp.Regexp) (string, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case line, ok := <-p.said:
			if !ok {
				return "", p.wrap(errors.New("it ended"))
			}
			if m := pattern.FindStringSubmatch(line); m != nil {
				return m[1], nil
			}
		case <-timeout.C:
			return "", p.wrap(fmt.Errorf("it never said %v", pattern))
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// wrap adds to an error what the process said last.
func (p *process) wrap(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%s: %w\n%s", p.name, err, strings.Join(p.last, "\n"))
}

// kill ends it with SIGKILL and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.in.Close()
	<-p.done
}
