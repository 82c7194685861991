package charts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/wait"
)

// exported has the labels of each series that running programs have given, by its name.
type exported map[string]seriesLabels

// seriesLabels are the values that were seen of each label.
type seriesLabels map[string]map[string]bool

// add takes what one program has answered.
func (e exported) add(text io.Reader) error {
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(text)
	for name, f := range families {
		names := []string{name}
		histogram := f.GetType() == dto.MetricType_HISTOGRAM
		if histogram {
			names = []string{name + "_bucket", name + "_sum", name + "_count"}
		}
		for _, n := range names {
			if e[n] == nil {
				e[n] = seriesLabels{}
			}
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if e[n][l.GetName()] == nil {
						e[n][l.GetName()] = map[string]bool{}
					}
					e[n][l.GetName()][l.GetValue()] = true
				}
			}
		}
		if histogram {
			e[name+"_bucket"]["le"] = map[string]bool{}
			for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
				e[name+"_bucket"]["le"][strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)] = true
			}
		}
	}
	return err
}

// running are the programs of a small mesh: NATS, an edge with its relay, an agent, the view of the fleet, a report. Two ends have called each other.
var running = sync.OnceValues(func() (exported, error) {
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	defer stop()
	m := &mesh{dir: filepath.Join(built, "mesh"), ports: map[string]int{}}
	e, err := m.run(ctx)
	stop()
	for _, c := range m.started {
		_ = c.Wait() // killed with the context
	}
	return e, err
})

type mesh struct {
	dir     string
	ports   map[string]int
	started []*exec.Cmd
}

func (m *mesh) run(ctx context.Context) (exported, error) {
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return nil, err
	}
	var open []net.Listener
	for _, p := range []string{"nats", "page", "admin", "turn", "agent", "fleet"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		open = append(open, l) // or the next could be given the same
		m.ports[p] = l.Addr().(*net.TCPAddr).Port
	}
	for _, l := range open {
		_ = l.Close()
	}
	secret := filepath.Join(m.dir, "secret")
	if err := os.WriteFile(secret, []byte("a0123456789abcdef0123456789abcdef0123456789"), 0o600); err != nil {
		return nil, err
	}
	nats, turn := "nats://"+m.at("nats"), "turn:"+m.at("turn")+"?transport=udp"
	steps := []func() error{
		func() error {
			return m.start(ctx, "nats-server", "--jetstream", "--store_dir", filepath.Join(m.dir, "nats"), "--addr", "127.0.0.1", "--port", fmt.Sprint(m.ports["nats"]))
		},
		func() error { return m.answers(ctx, "nats", "") },
		func() error {
			return m.start(ctx, "edge", "serve", "--listen", m.at("page"), "--admin-listen", m.at("admin"), "--nats-url", nats, "--data-dir", filepath.Join(m.dir, "edge"),
				"--auth-secret-file", secret, "--turn-secret-file", secret, "--turn-embedded", "--turn-listen", m.at("turn"), "--turn-relay-ip", "127.0.0.1", "--tls-self-signed")
		},
		func() error { return m.answers(ctx, "admin", "/readyz") },
		// What serves the page is no relay, and shows a certificate that nobody trusts: as much of TLS as there is to read.
		func() error {
			return m.start(ctx, "turnctl", "watch", "--url", turn, "--url", "turns:"+m.at("page")+"?transport=tcp", "--id", "relay-1", "--secret-file", secret, "--nats-url", nats, "--interval", "2s", "--admin-listen", m.at("agent"))
		},
		func() error {
			return m.start(ctx, "turnctl", "fleet", "--watch", "--nats-url", nats, "--admin-listen", m.at("fleet"))
		},
		// The relay lets nobody send to this machine, so the agent is never ready: it has tried it, and told the fleet's watcher.
		func() error {
			return m.answers(ctx, "agent", "/metrics", "callmesh_turnctl_relay_up{", `rung="tls4.certificate"`, `announces_total{result="taken"} 1`)
		},
		func() error { return m.answers(ctx, "fleet", "/readyz") },
		func() error { return m.call(ctx, secret) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e := exported{}
	for _, p := range []string{"admin", "agent", "fleet"} {
		text, err := get(ctx, "http://"+m.at(p)+"/metrics")
		if err == nil {
			err = e.add(strings.NewReader(text))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(built, "probe"), "report", "--input", "../../probe/report/testdata/attempts.jsonl", "--output", "prometheus").Output()
	if err != nil {
		return nil, fmt.Errorf("probe report: %w", err)
	}
	return e, errors.Join(e.add(bytes.NewReader(out)), e.addDocumented())
}

func (m *mesh) at(what string) string { return fmt.Sprintf("127.0.0.1:%d", m.ports[what]) }

// start starts a program, which ends with ctx.
func (m *mesh) start(ctx context.Context, name string, args ...string) error {
	c := exec.CommandContext(ctx, filepath.Join(built, name), args...)
	log, err := os.Create(filepath.Join(m.dir, fmt.Sprintf("%s-%d.log", name, len(m.started))))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return err
	}
	m.started = append(m.started, c)
	return nil
}

// answers waits until a program takes connections, and, with a path, says that it is ready.
func (m *mesh) answers(ctx context.Context, what, path string, has ...string) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		if path == "" {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.at(what))
			if err == nil {
				_ = c.Close()
			}
			return err == nil, nil
		}
		text, err := get(ctx, "http://"+m.at(what)+path)
		return err == nil && !slices.ContainsFunc(has, func(h string) bool { return !strings.Contains(text, h) }), nil
	})
	if err == nil {
		return nil
	}
	logs, _ := filepath.Glob(filepath.Join(m.dir, "*.log"))
	for _, l := range logs {
		text, _ := os.ReadFile(l)
		err = errors.Join(err, fmt.Errorf("%s: %s", filepath.Base(l), text[max(0, len(text)-2000):]))
	}
	return fmt.Errorf("%s: %w", what, err)
}

// call has two ends meet at the edge, as `helm test` does.
func (m *mesh) call(ctx context.Context, secret string) error {
	var ends [2]*exec.Cmd
	for i := range ends {
		token := filepath.Join(m.dir, fmt.Sprintf("token-%d", i))
		if said, err := exec.CommandContext(ctx, filepath.Join(built, "edge"), "token", "--user", fmt.Sprintf("end-%d", i), "--ttl", "10m", "--auth-secret-file", secret, "--out", token).CombinedOutput(); err != nil {
			return fmt.Errorf("edge token: %w: %s", err, said)
		}
		ends[i] = exec.CommandContext(ctx, filepath.Join(built, "probe"), "pair", "--url", "wss://"+m.at("page"), "--ca", filepath.Join(m.dir, "edge", "self-signed.pem"),
			"--token-file", token, "--room", "a-room", "--mode", "direct", "--meet", "1m", "--limit", "30s")
		ends[i].Stderr = os.Stderr
		if err := ends[i].Start(); err != nil {
			return err
		}
	}
	return errors.Join(ends[0].Wait(), ends[1].Wait())
}

func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = errors.New(a.Status)
	}
	return string(text), err
}

func exportedOnes(t *testing.T) exported {
	t.Helper()
	e, err := running()
	if err != nil {
		t.Fatal(err)
	}
	return e
}
