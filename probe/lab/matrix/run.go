package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
)

// Options say how cells are measured.
type Options struct {
	Lab *lab.Lab
	// Command is this program as one side (see [Side]) at a host.
	Command func(ctx context.Context, host string) *exec.Cmd
	// Servers are the relays for a kind of site.
	Servers func(lab.Kind) []wire.ICEServer
	// Parallel is how many cells are measured at once.
	Parallel int
	// Limit is how long an attempt may take.
	Limit time.Duration
	// Each is called after each cell, one at a time.
	Each func(done int, c Cell)
}

// Sites are the sites that a plan needs: two of each kind, so that a kind meets itself behind another NAT.
func Sites(kinds []lab.Kind) []lab.Site {
	var sites []lab.Site
	for i, k := range kinds {
		for _, which := range []string{"a", "c"} {
			sites = append(sites, lab.Site{Name: fmt.Sprintf("k%d%s", i, which), Kind: k})
		}
	}
	return sites
}

// Run measures the cells of a plan, and gives them back in their order. An error means that something could not be measured, beside what each cell says.
func Run(ctx context.Context, cells []Cell, o Options) ([]Cell, error) {
	hosts := map[lab.Kind][]string{}
	for _, s := range o.Lab.Sites() {
		hosts[s.Kind] = append(hosts[s.Kind], s.Hosts()...)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	room := make(chan struct{}, max(1, o.Parallel))
	for i := range cells {
		c := &cells[i]
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			// The last host is another site's, the second may be behind the first one's NAT.
			a, b := hosts[c.A][0], hosts[c.B][len(hosts[c.B])-1]
			if c.OneSite {
				b = hosts[c.A][1]
			}
			if err := o.patiently(ctx, c, [2]string{a, b}); err != nil {
				c.Why = "not measured: " + err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			if o.Each != nil {
				o.Each(done, *c)
			}
		})
	}
	wg.Wait()
	for _, c := range cells {
		if c.Sides[0] == nil || c.Sides[1] == nil {
			return cells, fmt.Errorf("%s with %s, %s: %s", c.A, c.B, c.Mode, c.Why)
		}
	}
	return cells, ctx.Err()
}

// lossyTries is how often a cell with a lossy site is tried: what is predicted is what the NATs do, and not whether a handshake gets through.
const lossyTries = 3

// patiently measures a cell, and again if loss may be why it did not come to what was predicted.
func (o Options) patiently(ctx context.Context, c *Cell, hosts [2]string) error {
	for c.Tries = 1; ; c.Tries++ {
		c.Why = ""
		if err := o.measure(ctx, c, hosts); err != nil || !c.mayBeLoss() || c.Tries == lossyTries {
			return err
		}
	}
}

// measure runs both sides of a cell.
func (o Options) measure(ctx context.Context, c *Cell, hosts [2]string) error {
	// Beyond the limit: to say that it is over, and to close.
	ctx, stop := context.WithTimeout(ctx, o.Limit+20*time.Second)
	defer stop()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ids := [2]wire.PeerID{wire.NewPeerID(), wire.NewPeerID()}
	kinds := [2]lab.Kind{c.A, c.B}
	errs := make(chan error, 2)
	for i := range 2 {
		end := os.NewFile(uintptr(fds[i]), "line")
		r := Request{Self: ids[i], Other: ids[1-i], Mode: c.Mode, Servers: o.Servers(kinds[i]), Limit: o.Limit}
		go func() {
			ends, err := o.side(ctx, hosts[i], end, r)
			c.Sides[i] = ends
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if first == nil {
		first = second
	}
	c.judge()
	return first
}

func (o Options) side(ctx context.Context, host string, end *os.File, r Request) (*SideEnds, error) {
	request, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	c := o.Command(ctx, host)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(request), &out, &errs
	c.ExtraFiles = []*os.File{end}
	err = c.Start()
	// Its own end is the side's alone: when that has gone, the other hears of it.
	_ = end.Close()
	if err == nil {
		err = c.Wait()
	}
	if err != nil {
		return nil, fmt.Errorf("at %s: %w: %s", host, err, strings.TrimSpace(errs.String()))
	}
	ends := new(SideEnds)
	if err := json.Unmarshal(out.Bytes(), ends); err != nil {
		return nil, fmt.Errorf("at %s: %w", host, err)
	}
	return ends, nil
}
