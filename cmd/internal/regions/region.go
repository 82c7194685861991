package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/nats-io/nkeys"

	"callmesh/probe/lab"
)

// programs are the paths of what runs in a region.
type programs struct {
	edge, turnctl, probe, nats string
	coturn                     string // turnserver of the system
	self                       string
}

// mesh is the regions, running.
type mesh struct {
	dir      string
	programs programs
	running  []*process
}

const (
	natsPort  = 4222
	edgePort  = 8443
	adminPort = 9090
	turnPort  = 3478
	realm     = "calls.example.org"
	// starting bounds what a program may take until it is ready, on a busy machine.
	starting = 60 * time.Second
)

// secrets are made anew for each run; no region trusts another's word without them.
func (m *mesh) secrets() error {
	for _, name := range []string{"auth", "turn", "gateway"} {
		if err := os.WriteFile(m.file(name), []byte(random()), 0o600); err != nil {
			return err
		}
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	seed, err := user.Seed()
	if err != nil {
		return err
	}
	public, err := user.PublicKey()
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(m.file("nats.nk"), seed, 0o600), os.WriteFile(m.file("nats.pub"), []byte(public), 0o600))
}

func (m *mesh) file(name ...string) string { return filepath.Join(append([]string{m.dir}, name...)...) }

// start brings all regions up, one program after another where one needs the other.
func (m *mesh) start(ctx context.Context, said func(format string, args ...any)) error {
	if err := m.secrets(); err != nil {
		return err
	}
	// JetStream chooses a leader among the regions: no NATS is ready before most of them are there.
	for _, p := range places {
		if err := m.startNATS(p); err != nil {
			return err
		}
	}
	for _, p := range places {
		if err := m.ready(ctx, p, "nats", "http://127.0.0.1:8222/healthz"); err != nil {
			return err
		}
	}
	said("NATS in %s, joined by gateways", names(places))
	for _, p := range places {
		if err := m.startRelay(ctx, p); err != nil {
			return err
		}
		said("coturn in %s, at turn:%s:%d, and its agent", p.name, p.addr(relayHost), turnPort)
	}
	for _, p := range places {
		if err := m.startEdges(ctx, p); err != nil {
			return err
		}
		said("%d edges in %s", edgesEach, p.name)
	}
	return nil
}

var natsConf = template.Must(template.New("").Parse(`server_name: "{{.Name}}-nats"
listen: "{{.Addr}}:4222"
# As the embedded server has it: a peer that vanished without a word is missed within 15 s.
ping_interval: "5s"
ping_max: 2
write_deadline: "5s"
max_payload: 131072
jetstream { store_dir: "{{.Store}}", max_memory_store: 268435456, max_file_store: 4294967296 }
authorization { users: [ { nkey: {{.NKey}} } ] }
http: "127.0.0.1:8222"
# One server is a cluster too, and JetStream wants to know where its members are: itself.
cluster { name: "{{.Name}}", listen: "{{.Addr}}:6222", routes: ["nats://{{.Addr}}:6222"] }
gateway {
  name: "{{.Name}}", listen: "{{.Addr}}:7222"
  authorization { user: "gateway", password: "{{.Password}}" }
  gateways: [{{range .Others}}
    { name: "{{.Name}}", urls: ["nats://gateway:{{$.Password}}@{{.Addr}}:7222"] }{{end}}
  ]
}
`))

func (m *mesh) startNATS(p place) error {
	type peer struct{ Name, Addr string }
	var others []peer
	for _, o := range places {
		if o.name != p.name {
			others = append(others, peer{o.name, o.addr(natsHost).String()})
		}
	}
	password, err := os.ReadFile(m.file("gateway"))
	if err != nil {
		return err
	}
	public, err := os.ReadFile(m.file("nats.pub"))
	if err != nil {
		return err
	}
	var conf strings.Builder
	if err := natsConf.Execute(&conf, map[string]any{
		"Name": p.name, "Addr": p.addr(natsHost), "Store": m.file(p.name + "-nats"), "NKey": string(public), "Password": string(password), "Others": others,
	}); err != nil {
		return err
	}
	file := m.file(p.name + "-nats.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		return err
	}
	return m.keep(begin(m.dir, p, "nats", m.programs.nats, "-c", file))
}

