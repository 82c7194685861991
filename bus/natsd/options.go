package natsd

import (
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// maxPayload bounds one message. A frame is at most 64 KiB; what the edges
	// put around it, base64 included, stays well below twice that.
	maxPayload = 128 << 10
	// maxPending bounds what the server holds for one connection that does not
	// read; beyond it the connection is cut. It is the server's own default,
	// said here because the clients size themselves by it.
	maxPending = 64 << 20
	// writeDeadline cuts a client that reads nothing at all for so long. The
	// default of 10 s is a third of the 30 s in which sessions must resume.
	writeDeadline = 5 * time.Second
	// pingInterval and maxPingsOut find a peer that vanished without a word
	// (cable, firewall) in about 15 s rather than the default six minutes.
	pingInterval = 5 * time.Second
	maxPingsOut  = 2
)

// Options say what a Server is. The zero value of each field is usable, except
// for DataDir.
type Options struct {
	// Name of this server, unique within its cluster. Default "callmesh".
	Name string
	// DataDir holds JetStream's files and the lock; made when missing.
	DataDir string

	// ListenAddr is the clients' "host:port"; port 0 takes a free one. Empty
	// means no listener: only this process can connect, through InProcess.
	ListenAddr string
	// Advertise is the "host:port" told to clients instead of ListenAddr.
	Advertise string
	// Token, or User and Password, are asked of clients that come over TCP.
	// One of them must be set when ListenAddr is not a loopback address.
	Token, User, Password string
	// TLS of the client port; nil means plain TCP.
	TLS *tls.Config

	// ClusterName joins servers into one cluster; with it go ClusterListen,
	// where their routes come in, and Routes, the "host:port" of every member,
	// this server's own included: JetStream elects no leader before more than
	// half of as many are there.
	ClusterName   string
	ClusterListen string
	Routes        []string
	// ClusterAdvertise is the "host:port" told to the other members.
	ClusterAdvertise string

	// GatewayListen is where other regions connect; the region's name is
	// ClusterName. Gateways has the "host:port" of each server of each other
	// region, by its name.
	GatewayListen    string
	Gateways         map[string][]string
	GatewayAdvertise string

	// MaxMemory and MaxStore bound JetStream, in bytes of memory and of disk.
	// Default 256 MiB and 4 GiB.
	MaxMemory, MaxStore int64

	// LameDuck is the time over which LameDuck closes the clients, the first
	// third of it spent waiting for them to leave by themselves. Default 15 s.
	LameDuck time.Duration

	// Logger gets the server's lines: its errors and warnings as warnings, its
	// notices at debug level. Default: nothing is logged.
	Logger *slog.Logger
	// Debug has the server write its own debug lines too (at debug level).
	Debug bool

	// PeerPing is how often routes are probed; two probes without
	// an answer mean that the other end is gone. Default 5 s.
	PeerPing time.Duration
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "callmesh"
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = 256 << 20
	}
	if o.MaxStore == 0 {
		o.MaxStore = 4 << 30
	}
	if o.LameDuck == 0 {
		o.LameDuck = 15 * time.Second
	}
	if o.PeerPing == 0 {
		o.PeerPing = pingInterval
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// natsOptions checks o and says it in the server's own words.
func (o Options) natsOptions() (*server.Options, error) {
	if o.DataDir == "" {
		return nil, errors.New("no data directory: name one, JetStream keeps the replay streams in it")
	}
	opts := &server.Options{
		ServerName:             o.Name,
		NoSigs:                 true, // the process's own signals are its main's
		DontListen:             o.ListenAddr == "",
		MaxPayload:             maxPayload,
		MaxPending:             maxPending,
		WriteDeadline:          writeDeadline,
		PingInterval:           pingInterval,
		MaxPingsOut:            maxPingsOut,
		JetStream:              true,
		JetStreamMaxMemory:     o.MaxMemory,
		JetStreamMaxStore:      o.MaxStore,
		StoreDir:               filepath.Join(o.DataDir, "nats"),
		DisableJetStreamBanner: true,
		LameDuckDuration:       o.LameDuck,
		LameDuckGracePeriod:    o.LameDuck / 3,
	}
	for _, add := range []func(*server.Options) error{o.addClients, o.addCluster, o.addGateway} {
		if err := add(opts); err != nil {
			return nil, err
		}
	}
	return opts, nil
}

func (o Options) addClients(opts *server.Options) error {
	auth := o.Token != "" || o.User != ""
	if o.Token != "" && o.User != "" {
		return errors.New("both a token and a user are set: choose one")
	}
	if (o.User == "") != (o.Password == "") {
		return errors.New("user and password go together: set both or neither")
	}
	if o.ListenAddr == "" {
		if auth || o.TLS != nil {
			return errors.New("a token, user or TLS needs a listen address: without one, only this process can connect")
		}
		return nil
	}
	host, port, err := splitAddr(o.ListenAddr)
	if err != nil {
		return fmt.Errorf("listen address: %w", err)
	}
	if !auth && !isLoopback(host) {
		return fmt.Errorf("listen address %s can be reached from other machines: set a token or a user, or listen on 127.0.0.1", o.ListenAddr)
	}
	opts.Host, opts.Port = host, port
	opts.ClientAdvertise = o.Advertise
	opts.TLSConfig = o.TLS
	if o.TLS != nil {
		opts.TLSTimeout = 5 // seconds; the default of 2 fails over bad mobile links
	}
	if auth {
		opts.CustomClientAuthentication = authenticator{token: o.Token, user: o.User, password: o.Password}
	}
	return nil
}

// addCluster keeps routes on loopback because they would be neither encrypted
// nor authenticated here.
func (o Options) addCluster(opts *server.Options) error {
	if o.ClusterName == "" {
		if o.ClusterListen != "" || len(o.Routes) > 0 || o.GatewayListen != "" {
			return errors.New("a cluster, its routes and gateways need a cluster name")
		}
		return nil
	}
	if o.ListenAddr == "" {
		// The server starts its routes only after its client listener.
		return fmt.Errorf("cluster %q needs a listen address for clients too, 127.0.0.1:0 for example", o.ClusterName)
	}
	if len(o.Routes) == 0 {
		return fmt.Errorf("cluster %q has no routes: name every member, this one included", o.ClusterName)
	}
	host, port, err := loopbackAddr("cluster listen address", o.ClusterListen)
	if err != nil {
		return err
	}
	opts.Cluster = server.ClusterOpts{
		Name: o.ClusterName, Host: host, Port: port, Advertise: o.ClusterAdvertise,
		PingInterval: o.PeerPing, MaxPingsOut: maxPingsOut,
	}
	if opts.Routes, err = parseURLs("nats-route", o.Routes); err != nil {
		return fmt.Errorf("route: %w", err)
	}
	return nil
}

func (o Options) addGateway(opts *server.Options) error {
	if o.GatewayListen == "" {
		if len(o.Gateways) > 0 {
			return errors.New("gateways to other regions need a gateway listen address, for their way back")
		}
		return nil
	}
	host, port, err := loopbackAddr("gateway listen address", o.GatewayListen)
	if err != nil {
		return err
	}
	opts.Gateway = server.GatewayOpts{
		Name: o.ClusterName, Host: host, Port: port, Advertise: o.GatewayAdvertise,
		RejectUnknown: true, // a typo in a region's name must not make a new one
	}
	for name, addrs := range o.Gateways {
		urls, err := parseURLs("nats", addrs)
		if err != nil {
			return fmt.Errorf("gateway to %q: %w", name, err)
		}
		opts.Gateway.Gateways = append(opts.Gateway.Gateways, &server.RemoteGatewayOpts{Name: name, URLs: urls})
	}
	return nil
}

// authenticator asks credentials of those who come over a network. An
// in-process connection has none to show: it is this process talking to itself.
type authenticator struct{ token, user, password string }

// Check implements server.Authentication.
func (a authenticator) Check(c server.ClientAuthentication) bool {
	if addr := c.RemoteAddress(); addr != nil && addr.Network() == "pipe" {
		return true
	}
	got := c.GetOpts()
	if a.token != "" {
		return equal(got.Token, a.token)
	}
	// No short cut between the two, so that time does not tell which was wrong.
	user, password := equal(got.Username, a.user), equal(got.Password, a.password)
	return user && password
}

func equal(got, want string) bool {
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

func loopbackAddr(what, addr string) (host string, port int, err error) {
	if host, port, err = splitAddr(addr); err != nil {
		return "", 0, fmt.Errorf("%s: %w", what, err)
	}
	if !isLoopback(host) {
		return "", 0, fmt.Errorf("%s %s is not loopback: servers on several machines need nats-server with TLS routes", what, addr)
	}
	return host, port, nil
}

// splitAddr reads "host:port"; port 0, "any free one", is -1 to the server.
func splitAddr(addr string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port", addr)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || host == "" {
		return "", 0, fmt.Errorf("%q is not host:port with a port from 0 to 65535", addr)
	}
	if n == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(n), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
