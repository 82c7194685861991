package edge_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// unsigned makes a token that claims to need no signature.
func unsigned(header, claims string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
}

func TestBadTokens(t *testing.T) {
	m := oneNode(t, 1)
	good := token(t, "ann")
	mac := good[strings.LastIndexByte(good, '.')+1:]
	for _, tt := range []struct{ name, token, message string }{
		{"empty", "", "the token is missing"},
		{"no token", "rubbish", "this is not a token: a JWT has three parts with dots between"},
		{"expired", sign(t, edgetest.Secret, "ann", time.Now().Add(-time.Hour), time.Minute), "the token has expired"},
		{"just expired", sign(t, edgetest.Secret, "ann", time.Now().Add(-2*time.Second), time.Second), "the token has expired"},
		{"another secret", sign(t, "another secret of thirty-two or more bytes", "ann", time.Now(), time.Hour), "the signature does not fit"},
		{"claims changed", strings.Split(good, ".")[0] + "." + strings.Split(unsigned("", `{"sub":"eve","exp":9999999999}`), ".")[1] + "." + mac, "the signature does not fit"},
		{"alg none", unsigned(`{"alg":"none"}`, `{"sub":"ann","exp":9999999999}`), "the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA"},
		{"alg None", unsigned(`{"alg":"None"}`, `{"sub":"ann","exp":9999999999}`), "the token's algorithm is not accepted; sign with HS256, RS256, ES256 or EdDSA"},
		{"no keys for RS256", unsigned(`{"alg":"RS256"}`, `{"sub":"ann","exp":9999999999}`), "RS256 tokens are not accepted here"},
		{"in the future", sign(t, edgetest.Secret, "ann", time.Now().Add(time.Hour), time.Hour), "the token was issued in the future; check the clocks"},
		{"too long", strings.Repeat("x", 9<<10), "the token has 9216 bytes; at most 8192 are allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, a := hello(t, m.Edges[0], wire.HelloArgs{Token: tt.token})
			wantError(t, "hello", a, wire.CodeUnauthorized, tt.message)
			wantClose(t, "hello", c, wire.CloseBadToken, tt.message)
		})
	}
}

// TestTokenExpiresInMidSession also holds refresh to its word: who brought a later token in time stays.
func TestTokenExpiresInMidSession(t *testing.T) {
	m := oneNode(t, 1)
	n := m.Edges[0]
	brief := func(user string) *edgetest.Client {
		c, a := hello(t, n, wire.HelloArgs{Token: sign(t, edgetest.Secret, user, time.Now(), 3*time.Second)})
		if a.Error != nil {
			t.Fatal(a.Error)
		}
		return c
	}
	stays, goes := brief("ann"), brief("ben")
	later := token(t, "ann")
	before := time.Now()
	ok := edgetest.Must[wire.RefreshOK](stays, wire.OpRefresh, wire.RefreshArgs{Token: later})
	if got := time.UnixMilli(ok.ExpiresAt).Sub(before); got < 59*time.Minute || got > time.Hour {
		t.Errorf("the session lasts %s after a refresh by a token of an hour", got)
	}
	wantError(t, "refresh with a bad token", stays.Do(wire.OpRefresh, wire.RefreshArgs{Token: "x.y.z"}), wire.CodeUnauthorized, "the token's header cannot be read")
	wantError(t, "refresh with an expired token", stays.Do(wire.OpRefresh, wire.RefreshArgs{Token: sign(t, edgetest.Secret, "ann", time.Now().Add(-time.Hour), time.Minute)}),
		wire.CodeUnauthorized, "the token has expired")
	wantError(t, "refresh with another user's token", stays.Do(wire.OpRefresh, wire.RefreshArgs{Token: token(t, "ben")}), wire.CodeForbidden,
		"the token is another user's: say hello with it on a new connection")
	wantClose(t, "expired", goes, wire.CloseTokenExpired, "the token has expired: say hello with a fresh one")
	last := brief("cid") // when this one expires, a sweep after the first has passed the session that stays
	wantClose(t, "expired", last, wire.CloseTokenExpired, "")
	edgetest.Must[wire.Keyed](stays, wire.OpPing, wire.PingArgs{})
}

