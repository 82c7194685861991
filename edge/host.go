package edge

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"callmesh/bus/wire"
)

// named lets only requests through that name the edge as it is called. Health is told under any name.
func (e *Edge) named(next http.Handler) http.Handler {
	if e.opts.AllowedHosts == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/livez" || r.URL.Path == "/readyz" || hostAllowed(r.Host, e.opts.AllowedHosts) {
			next.ServeHTTP(w, r)
			return
		}
		what := whatConnect
		switch r.URL.Path {
		case "/v1/guest":
			what = whatGuest
		case "/v1/move", "/v1/moved":
			what = whatMove
		}
		e.refused(what, whyHost)
		text := fmt.Sprintf("%.100q is not a name of this edge; if it should be, its operator adds the name to allowed-host", hostName(r.Host))
		if strings.HasPrefix(r.URL.Path, "/v1/") && r.URL.Path != "/v1/ws" {
			answerError(w, http.StatusMisdirectedRequest, wire.Errorf(wire.CodeForbidden, "%s", text))
			return
		}
		http.Error(w, text, http.StatusMisdirectedRequest)
	})
}

func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// hostAllowed takes localhost and what is below it (RFC 6761, section 6.3), addresses, which nobody can point elsewhere, and the given names, of which
// one may begin with "*." for all names right below.
func hostAllowed(host string, names []string) bool {
	name := hostName(host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	_, parent, below := strings.Cut(name, ".")
	return slices.ContainsFunc(names, func(n string) bool {
		if p, wild := strings.CutPrefix(n, "*."); wild {
			return below && strings.EqualFold(p, parent)
		}
		return strings.EqualFold(n, name)
	})
}
