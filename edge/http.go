package edge

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"

	"callmesh/bus/wire"
)

// csp lets the page load from and talk to its own origin only; see policy.
const csp = "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

// Handler serves the protocol and the page.
func (e *Edge) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws", e.websocket)
	mux.HandleFunc("POST /v1/guest", e.shared(e.guest))
	mux.HandleFunc("OPTIONS /v1/guest", e.shared(e.preflight))
	mux.HandleFunc("POST /v1/move", e.move)
	mux.HandleFunc("POST /v1/moved", e.moved)
	mux.HandleFunc("GET /v1/config", e.shared(e.config))
	mux.HandleFunc("GET /livez", e.livez)
	mux.HandleFunc("GET /readyz", e.readyz)
	mux.HandleFunc("/v1/", http.NotFound)
	if e.opts.Page != nil {
		mux.Handle("/", page(e.opts.Page))
	}
	return headers(policy(e.opts.Page), e.named(mux))
}

// inline is a script that stands in the page itself.
var inline = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// policy lets scripts run that stand in the page, and no others but its own files.
func policy(files fs.FS) string {
	if files == nil {
		return csp
	}
	page, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return csp // there is nothing in it, then
	}
	hashes := ""
	for _, script := range inline.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(script[1])
		hashes += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return strings.Replace(csp, "'wasm-unsafe-eval'", "'wasm-unsafe-eval'"+hashes, 1)
}

func headers(csp string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), geolocation=()")
		next.ServeHTTP(w, r)
	})
}

// page serves the built files, and the page itself for every other path, as rooms are paths of it.
func page(files fs.FS) http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page can only be read: want GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		info, err := fs.Stat(files, name)
		switch {
		case err == nil && !info.IsDir() && name != "index.html":
			if strings.HasPrefix(name, "assets/") { // their names change with what they hold
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			server.ServeHTTP(w, r)
		case path.Ext(name) != "" && strings.HasPrefix(name, "assets/"):
			http.NotFound(w, r)
		default:
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, files, "index.html")
		}
	})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}

func answerError(w http.ResponseWriter, status int, err *wire.Error) {
	answerJSON(w, status, map[string]*wire.Error{"error": err})
}

func (e *Edge) config(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]any{
		"guests": e.opts.Guests != nil, "region": e.region, "version": e.opts.Version,
	})
}

func (e *Edge) livez(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }

// readyz says whether new sessions should come here.
func (e *Edge) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case e.draining.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
	case !e.bus.Ready():
		http.Error(w, "the bus is not ready", http.StatusServiceUnavailable)
	case !e.rulings.Ready():
		http.Error(w, "what moderators have decided is not known yet", http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, "ok\n")
	}
}
