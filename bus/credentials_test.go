package bus_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/natsd"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

func embedded(t *testing.T, o natsd.Options) *natsd.Server {
	t.Helper()
	o.DataDir = t.TempDir()
	s, err := natsd.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	s := embedded(t, natsd.Options{})
	o := node(t, "nats://127.0.0.1:1") // InProcess outweighs URLs
	o.InProcess = s.InProcess()
	b := ready(t, o)
	accept(t, b, room("r"), "x")
	if got := replay(t, b, time.Now().Add(-time.Minute), room("r")); len(got) != 1 {
		t.Errorf("replayed %q", got)
	}
}

// Credentials may stand in the URL. Those that are refused are tried again, for they may be put right at the server.
func TestCredentialsInURL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		right, wrong natsd.Options
		in           string
	}{
		"token":             {natsd.Options{Token: "secret"}, natsd.Options{Token: "other"}, "secret@"},
		"user and password": {natsd.Options{User: "ann", Password: "secret"}, natsd.Options{User: "ann", Password: "other"}, "ann:secret@"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.right.ListenAddr, c.wrong.ListenAddr = "127.0.0.1:0", "127.0.0.1:0"
			right, wrong := embedded(t, c.right), embedded(t, c.wrong)
			address := func(s *natsd.Server) string { return strings.TrimPrefix(s.ClientURL(), "nats://") }
			way := bustest.NewProxy(t, address(wrong))
			var lines syncedText
			o := node(t, "nats://"+c.in+way.Addr())
			o.Logger = lines.logger()
			b := open(t, o)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // several attempts
			defer cancel()
			wantErr(t, "WaitReady where the credentials are wrong", b.WaitReady(ctx), bus.ErrUnavailable)
			way.SetTarget(address(right))
			waitReady(t, b)
			accept(t, b, room("r"), "x")
			if strings.Contains(lines.String(), "secret") {
				t.Errorf("a secret in the log:\n%s", lines.String())
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // only for its certificate
	defer web.Close()
	s := embedded(t, natsd.Options{ListenAddr: "127.0.0.1:0", TLS: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := node(t, s.ClientURL())
	o.CAFile = ca
	accept(t, ready(t, o), room("r"), "x")

	distrusts := open(t, node(t, s.ClientURL()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	wantErr(t, "WaitReady of one that does not trust the server", distrusts.WaitReady(ctx), bus.ErrUnavailable)
}

func TestNKey(t *testing.T) {
	t.Parallel()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "user.nk")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		Nkeys: []*server.NkeyUser{{Nkey: public}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	o := node(t, s.ClientURL())
	o.NKeyFile = file
	accept(t, ready(t, o), room("r"), "x")
}
