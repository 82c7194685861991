package loadtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"callmesh/edge/auth"
	"callmesh/turnctl/turnauth"
)

// Programs are the paths of what is measured.
type Programs struct {
	Edge string // cmd/edge
	NATS string // bus/bustest/natsnode
	Bare string // edge/loadtest/bench: the bound's relays are a mode of it
}

// mesh is edges on one nats-server, each a process of its own.
type mesh struct {
	dialer
	programs Programs
	dir      string
	secret   string
	signer   *auth.Signer
	nats     *process
	natsURL  string
	edges    []*node
	users    atomic.Uint64
}

// node is one process that takes WebSockets.
type node struct {
	*process
	addr string
}

var (
	natsReady = regexp.MustCompile(`^(nats://\S+)`)
	edgeReady = regexp.MustCompile(`callmesh is ready\. Open +http://([^/\s]+)`)
)

func startMesh(ctx context.Context, programs Programs, edges int) (m *mesh, err error) {
	m = &mesh{programs: programs, secret: rand.Text() + rand.Text()}
	if m.dir, err = os.MkdirTemp("", "callmesh-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if m.signer, err = auth.NewSigner(turnauth.NewSecret(m.secret), nil); err != nil {
		return nil, err
	}
	if m.nats, m.natsURL, err = startNATS(ctx, programs.NATS, filepath.Join(m.dir, "nats")); err != nil {
		return nil, err
	}
	for i := range edges {
		m.edges = append(m.edges, nil)
		if err := m.startEdge(ctx, i); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func startNATS(ctx context.Context, path, dir string) (*process, string, error) {
	p, err := start("nats", path, []string{"-data-dir", dir, "-until-stdin-ends"}, nil)
	if err != nil {
		return nil, "", err
	}
	url, err := p.line(ctx, natsReady)
	if err != nil {
		p.kill()
		return nil, "", err
	}
	return p, url, nil
}

// startEdge runs the edge of that number, in place of one that was killed.
func (m *mesh) startEdge(ctx context.Context, i int) error {
	dir := filepath.Join(m.dir, "edge"+strconv.Itoa(i))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p, err := start("edge "+strconv.Itoa(i), m.programs.Edge, []string{
		"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--region", "bench", "--data-dir", dir,
		"--nats-url", m.natsURL, "--tls-off", "--log-level", "warn",
	}, []string{"CALLMESH_AUTH_SECRET=" + m.secret})
	if err != nil {
		return err
	}
	m.edges[i] = &node{process: p}
	m.edges[i].addr, err = p.line(ctx, edgeReady)
	return err
}

// cpu is what the edges and the nats-server have used so far.
func (m *mesh) cpu() (work, error) { return workOf(m.edges, m.nats) }

func running(nodes []*node) []*process {
	var list []*process
	for _, n := range nodes {
		if n != nil {
			list = append(list, n.process)
		}
	}
	return list
}

func (m *mesh) close() {
	for _, p := range running(m.edges) {
		p.kill()
	}
	if m.nats != nil {
		m.nats.kill()
	}
	_ = os.RemoveAll(m.dir)
}

// token signs one for a user who was not there before.
func (m *mesh) token() (string, error) {
	user := "u" + strconv.FormatUint(m.users.Add(1), 10)
	token, _, err := m.signer.Sign(user, user, time.Hour)
	return token, err
}

// connect opens a socket of whoever has the token, who has yet to say hello.
func (m *mesh) connect(ctx context.Context, edge int, token string) (*session, error) {
	c, err := m.dial(ctx, m.edges[edge].addr, "/v1/ws", "Sec-WebSocket-Protocol: callmesh.v1\r\n")
	return &session{conn: c, token: token, seen: make(map[string]uint64)}, err
}

// enter opens a session of a user of its own on an edge.
func (m *mesh) enter(ctx context.Context, edge int) (*session, error) {
	token, err := m.token()
	if err != nil {
		return nil, err
	}
	s, err := m.connect(ctx, edge, token)
	if err != nil {
		return nil, err
	}
	if err := s.hello(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// join opens a session that is in a room.
func (m *mesh) join(ctx context.Context, edge int, room string) (*session, error) {
	s, err := m.enter(ctx, edge)
	if err != nil {
		return nil, err
	}
	if err := s.join(room); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// each runs f for 0 to n-1, several at a time, and returns the errors; after the first, no further ones are begun.
func each(ctx context.Context, n, atOnce int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next atomic.Int64
	errs := make(chan error, atOnce)
	for range atOnce {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					errs <- ctx.Err()
					return
				}
				if err := f(ctx, i); err != nil {
					errs <- fmt.Errorf("%d of %d: %w", i+1, n, err)
					cancel()
					return
				}
			}
		}()
	}
	var all []error
	for range atOnce {
		if err := <-errs; err != nil && (!errors.Is(err, context.Canceled) || len(all) == 0) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
