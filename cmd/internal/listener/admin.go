package listener

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminGrace is how long a scrape under way may take when the process ends.
const adminGrace = 2 * time.Second

// Admin is the listener for operators and their monitoring.
type Admin struct{ *Server }

// StartAdmin serves /livez, /readyz and /metrics at addr.
func StartAdmin(addr string, metrics *prometheus.Registry, ready func() bool, log *slog.Logger) (*Admin, error) {
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
	s, err := Start("admin-listen", addr, nil, mux, nil, log)
	if err != nil {
		return nil, err
	}
	log.Info("metrics", "url", "http://"+s.Addr.String()+"/metrics")
	return &Admin{s}, nil
}

// Stop ends it.
func (a *Admin) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), adminGrace)
	defer cancel()
	_ = a.Close(ctx) // its own end is not worth an exit code
}
