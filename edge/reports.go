package edge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// What pages report of their attempts to connect is kept beside what probe measures, under the same definitions. It is not worth a wait of anybody's: reports go through a short
// queue, and what there is no room for, or no stream for too long, is counted and forgotten.
//
// The stream holds some 200,000 of them. By [DefaultLimits] one user can put a twentieth of that into it in a day, and one address a tenth.

const (
	maxReports = 512
	// reportPatience is how long one report may wait for a stream that takes it; those behind it wait too.
	reportPatience = 30 * time.Second
	// reportRate and reportBurst bound what one edge stores, per second, of all its sessions.
	reportRate, reportBurst = 20, 2000
)

// networkTypes are what NetworkInformation.type can be. Other words would be a stranger's.
var networkTypes = []string{"bluetooth", "cellular", "ethernet", "none", "mixed", "other", "unknown", "wifi", "wimax"}

type reports struct {
	queue chan wire.Traversal
	pace  *rate.Limiter
}

func newReports() reports {
	return reports{make(chan wire.Traversal, maxReports), rate.NewLimiter(reportRate, reportBurst)}
}

// keepReport has a report stored, unless there are too many.
func (e *Edge) keepReport(s *session, a wire.ReportArgs) {
	o, now := a.Outcome, time.Now()
	if !e.reports.pace.AllowN(now, 1) {
		e.metrics.reports.WithLabelValues("too_many").Inc()
		return
	}
	if !slices.Contains(networkTypes, o.Network) {
		o.Network = ""
	}
	if !slices.Contains(e.bus.Regions(), o.RelayRegion) {
		o.RelayRegion = ""
	}
	t := wire.Traversal{
		At: now.UnixMilli() - o.Ms, Source: wire.SourceCall, ID: wire.NewReportID(), Pair: pairDigest(a.Room, s.peer, a.Peer), Mode: wire.ModeAll,
		Ends: [2]wire.TraversalEnd{{Region: e.region, Network: o.Network}, {}}, Outcome: o,
	}
	select {
	case e.reports.queue <- t:
	default:
		e.metrics.reports.WithLabelValues("no_room").Inc()
	}
}

// pairDigest is the same for both ends, and tells nobody who they are.
func pairDigest(room wire.RoomID, a, b wire.PeerID) string {
	h := sha256.New()
	for _, part := range []string{string(min(a, b)), string(max(a, b)), string(room)} {
		_, _ = h.Write([]byte(part)) // never fails; a peer's id has always the same length
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// storeReports stores what is queued until ctx ends.
func (e *Edge) storeReports(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-e.reports.queue:
			e.metrics.reports.WithLabelValues(e.storeReport(ctx, t)).Inc()
		}
	}
}

// storeReport tries while there is patience: one that may have been stored can be stored again.
func (e *Edge) storeReport(ctx context.Context, t wire.Traversal) (what string) {
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	for {
		err := e.bus.StoreTraversal(ctx, t)
		switch {
		case err == nil:
			return "stored"
		case !errors.Is(err, bus.ErrUnavailable):
			e.log.Error("a report can't be stored", "error", err)
			return "refused"
		}
		if e.bus.WaitReady(ctx) != nil || !again(ctx) {
			return "unavailable"
		}
	}
}

// again waits a moment, and reports whether there is time left.
func again(ctx context.Context) bool {
	timer := time.NewTimer(200 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
