package natsd_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"testing"

	"callmesh/bus/natsd"

	"github.com/nats-io/nats.go"
)

func TestCredentialsOverTCPOnly(t *testing.T) {
	token := natsd.Options{ListenAddr: "127.0.0.1:0", Token: "right"}
	user := natsd.Options{ListenAddr: "127.0.0.1:0", User: "ann", Password: "right"}
	for _, c := range []struct {
		name    string
		server  natsd.Options
		client  nats.Option
		refused bool
	}{
		{"token", token, nats.Token("right"), false},
		{"wrong token", token, nats.Token("wrong"), true},
		{"no token", token, nats.Name("x"), true},
		{"user instead of token", token, nats.UserInfo("right", "right"), true},
		{"user", user, nats.UserInfo("ann", "right"), false},
		{"wrong password", user, nats.UserInfo("ann", "wrong"), true},
		{"wrong user", user, nats.UserInfo("bob", "right"), true},
		{"token instead of user", user, nats.Token("right"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.server)
			nc, err := nats.Connect(s.ClientURL(), c.client)
			if err == nil {
				nc.Close()
			}
			if refused := errors.Is(err, nats.ErrAuthorization); refused != c.refused {
				t.Errorf("connecting: %v, want refused %v", err, c.refused)
			}
			connect(t, "", nats.InProcessServer(s.InProcess())) // needs no credentials
		})
	}
}

func TestTLSOnTheClientPort(t *testing.T) {
	web := httptest.NewTLSServer(nil) // only for its certificate
	defer web.Close()
	s := start(t, natsd.Options{ListenAddr: "127.0.0.1:0", TLS: &tls.Config{
		Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12,
	}})
	pool := x509.NewCertPool()
	pool.AddCert(web.Certificate())
	nc := connect(t, s.ClientURL(), nats.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	if _, err := nc.TLSConnectionState(); err != nil {
		t.Error(err)
	}
	if _, err := nats.Connect(s.ClientURL()); err == nil {
		t.Error("a client that does not trust the certificate connected")
	}
	connect(t, "", nats.InProcessServer(s.InProcess()))
}

func TestWrongOptions(t *testing.T) {
	routes := []string{"127.0.0.1:1"}
	for want, o := range map[string]natsd.Options{
		`no data directory: name one, JetStream keeps the replay streams in it`:                                           {},
		`listen address: "4222" is not host:port`:                                                                         {DataDir: "d", ListenAddr: "4222"},
		`listen address: "127.0.0.1:99999" is not host:port with a port from 0 to 65535`:                                  {DataDir: "d", ListenAddr: "127.0.0.1:99999"},
		`listen address: ":4222" is not host:port with a port from 0 to 65535`:                                            {DataDir: "d", ListenAddr: ":4222"},
		`listen address 0.0.0.0:4222 can be reached from other machines: set a token or a user, or listen on 127.0.0.1`:   {DataDir: "d", ListenAddr: "0.0.0.0:4222"},
		`both a token and a user are set: choose one`:                                                                     {DataDir: "d", ListenAddr: "127.0.0.1:0", Token: "t", User: "u", Password: "p"},
		`user and password go together: set both or neither`:                                                              {DataDir: "d", ListenAddr: "127.0.0.1:0", User: "u"},
		`a token, user or TLS needs a listen address: without one, only this process can connect`:                         {DataDir: "d", Token: "t"},
		`a cluster, its routes and gateways need a cluster name`:                                                          {DataDir: "d", ClusterListen: "127.0.0.1:0"},
		`cluster "c" needs a listen address for clients too, 127.0.0.1:0 for example`:                                     {DataDir: "d", ClusterName: "c"},
		`cluster "c" has no routes: name every member, this one included`:                                                 {DataDir: "d", ListenAddr: "127.0.0.1:0", ClusterName: "c"},
		`cluster listen address 10.0.0.1:0 is not loopback: servers on several machines need nats-server with TLS routes`: {DataDir: "d", ListenAddr: "127.0.0.1:0", ClusterName: "c", Routes: routes, ClusterListen: "10.0.0.1:0"},
		`route: "x" is not host:port`:                                                                                     {DataDir: "d", ListenAddr: "127.0.0.1:0", ClusterName: "c", Routes: []string{"x"}, ClusterListen: "127.0.0.1:0"},
		`gateways to other regions need a gateway listen address, for their way back`:                                     {DataDir: "d", ListenAddr: "127.0.0.1:0", ClusterName: "c", Routes: routes, ClusterListen: "127.0.0.1:0", Gateways: map[string][]string{"eu": routes}},
		`gateway to "eu": "x" is not host:port`:                                                                           {DataDir: "d", ListenAddr: "127.0.0.1:0", ClusterName: "c", Routes: routes, ClusterListen: "127.0.0.1:0", GatewayListen: "127.0.0.1:0", Gateways: map[string][]string{"eu": {"x"}}},
		`server name cannot contain spaces`:                                                                               {DataDir: "d", Name: "a b"},
	} {
		if o.DataDir != "" {
			o.DataDir = t.TempDir()
		}
		s, err := natsd.Start(o)
		if err == nil {
			s.Shutdown()
			t.Errorf("started, want: %s", want)
		} else if err.Error() != "embedded nats: "+want {
			t.Errorf("got  %s\nwant embedded nats: %s", err, want)
		}
	}
}
