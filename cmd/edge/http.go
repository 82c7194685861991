package main

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"callmesh/edge"
)

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
