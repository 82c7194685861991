package serve

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"callmesh/probe/report"
	"callmesh/turnctl/turnauth"
)

const (
	cookieName = "callmesh_probe"
	cookieLife = 12 * time.Hour
	maxForm    = 4 << 10 // bytes
)

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

// right compares digests, so that time tells neither the contents nor the length.
func (s *Server) right(token string) bool {
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.o.Token.Reveal()))
	return hmac.Equal(a[:], b[:])
}

// knows says whether a request shows the token, or a cookie that it was given for it.
func (s *Server) knows(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.right(token)
	}
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, mac, _ := strings.Cut(c.Value, ".")
	at, err := strconv.ParseInt(until, 10, 64)
	return err == nil && hmac.Equal([]byte(mac), []byte(s.sign(until))) && time.Now().Unix() < at
}

func (s *Server) sign(until string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(until))
	return hex.EncodeToString(h.Sum(nil))
}

// told lets the operator hear of wrong tokens, and the log not be filled by whoever sends them. Nobody is shut out for them: behind a proxy all come from one address, and a token
// of [MinToken] bytes is not guessed.
func (s *Server) told(r *http.Request) {
	if s.wrong.Allow() {
		s.o.Logger.Warn("a wrong operator's token was shown", "from", r.RemoteAddr)
	}
}

// only lets those in that show the token.
func (s *Server) only(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.knows(r) {
			if r.Header.Get("Authorization") != "" {
				s.told(r)
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="callmesh probe"`)
			http.Error(w, "show the operator's token as Authorization: Bearer", http.StatusUnauthorized)
			return
		}
		next(w, r)
	})
}

func (s *Server) write(kind string, write func(*report.Report, io.Writer) error) http.HandlerFunc {
	return s.fresh(func(w http.ResponseWriter, _ *http.Request, last *report.Report) {
		s.send(w, kind, func(b *bytes.Buffer) error { return write(last, b) })
	})
}

func (s *Server) form(w http.ResponseWriter, _ *http.Request) {
	s.ask(w, http.StatusOK, "")
}

func (s *Server) ask(w http.ResponseWriter, status int, problem string) {
	var b bytes.Buffer
	if err := report.LoginPage(&b, problem); err != nil {
		http.Error(w, "the page can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // whoever asked is gone
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	token := turnauth.NewSecret(strings.TrimSpace(r.PostFormValue("token")))
	if !s.right(token.Reveal()) {
		s.ask(w, http.StatusUnauthorized, "That is not the token. It is the one that probe serve was started with.")
		s.told(r)
		return
	}
	until := time.Now().Add(cookieLife)
	unix := strconv.FormatInt(until.Unix(), 10)
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: unix + "." + s.sign(unix), Path: "/", Expires: until, HttpOnly: true, Secure: s.o.Secure, SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
