package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// ask sends a body to a path of the edge, and reads the answer into v.
func ask(t *testing.T, n *edgetest.Node, path, token, body string, v any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.HTTP+path, strings.NewReader(body))
	noError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	noError(t, err)
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	noError(t, err)
	if res.StatusCode != http.StatusOK {
		var no struct{ Error wire.Error }
		if json.Unmarshal(got, &no) != nil || no.Error.Code == "" || no.Error.Message == "" {
			t.Errorf("%s: %d without an error: %s", path, res.StatusCode, got)
		}
		return res.StatusCode
	}
	if v != nil {
		noError(t, json.Unmarshal(got, v))
	}
	return res.StatusCode
}

func TestAGuestWithASecretStaysTheSame(t *testing.T) {
	m := oneNode(t, 2)
	secret := strings.Repeat("A", 42)
	guest := func(n *edgetest.Node, body string) wire.User {
		var ok edge.GuestOK
		if status := ask(t, n, "/v1/guest", "", body, &ok); status != http.StatusOK {
			t.Fatalf("%s: %d", body, status)
		}
		c := edgetest.Dial(t, n.URL)
		if hello := edgetest.Must[wire.HelloOK](c, wire.OpHello, wire.HelloArgs{Token: ok.Token}); hello.User != ok.User {
			t.Errorf("the token is %+v's, want %+v's", hello.User, ok.User)
		}
		return ok.User
	}
	first := guest(m.Edges[0], `{"name":"Ann","secret":"`+secret+`A"}`)
	if again := guest(m.Edges[1], `{"secret":"`+secret+`A","name":"Ann of old"}`); again.ID != first.ID || again.Name != "Ann of old" {
		t.Errorf("the same secret makes %+v, was %+v", again, first)
	}
	if other := guest(m.Edges[1], `{"name":"Ann","secret":"`+secret+`E"}`); other.ID == first.ID {
		t.Error("another secret is the same guest")
	}
	if a, b := guest(m.Edges[0], `{"name":"Ann"}`), guest(m.Edges[0], `{"name":"Ann"}`); a.ID == b.ID {
		t.Error("two guests without a secret are one")
	}
	if strings.Contains(string(first.ID), secret[:8]) || len(first.ID) != len("guest-")+26 {
		t.Errorf("the id is %q", first.ID)
	}
	for what, bad := range map[string]string{
		"empty": "", "31 bytes": secret[:42], "33 bytes": secret + "AA", "padded": secret + "A=", "spare bits": secret + "B", "base64": secret[:41] + "+A", "a line break": secret[:20] + `\n` + secret[20:] + "A",
	} {
		if status := ask(t, m.Edges[0], "/v1/guest", "", `{"name":"Ann","secret":"`+bad+`"}`, nil); status != http.StatusBadRequest {
			t.Errorf("a secret that is %s: %d", what, status)
		}
	}
}

func TestAMoveIsGivenOnce(t *testing.T) {
	m := edgeInEach(t)
	token := edgetest.Token(t, "ann", time.Minute)
	const data = `AZaz09-_`
	for range 5 {
		var kept edge.MoveOK
		if status := ask(t, m.Edges[0], "/v1/move", token, `{"data":"`+data+`"}`, &kept); status != http.StatusOK {
			t.Fatalf("a move: %d", status)
		}
		if left := time.Until(time.UnixMilli(kept.ExpiresAt)); left < 9*time.Minute || left > 11*time.Minute {
			t.Errorf("it waits for %v", left)
		}
		var wg sync.WaitGroup
		var got [4]edge.MovedOK
		var status [4]int
		for i := range got {
			wg.Go(func() {
				status[i] = ask(t, m.Edges[i%2], "/v1/moved", "", `{"code":"`+string(kept.Code)+`"}`, &got[i])
			})
		}
		wg.Wait()
		taken := 0
		for i := range got {
			if status[i] == http.StatusOK && got[i].Data == data {
				taken++
			} else if status[i] != http.StatusGone {
				t.Errorf("whoever was later: %d %q", status[i], got[i].Data)
			}
		}
		if taken != 1 {
			t.Errorf("%d of %d have it", taken, len(got))
		}
	}
	long := strings.Repeat("a", 4096)
	for _, tt := range []struct {
		path, token, body string
		want              int
	}{
		{"/v1/move", "", `{"data":"` + data + `"}`, http.StatusUnauthorized},
		{"/v1/move", token + "x", `{"data":"` + data + `"}`, http.StatusUnauthorized},
		{"/v1/move", edgetest.Token(t, "ann", time.Second)[:20], `{"data":"` + data + `"}`, http.StatusUnauthorized},
		{"/v1/move", token, `{"data":"` + long + `"}`, http.StatusOK},
		{"/v1/move", token, `{"data":"` + long + `a"}`, http.StatusBadRequest},
		{"/v1/move", token, `{"data":""}`, http.StatusBadRequest},
		{"/v1/move", token, `{"data":"a+b"}`, http.StatusBadRequest},
		{"/v1/move", token, `{"data":"a=="}`, http.StatusBadRequest},
		{"/v1/move", token, `{"data":1}`, http.StatusBadRequest},
		{"/v1/move", token, `{"data":"a","for":"bob"}`, http.StatusBadRequest},
		{"/v1/moved", "", `{"code":"eu.*"}`, http.StatusGone},
		{"/v1/moved", "", `{"code":"` + string(wire.NewMoveCode("mars")) + `"}`, http.StatusGone},
		{"/v1/moved", "", `{"code":""}`, http.StatusBadRequest},
		{"/v1/moved", "", `{"code":"` + long + `"}`, http.StatusBadRequest},
		{"/v1/moved", "", `{}{}`, http.StatusBadRequest},
	} {
		if got := ask(t, m.Edges[0], tt.path, tt.token, tt.body, nil); got != tt.want {
			t.Errorf("%s %.40s: %d, want %d", tt.path, tt.body, got, tt.want)
		}
	}
}

func TestMovesAreBounded(t *testing.T) {
	n := oneNode(t, 1, limited(func(l *edge.Limits) { l.LimitLoopback, l.Address.MoveRate, l.Address.MoveBurst = true, 0.001, 3 })).Edges[0]
	token := edgetest.Token(t, "ann", time.Minute)
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusGone, http.StatusTooManyRequests} {
		path, body := "/v1/move", `{"data":"a"}`
		if i >= 2 { // whoever guesses codes has the same bound
			path, body = "/v1/moved", `{"code":"`+string(wire.NewMoveCode("eu"))+`"}`
		}
		if got := ask(t, n, path, token, body, nil); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
	}
	for _, path := range []string{"/v1/move", "/v1/moved"} {
		if res, body := send(t, n, "POST", path, "Origin: https://evil.example.org", "Content-Length: 0", ""); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s from another site: %d %s", path, res.StatusCode, body)
		}
	}
}
