package check_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/check"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/turntest"
)

// A check whose time is up while it judges a certificate leaves no connection behind.
func TestEndsInTheCertificate(t *testing.T) {
	cert := turntest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ended := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, err = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
		ended <- err
	}()
	u, err := wire.ParseRelayURL("turns:" + l.Addr().String() + "?transport=tcp")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	check.Run(ctx, check.Options{URLs: []turnclient.URL{u}, Progress: func(_, step string) {
		if strings.HasSuffix(step, ".certificate") {
			cancel()
		}
	}})
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("the connection: %v, want its end", err)
	}
}