func TestExpiredSessionLeavesItsRooms(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Grace = time.Second }))
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "ben")
	join(ben, "r")
	join(ann, "r")
	edgetest.Eventually(t, "ann has a token that will soon expire, and has not yet", func() bool {
		return ann.Do(wire.OpRefresh, wire.RefreshArgs{Token: sign(t, edgetest.Secret, "ann", time.Now(), 2*time.Second)}).Error == nil
	})
	edgetest.Await(ben, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Reason == wire.ReasonExpired })
	wantClose(t, "expired", ann, wire.CloseTokenExpired, "")
}

// post sends a guest's body and returns the status and what it came to.
func postGuest(t *testing.T, n *edgetest.Node, body string) (int, http.Header, string) {
	t.Helper()
	res, err := http.Post(n.HTTP+"/v1/guest", "application/json", strings.NewReader(body))
	noError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	noError(t, err)
	return res.StatusCode, res.Header, string(b)
}

func TestGuests(t *testing.T) {
	m := oneNode(t, 1)
	n := m.Edges[0]
	status, header, body := postGuest(t, n, `{"name":" 王 Ann "}`)
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("a guest gets %d, %v", status, header)
	}
	var ok edge.GuestOK
	noError(t, json.Unmarshal([]byte(body), &ok))
	if ok.User.Name != "王 Ann" || !strings.HasPrefix(string(ok.User.ID), "guest-") || time.Until(time.UnixMilli(ok.ExpiresAt)) < time.Hour {
		t.Errorf("a guest gets %+v", ok)
	}
	c, a := hello(t, n, wire.HelloArgs{Token: ok.Token})
	if a.Error != nil {
		t.Fatalf("the guest's token: %v", a.Error)
	}
	var greeted wire.HelloOK
	noError(t, json.Unmarshal(a.OK, &greeted))
	if greeted.User != ok.User {
		t.Errorf("the guest is greeted as %+v, want %+v", greeted.User, ok.User)
	}
	c.Close()
	if _, _, other := postGuest(t, n, `{"name":" 王 Ann "}`); strings.Contains(other, string(ok.User.ID)) {
		t.Error("two guests of one name are one user")
	}
	const form = `want one object {"name":"…"} of at most 1024 bytes`
	for _, tt := range []struct{ name, body, message string }{
		{"empty body", ``, form},
		{"not JSON", `name=Ann`, form},
		{"an array", `["Ann"]`, form},
		{"two objects", `{"name":"Ann"}{}`, form},
		{"an unknown member", `{"name":"Ann","admin":true}`, form},
		{"a wrong type", `{"name":1}`, form},
		{"too large", `{"name":"` + strings.Repeat("x", 2000) + `"}`, form},
		{"too large by blanks", `{"name":"Ann"` + strings.Repeat(" ", 2000) + `}`, form},
		{"too large at its end", `{"name":"Ann"}` + strings.Repeat(" ", 2000), form},
		{"no name", `{}`, "name is empty: want 1 to 64 characters"},
		{"blank name", `{"name":" \t "}`, "name is empty: want 1 to 64 characters"},
		{"long name", `{"name":"` + strings.Repeat("é", 65) + `"}`, "name: want 1 to 64 characters without control characters"},
		{"control character", `{"name":"a\u0000b"}`, "name: want 1 to 64 characters without control characters"},
		{"turned writing", `{"name":"a\u202eb"}`, "name: want 1 to 64 characters without control characters"},
	} {
		status, _, body := postGuest(t, n, tt.body)
		var e struct{ Error *wire.Error }
		if err := json.Unmarshal([]byte(body), &e); err != nil || e.Error == nil {
			t.Errorf("%s: %d %q holds no error", tt.name, status, body)
			continue
		}
		if status != http.StatusBadRequest || e.Error.Code != wire.CodeBadRequest || e.Error.Message != tt.message {
			t.Errorf("%s: got %d %v, want 400 %q", tt.name, status, e.Error, tt.message)
		}
	}
}

func TestNoGuests(t *testing.T) {
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.Guests = nil })
	status, _, body := postGuest(t, m.Edges[0], `{"name":"Ann"}`)
	if want := `{"error":{"code":"forbidden","message":"guests are not allowed here: sign in"}}`; status != http.StatusForbidden || strings.TrimSpace(body) != want {
		t.Errorf("got %d %s, want 403 %s", status, body, want)
	}
	res, err := http.Get(m.Edges[0].HTTP + "/v1/config")
	noError(t, err)
	defer func() { _ = res.Body.Close() }()
	var config struct{ Guests bool }
	noError(t, json.NewDecoder(res.Body).Decode(&config))
	if config.Guests {
		t.Error("the config offers guests")
	}
}