// startRelay renders the configuration as an operator would, starts coturn with it, and puts its agent beside it.
func (m *mesh) startRelay(ctx context.Context, p place) error {
	ctx, stop := context.WithTimeout(ctx, starting)
	defer stop()
	dir := m.file(p.name + "-relay")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	conf, db := filepath.Join(dir, "turnserver.conf"), filepath.Join(dir, "turndb")
	at := p.addr(relayHost).String()
	render := fmt.Sprintf("%s render --region %s --listen-ip %s --relay-ip %s --port %d --min-port 50000 --max-port 50999 --realm %s", m.programs.turnctl, p.name, at, at, turnPort, realm)
	if err := lab.Run(ctx, "", render+" --tls-off --secret-file "+m.file("turn")+" --userdb "+db+" -o "+conf); err != nil {
		return err
	}
	if err := m.startCoturn(p); err != nil {
		return err
	}
	url := fmt.Sprintf("turn:%s:%d?transport=", at, turnPort)
	return m.keep(begin(m.dir, p, "relay", m.programs.turnctl, "watch", "--region", p.name, "--id", p.name+"-1", "--url", url+"udp", "--url", url+"tcp", "--realm", realm,
		"--secret-file", m.file("turn"), "--interval", "4s", "--nats-url", m.natsURL(p), "--nats-nkey-file", m.file("nats.nk")))
}

func (m *mesh) startCoturn(p place) error {
	dir := m.file(p.name + "-relay")
	return m.keep(begin(m.dir, p, "relay", m.programs.coturn, "-c", filepath.Join(dir, "turnserver.conf"), "--pidfile", filepath.Join(dir, "pid")))
}

// stopCoturn ends a region's relay; its agent stays.
func (m *mesh) stopCoturn(p place) error {
	r := m.find(p.name + "-relay-" + filepath.Base(m.programs.coturn))
	m.running = slices.DeleteFunc(m.running, func(other *process) bool { return other == r })
	return r.stop()
}

func (m *mesh) startEdges(ctx context.Context, p place) error {
	for i := range edgesEach {
		host, at := edgeAt(p, i)
		if err := m.keep(begin(m.dir, p, host, m.programs.edge, "serve", "--region", p.name, "--listen", at, "--admin-listen", fmt.Sprintf("127.0.0.1:%d", adminPort),
			"--tls-off", "--data-dir", m.file(p.name+"-"+host), "--auth-secret-file", m.file("auth"), "--turn-secret-file", m.file("turn"),
			"--nats-url", m.natsURL(p), "--nats-nkey-file", m.file("nats.nk"))); err != nil {
			return err
		}
	}
	for i := range edgesEach {
		host, at := edgeAt(p, i)
		if err := m.ready(ctx, p, host, "http://"+at+"/readyz"); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until the program at a host says that it is.
func (m *mesh) ready(ctx context.Context, p place, host, url string) error {
	ctx, stop := context.WithTimeout(ctx, starting)
	defer stop()
	return m.find(p.name+"-"+host).until(ctx, p, host, "readiness", m.programs.self, askReady, url)
}

func edgeAt(p place, i int) (host, at string) {
	return fmt.Sprintf("edge%d", i+1), fmt.Sprintf("%s:%d", p.addr(edgeHost+byte(i)), edgePort)
}

func (m *mesh) natsURL(p place) string {
	return fmt.Sprintf("nats://%s:%d", p.addr(natsHost), natsPort)
}

func (m *mesh) keep(r *process, err error) error {
	if err == nil {
		m.running = append(m.running, r)
	}
	return err
}

func (m *mesh) find(prefix string) *process {
	for _, r := range m.running {
		if strings.HasPrefix(r.name, prefix) {
			return r
		}
	}
	panic("no process " + prefix)
}

// stop ends everything, the last first.
func (m *mesh) stop() error {
	var errs []error
	for i := len(m.running) - 1; i >= 0; i-- {
		errs = append(errs, m.running[i].stop())
	}
	m.running = nil
	return errors.Join(errs...)
}

func names(all []place) string {
	var out []string
	for _, p := range all {
		out = append(out, p.name)
	}
	return strings.Join(out, ", ")
}
