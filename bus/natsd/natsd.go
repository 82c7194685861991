// Package natsd runs a real nats-server inside this process, so that one
// binary on one machine needs no broker beside it.
//
// A Server listens nowhere unless told to: its own process reaches it through
// InProcess. Give ListenAddr, and a second edge can join it over TCP. Several
// of them make a cluster (routes) or regions (gateways), which is what tests
// use; across machines run nats-server itself, whose routes know TLS.
//
// # What a crash loses
//
// JetStream writes each message to the operating system before it acknowledges
// it, and asks the disk to keep it (fsync) every two minutes, the server's own
// default. A killed process (SIGKILL, a panic) therefore loses nothing that was
// acknowledged. A machine that loses power or whose kernel dies can lose the
// acknowledged messages of up to the last two minutes, on that machine; a
// stream with three replicas still has them on the other two. That fits what is
// kept here: replay reaches back two minutes at most, and a fsync for each
// message would cost milliseconds on the way of each.
package natsd

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Server is one embedded nats-server. Start makes it, Shutdown ends it.
type Server struct {
	nats  *server.Server
	lock  *os.File
	log   *slog.Logger
	fatal *fatalError
	opts  Options
}

// Start runs a server and returns once its client listener accepts (or, with
// no ListenAddr, once InProcess works). Streams found in the data directory
// are recovered before that, which takes seconds when there are many.
//
// It fails when an option is wrong, when an address is taken, and when another
// process, or this one, already runs on the data directory. JetStream of a
// cluster is not usable yet when Start returns: wait with Ready.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	opts, err := o.natsOptions()
	if err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	lock, err := lockDir(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	s := &Server{lock: lock, log: o.Logger, fatal: newFatalError(), opts: o}
	if err := s.run(opts); err != nil {
		unlockDir(lock)
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	return s, nil
}

func (s *Server) run(opts *server.Options) error {
	ns, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	// Debug lines of the server are only worth formatting when someone reads
	// them: it asks this flag before it builds each one.
	ns.SetLoggerV2(&logBridge{log: s.log, fatal: s.fatal}, s.opts.Debug, false, false)
	// Start returns early, logging a fatal line, when something is wrong: our
	// logger keeps that line instead of ending the process.
	ns.Start()
	if err := s.fatal.get(); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return err
	}
	s.nats = ns
	return nil
}

// Name is the server's name, unique within its cluster.
func (s *Server) Name() string { return s.nats.Name() }

// InProcess dials the server without a socket: pass it to nats.InProcessServer.
// Such a connection needs no credentials and no TLS, since only code of this
// process can make one.
func (s *Server) InProcess() nats.InProcessConnProvider { return s.nats }

// ClientURL is where others connect, "nats://host:port" or "tls://host:port",
// without credentials. It is empty when the server listens nowhere.
func (s *Server) ClientURL() string {
	if s.opts.ListenAddr == "" {
		return ""
	}
	return s.nats.ClientURL()
}

// RouteAddr is the "host:port" where routes of the same cluster come in, empty
// when there is no cluster or its listener is not up yet (see Ready).
func (s *Server) RouteAddr() string {
	if addr := s.nats.ClusterAddr(); addr != nil {
		return addr.String()
	}
	return ""
}

// GatewayAddr is the "host:port" where other regions connect, empty when there
// is no gateway.
func (s *Server) GatewayAddr() string {
	if addr := s.nats.GatewayAddr(); addr != nil {
		return addr.String()
	}
	return ""
}

// Failed is closed when the server met an error, after Start, that a
// nats-server of its own would have exited on. Err then says which.
func (s *Server) Failed() <-chan struct{} { return s.fatal.done }

// Err is the error of Failed, nil while there is none.
func (s *Server) Err() error { return s.fatal.get() }

// LameDuck ends the server gently and returns when it has ended: it accepts no
// new client, hands its JetStream leaderships over, tells its clients to go
// elsewhere (nats.LameDuckModeHandler), and closes them one by one over
// Options.LameDuck. A server that listens nowhere just shuts down.
func (s *Server) LameDuck() {
	s.nats.LameDuckShutdown()
	s.Shutdown()
}

// Shutdown closes all connections, stores what is unwritten and returns when
// all of the server has ended and its data directory may be used again.
// Calling it again waits for the same end.
func (s *Server) Shutdown() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	unlockDir(s.lock)
}

// errFatal makes the server's fatal lines recognisable among other errors.
var errFatal = errors.New("server gave up")

// parseURLs makes the URLs that the server wants of plain addresses.
func parseURLs(scheme string, hostPorts []string) ([]*url.URL, error) {
	urls := make([]*url.URL, 0, len(hostPorts))
	for _, hp := range hostPorts {
		if _, _, err := splitAddr(hp); err != nil {
			return nil, err
		}
		urls = append(urls, &url.URL{Scheme: scheme, Host: hp})
	}
	return urls, nil
}
