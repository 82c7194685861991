package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"callmesh/cmd/internal/listener"
)

// adminGrace is how long a scrape under way may take when the process ends.
const adminGrace = 2 * time.Second

// admin is the listener for operators and their monitoring.
type admin struct{ *listener.Server }

// startAdmin serves /livez, /readyz and /metrics at addr.
func startAdmin(addr string, metrics *prometheus.Registry, ready func() bool, log *slog.Logger) (*admin, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	s, err := listener.Start("admin-listen", addr, nil, mux, nil, log)
	if err != nil {
		return nil, err
	}
	log.Info("metrics", "url", "http://"+s.Addr.String()+"/metrics")
	return &admin{s}, nil
}

func (a *admin) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), adminGrace)
	defer cancel()
	_ = a.Close(ctx) // its own end is not worth an exit code
}
