package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"callmesh/edge"
)

// httpServer is one listener and what it serves.
type httpServer struct {
	addr   netip.AddrPort // with the port that was taken
	server *http.Server
	ended  chan struct{} // closed when it has stopped serving
	err    error         // why, unless it was told to; read after ended
}

// startHTTP serves h at addr; with TLS unless conf is nil. watch may be nil.
func startHTTP(name, addr string, conf *tls.Config, h http.Handler, watch func(net.Conn, http.ConnState), log *slog.Logger) (*httpServer, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &httpServer{
		addr: l.Addr().(*net.TCPAddr).AddrPort(),
		server: &http.Server{
			Handler: h, TLSConfig: conf, MaxHeaderBytes: 32 << 10, ConnState: watch,
			// None of them holds for a WebSocket: taking over a connection clears its deadlines. The longest body is that of a guest, a kilobyte.
			ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
			// What clients do wrong, TLS handshakes above all, is not the operator's to mend.
			ErrorLog: slog.NewLogLogger(log.With("part", name).Handler(), slog.LevelDebug),
		},
		ended: make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		if conf != nil {
			err = s.server.ServeTLS(l, "", "")
		} else {
			err = s.server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	return s, nil
}

// close ends the server: requests under way are waited for until ctx ends, and then cut. WebSockets
// are not the server's any more; their owner closes them.
func (s *httpServer) close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	<-s.ended
	return err
}

// adminHandler serves what is for the operator and for nobody else.
func adminHandler(metrics *prometheus.Registry, e *edge.Edge) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /livez", e.Handler())
	mux.Handle("GET /readyz", e.Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // with the named profiles: heap, goroutine, allocs…
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}
