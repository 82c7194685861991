// Command regions rehearses several regions on this machine: in each a NATS, two edges, a coturn with its agent, and callers, every one in a network
// namespace of its own, the regions' NATS joined by gateways. People call each other inside and across regions; then a region is cut off and comes
// back, while two talk in a room that is on both sides, and a relay is stopped and started again.
//
// `make regions` builds what it needs and runs it. Everything lives in namespaces that its process is given, and ends with it.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/meet"
)

// This program's parts at a host of a region: to ask another whether it is ready, to come into a room, and to stay there.
const (
	askReady = "ask-ready"
	askEnter = "ask-enter"
	askStay  = "ask-stay"
)

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == askReady:
		os.Exit(ready(os.Args[2]))
	case len(os.Args) == 4 && os.Args[1] == askEnter:
		os.Exit(entered(os.Args[2], os.Args[3]))
	case len(os.Args) == 5 && os.Args[1] == askStay:
		os.Exit(stayed(os.Args[2], os.Args[3], os.Args[4]))
	}
	bin := flag.String("bin", "bin", "folder of edge, turnctl, probe and nats-server")
	asJSON := flag.Bool("json", false, "print the figures as JSON in place of a table")
	stay := flag.Bool("stay", false, "leave everything running afterwards, until Ctrl-C")
	flag.Parse()
	if !lab.Inside() {
		code, err := lab.RunInside()
		if err != nil {
			fmt.Fprintln(os.Stderr, "regions: no namespaces can be had, which takes root or user namespaces:", err)
			code = 1
		}
		os.Exit(code)
	}
	if err := run(*bin, *asJSON, *stay); err != nil {
		fmt.Fprintln(os.Stderr, "regions:", err)
		os.Exit(1)
	}
}

func run(bin string, asJSON, stay bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	begun := time.Now()
	said := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	p, err := find(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "regions-")
	if err != nil {
		return err
	}
	show := func(r *rehearsal) error {
		if asJSON {
			e := json.NewEncoder(os.Stdout)
			e.SetIndent("", "  ")
			return e.Encode(r)
		}
		return r.write(os.Stdout)
	}
	if err := rehearse(ctx, dir, p, said, func(r *rehearsal) error {
		err := show(r)
		if stay {
			said("everything goes on until Ctrl-C; logs are in %s; `nsenter -t %s -a ip netns exec eu-caller1 bash` is a caller's host", dir, outerPID())
			<-ctx.Done()
		}
		return errors.Join(err, r.verdict())
	}); err != nil {
		return fmt.Errorf("%w; the logs are in %s", err, dir)
	}
	return os.RemoveAll(dir)
}

// outerPID is this process's id as the rest of the machine knows it: what is mounted at /proc is the machine's.
func outerPID() string {
	pid, err := os.Readlink("/proc/self")
	if err != nil {
		return "PID"
	}
	return pid
}

// rehearse brings the regions up in a folder, has them go through it all, shows what came of it while they still stand, and takes them down.
func rehearse(ctx context.Context, dir string, p programs, said func(string, ...any), show func(*rehearsal) error) (err error) {
	if err := build(ctx); err != nil {
		return err
	}
	m := &mesh{dir: dir, programs: p}
	defer func() { err = errors.Join(err, m.stop()) }()
	if err := m.start(ctx, said); err != nil {
		return err
	}
	r, err := m.rehearse(ctx, said)
	if err != nil {
		return err
	}
	return show(r)
}

// find names the programs, and what is missing.
func find(bin string) (programs, error) {
	self, err := os.Executable()
	if err != nil {
		return programs{}, err
	}
	bin, err = filepath.Abs(bin)
	if err != nil {
		return programs{}, err
	}
	p := programs{self: self}
	for name, to := range map[string]*string{"edge": &p.edge, "turnctl": &p.turnctl, "probe": &p.probe, "nats-server": &p.nats} {
		if *to, err = exec.LookPath(filepath.Join(bin, name)); err != nil {
			return p, fmt.Errorf("%s is not in %s; `make regions` builds it: %w", name, bin, err)
		}
	}
	if p.coturn, err = exec.LookPath("turnserver"); err != nil {
		return p, fmt.Errorf("coturn is not installed; on Debian: apt-get install coturn: %w", err)
	}
	return p, nil
}

// ready is 0 once the edge says that it is.
func ready(url string) int {
	c := http.Client{Timeout: 2 * time.Second}
	answer, err := c.Get(url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, answer.Status)
		return 1
	}
	return 0
}

// entrance is what somebody found who came to an edge and into a room.
type entrance struct {
	Took   time.Duration
	Relays []string // their regions, in the order in which they are to be tried
}

// entered prints an entrance, and is an exit code.
func entered(url, room string) int {
	ctx, stop := context.WithTimeout(context.Background(), starting)
	defer stop()
	begun := time.Now()
	s, err := meet.Join(ctx, meet.Options{URL: url, Token: os.Getenv(tokenEnv), Room: wire.RoomID(room)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Close()
	e := entrance{Took: time.Since(begun)}
	for _, server := range s.Hello.ICEServers {
		e.Relays = append(e.Relays, string(server.Region))
	}
	if err := json.NewEncoder(os.Stdout).Encode(e); err != nil {
		return 1
	}
	return 0
}

func random() string { return rand.Text() + rand.Text() }
