// Package run is the nats-server that tests run as a process of its own: the
// program natsnode, and any test binary that imports bustest.
package run

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"callmesh/bus/natsd"
)

// Node starts an embedded server as args say and keeps it until ctx ends, or
// until stdin ends when asked to. Once the server is ready it prints one line,
// its URL, to stdout; its warnings go to stderr. As one of a cluster it says
// before that, with a line of its own, where its routes come in: the others
// must know before any of them can be ready.
func Node(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("natsnode", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o natsd.Options
	flags.StringVar(&o.DataDir, "data-dir", "", "where JetStream keeps its files")
	flags.StringVar(&o.ListenAddr, "listen", "127.0.0.1:0", "where clients connect; port 0 takes a free one")
	flags.StringVar(&o.Name, "name", "natsnode", "name of the server")
	flags.StringVar(&o.Token, "token", "", "token that clients must show")
	flags.StringVar(&o.Advertise, "advertise", "", "host:port that clients are told of")
	flags.StringVar(&o.ClusterName, "cluster", "", "name of the cluster to join; none stands alone")
	flags.StringVar(&o.ClusterListen, "cluster-listen", "127.0.0.1:0", "where routes come in")
	flags.StringVar(&o.ClusterAdvertise, "cluster-advertise", "", "host:port that the other members are told of")
	flags.DurationVar(&o.PeerPing, "peer-ping", 0, "how often routes are probed")
	routes := flags.String("routes", "", "host:port of every member's routes, this one included, with commas between")
	attached := flags.Bool("until-stdin-ends", false, "end when standard input does, so as not to outlive the parent")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.ClusterName == "" {
		o.ClusterListen = ""
	} else {
		o.Routes = strings.Split(*routes, ",")
	}
	o.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))

	s, err := natsd.Start(o)
	if err != nil {
		return err
	}
	defer s.Shutdown()
	if o.ClusterName != "" {
		if err := tellRoutes(ctx, s, stdout); err != nil {
			return err
		}
	}
	if err := s.Ready(ctx); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, s.ClientURL()); err != nil {
		return err
	}
	parent := make(chan struct{})
	if *attached {
		// It ends with the process at the latest: a read of stdin cannot be
		// taken back.
		go func() {
			defer close(parent)
			_, _ = io.Copy(io.Discard, stdin)
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-parent:
		return nil
	case <-s.Failed():
		return errors.Join(errors.New("natsnode"), s.Err())
	}
}

// tellRoutes prints where routes come in, which is known just after the start.
func tellRoutes(ctx context.Context, s *natsd.Server, stdout io.Writer) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.RouteAddr() == "" {
		select {
		case <-tick.C:
		case <-s.Failed():
			return s.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err := fmt.Fprintln(stdout, s.RouteAddr())
	return err
}
