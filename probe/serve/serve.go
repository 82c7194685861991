// Package serve shows a report live over HTTP, to whoever has the operator's token: the page at /, the same as JSON and CSV at /report.json and /report.csv, and /metrics.
//
// A program shows the token as "Authorization: Bearer"; a browser is asked for it once, and then has a cookie that is good for twelve hours, or until the process ends.
package serve

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"

	"callmesh/probe/report"
	"callmesh/turnctl/turnauth"
)

// MinToken is how many bytes a token has at least.
const MinToken = 16

// Options are what is shown, and to whom.
type Options struct {
	Token   turnauth.Secret                             // at least [MinToken] bytes
	Records func(context.Context) (report.Lines, error) // reads them anew; bounded by the context
	Report  report.Options
	Since   time.Duration // only attempts that began so long ago at most; 0: all
	Refresh time.Duration // how old a report may be; 0: 30 s
	Secure  bool          // served over TLS: the cookie goes nowhere else
	Logger  *slog.Logger
}

// Server is the handler.
type Server struct {
	o     Options
	key   []byte // of cookies
	mux   *http.ServeMux
	wrong *rate.Limiter // of what is logged of wrong tokens

	// mu guards the following, and is held while records are read: whoever comes meanwhile has the same report.
	mu     sync.Mutex
	last   *report.Report
	read   time.Time // when it was last tried
	failed error
}

const (
	readTimeout = 20 * time.Second
	// retry is how soon it is tried again at the latest where records could not be read: NATS may be back long before a report is too old.
	retry = 2 * time.Second
)

// New makes the handler. It is an error if the token is too short to be one.
func New(o Options) (*Server, error) {
	if len(o.Token.Reveal()) < MinToken {
		return nil, errors.New("the operator's token has fewer than 16 bytes; `openssl rand -hex 16` makes one")
	}
	if o.Refresh == 0 {
		o.Refresh = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, key: newKey(), mux: http.NewServeMux(), wrong: rate.NewLimiter(rate.Every(time.Minute), 5)}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(report.Collector{Report: func() *report.Report {
		r, _ := s.report(context.Background())
		return r
	}})
	s.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /login", s.form)
	s.mux.HandleFunc("POST /login", s.login)
	s.mux.Handle("GET /metrics", s.only(s.fresh(func(w http.ResponseWriter, r *http.Request, _ *report.Report) {
		promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})))
	s.mux.Handle("GET /report.json", s.only(s.write("application/json", (*report.Report).JSON)))
	s.mux.Handle("GET /report.csv", s.only(s.write("text/csv; charset=utf-8", (*report.Report).CSV)))
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+report.StyleHash()+"; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

// report gives the newest report that may be had, never nil, and why it is not a new one.
func (s *Server) report(ctx context.Context) (*report.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil && time.Since(s.read) < s.holds(s.failed) {
		return s.last, s.failed
	}
	// Whoever asked may go away; the others still want what was read.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	lines, err := s.o.Records(ctx)
	s.read, s.failed = time.Now(), err
	if err == nil {
		o := s.o.Report
		o.Unread = lines.Unread
		if s.o.Since > 0 {
			o.Since = s.read.Add(-s.o.Since)
		}
		s.last = report.Make(lines.Records, o)
		return s.last, nil
	}
	s.o.Logger.Warn("the records can't be read", "error", err)
	if s.last == nil {
		s.last = report.Make(nil, report.Options{})
	}
	return s.last, err
}

// holds is for how long what came of reading is not tried anew.
func (s *Server) holds(failed error) time.Duration {
	if failed != nil {
		return min(s.o.Refresh, retry)
	}
	return s.o.Refresh
}

// fresh lets machines have figures of now or none: they would not see that what they get is old.
func (s *Server) fresh(next func(http.ResponseWriter, *http.Request, *report.Report)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		last, err := s.report(r.Context())
		if err != nil {
			http.Error(w, "the records can't be read just now; the log says why", http.StatusServiceUnavailable)
			return
		}
		next(w, r, last)
	}
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if !s.knows(r) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	last, err := s.report(r.Context())
	p := report.Page{RefreshSeconds: max(1, int(s.holds(err).Seconds()))}
	if err != nil {
		p.Stale = "The records can't be read just now; the log says why."
		if len(last.Sources) > 0 {
			p.Stale += " What was read last is shown."
		}
	}
	s.send(w, "text/html; charset=utf-8", func(b *bytes.Buffer) error { return last.HTML(b, p) })
}

// send writes nothing but an error unless all of it could be written.
func (s *Server) send(w http.ResponseWriter, kind string, write func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		s.o.Logger.Error("the report can't be written", "error", err)
		http.Error(w, "the report can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(b.Bytes()) // whoever asked is gone
}
