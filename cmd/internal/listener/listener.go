// Package listener is an HTTP server as the programs run theirs: it knows its address, tells when it ends by itself, and ends in good order.
package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Server is one listener and what it serves.
type Server struct {
	Addr   netip.AddrPort // with the port that was taken
	Ended  chan struct{}  // closed when it has stopped serving
	Err    error          // why, unless it was told to; read after Ended
	server *http.Server
}

// Start serves h at addr; with TLS unless conf is nil. watch may be nil.
func Start(name, addr string, conf *tls.Config, h http.Handler, watch func(net.Conn, http.ConnState), log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &Server{
		Addr: l.Addr().(*net.TCPAddr).AddrPort(),
		server: &http.Server{
			Handler: h, TLSConfig: conf, MaxHeaderBytes: 32 << 10, ConnState: watch,
			// None of them holds for a WebSocket: taking over a connection clears its deadlines. The longest body is that of a guest, a kilobyte.
			ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
			// What clients do wrong, TLS handshakes above all, is not the operator's to mend.
			ErrorLog: slog.NewLogLogger(log.With("part", name).Handler(), slog.LevelDebug),
		},
		Ended: make(chan struct{}),
	}
	go func() {
		defer close(s.Ended)
		if conf != nil {
			err = s.server.ServeTLS(l, "", "")
		} else {
			err = s.server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.Err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	return s, nil
}

// Close ends the server: requests under way are waited for until ctx ends, and then cut. WebSockets
// are not the server's any more; their owner closes them.
func (s *Server) Close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	<-s.Ended
	return err
}
