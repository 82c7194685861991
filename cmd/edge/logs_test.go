package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/auth"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/turnauth"
)

// secrets are what must not be in the log, each by what it is.
type secrets map[string]string

// a makes one that can be recognised, as it is and in base64.
func (s secrets) a(what string) string {
	text := "Q" + strings.ReplaceAll(what, " ", "") + "Zq7"
	s[what] = text
	return text
}

func (s secrets) token(what, token string) string {
	s[what] = token
	s[what+"'s claims"], s[what+"'s signature"] = strings.Split(token, ".")[1], strings.Split(token, ".")[2]
	return token
}

// signed is a token with claims that no signer of ours would write.
func signed(secret, header, claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(header)) + "." + part([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + part(mac.Sum(nil))
}

// At debug level, whatever clients do and whatever breaks: the log has one JSON object per line, with sessions and rooms as fields, and nothing of
// what people say, are called, or prove themselves with.
func TestLogsKeepSecrets(t *testing.T) {
	s := secrets{"auth secret": edgetest.Secret}
	nats := bustest.Cluster(t, 1)
	cfg, err := check(t, "--data-dir", t.TempDir(), "--auth-secret", edgetest.Secret, "--guests", "--turn-secret", s.a("turn secret"),
		"--turn-embedded", "--turn-listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json",
		"--nats-url", strings.Replace(nats.URL(0), "nats://", "nats://user:"+s.a("nats password")+"@", 1),
		"--trace-endpoint", "http://127.0.0.1:1", "--trace-ratio", "1", "--trace-header", "Authorization: Bearer "+s.a("trace key"))
	if err != nil {
		t.Fatal(err)
	}
	var log journal
	n, err := prepare(cfg, cfg.Logger(&log))
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = n.close()
		}
	})
	if err := n.joinMesh(cfg); err != nil {
		t.Fatal(err)
	}
	page, err := n.listen("page", "127.0.0.1:0", nil, n.edge.Handler(), nil)
	if err != nil {
		t.Fatal(err)
	}
	edgetest.Eventually(t, "the edge is ready", n.edge.Ready)
	at := page.Addr.String()
	node := &edgetest.Node{Edge: n.edge, Bus: n.bus, URL: "ws://" + at + "/v1/ws", HTTP: "http://" + at}

	s.strangers(t, node)
	ann := s.talk(t, node)
	nats.ClientProxy(0).Cut()
	nats.ClientProxy(0).Blackhole()
	edgetest.Eventually(t, "the bus is lost", func() bool { return !n.bus.Ready() })
	s.lost(t, ann)
	nats.ClientProxy(0).Heal()
	edgetest.Eventually(t, "the bus is back", n.bus.Ready)
	edgetest.Eventually(t, "the collector's absence is told", func() bool { return strings.Contains(log.String(), "traces can't be sent") })
	drain, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	n.edge.Drain(drain)
	if ended = true; n.close() != nil {
		t.Error("the node did not end well")
	}
	s.read(t, log.String(), string(ann.Peer()))
}

// strangers come with what is no good.
func (s secrets) strangers(t *testing.T, n *edgetest.Node) {
	claims := func(name, more string) string {
		return fmt.Sprintf(`{"sub":%q,"name":%q,"exp":%d%s}`, s.a(name+" sub"), s.a(name+" name"), time.Now().Add(time.Hour).Unix(), more)
	}
	const hs = `{"alg":"HS256"}`
	for what, token := range map[string]string{
		"forged":        signed("another secret than the one that is right", hs, claims("forged", "")),
		"odd header":    signed(edgetest.Secret, `{"alg":"HS256","kid":["`+s.a("odd kid")+`"]}`, claims("odd header", "")),
		"odd algorithm": signed(edgetest.Secret, `{"alg":"`+s.a("odd algorithm name")+`"}`, claims("odd algorithm", "")),
		"odd name":      signed(edgetest.Secret, hs, fmt.Sprintf(`{"sub":"x","name":{"a":%q},"exp":4000000000}`, s.a("name in an object"))),
		"odd expiry":    signed(edgetest.Secret, hs, fmt.Sprintf(`{"sub":"x","exp":%q}`, s.a("expiry as text"))),
		"odd rooms":     signed(edgetest.Secret, hs, claims("odd rooms", `,"moderates":[7,"`+s.a("room with a number")+`"]`)),
		"long name":     signed(edgetest.Secret, hs, fmt.Sprintf(`{"sub":"x","name":%q,"exp":4000000000}`, strings.Repeat(s.a("long name"), 20))),
		"torn":          signed(edgetest.Secret, hs, `{"sub":"`+s.a("torn sub")),
		"unreadable":    signed(edgetest.Secret, `{"alg":"HS256`, claims("unreadable", "")),
	} {
		c := edgetest.Dial(t, n.URL)
		if a := c.Do(wire.OpHello, wire.HelloArgs{Token: s.token("token "+what, token)}); a.Error == nil {
			t.Errorf("a token with %s is good", what)
		}
		c.Cut()
	}
	c := edgetest.Dial(t, n.URL)
	c.Do(wire.OpHello, wire.HelloArgs{Token: s.a("no token at all")})
	for i, frame := range []string{
		`{"id":%d,"op":"hello","token":["` + s.a("token in a list") + `"]}`, `{"id":%d,"op":"` + s.a("unknown op") + `"}`,
	} {
		c := edgetest.Dial(t, n.URL)
		c.Ask(uint64(i+1), fmt.Sprintf(frame, i+1))
		c.Cut()
	}
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/v1/guest", `{"name":"` + s.a("guest name") + `"}`},
		{"POST", "/v1/guest", `{"name":{"` + s.a("guest object") + `":1}}`},
		{"POST", "/v1/guest", `{"name":"` + strings.Repeat(s.a("guest long name"), 30) + `"}`},
		{"GET", "/v1/ws?token=" + s.a("token in a query"), ""},
		{"GET", "/" + s.a("path"), ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), r.method, n.HTTP+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.a("authorization"))
		req.Header.Set("X-Forwarded-For", s.a("forwarded")) // from nobody who is trusted
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
}

// talk goes through what sessions do, and returns one that is in the room.
func (s secrets) talk(t *testing.T, n *edgetest.Node) (ann *edgetest.Client) {
	const room = "the-lobby"
	text := func(what string) json.RawMessage { return json.RawMessage(`{"say":"` + s.a(what) + `"}`) }
	enter := func(what string) *edgetest.Client {
		c := edgetest.Connect(t, n, s.a("user "+what))
		edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: room, Info: text("info of " + what)})
		s["session id of "+what], s["key of "+what] = string(c.Hello.Session), c.Key()
		return c
	}
	ann, bob := enter("ann"), enter("bob")
	for _, op := range []struct {
		op   wire.Op
		args any
	}{
		{wire.OpUpdate, wire.UpdateArgs{Room: room, Info: text("later info")}},
		{wire.OpPost, wire.PostArgs{Room: room, Data: text("post")}},
		{wire.OpPost, wire.PostArgs{Room: room, Data: text("kept post"), Keep: true, Key: s.a("key")}},
		{wire.OpPost, wire.PostArgs{Room: "another", Data: text("post elsewhere")}},
		{wire.OpSignal, wire.SignalArgs{Room: room, To: bob.Peer(), Data: text("signal")}},
		{wire.OpSignal, wire.SignalArgs{Room: room, To: "nobody", Data: text("signal to nobody")}},
		{wire.OpHistory, wire.HistoryArgs{Room: room}},
		{wire.OpPresence, wire.PresenceArgs{Users: []wire.UserID{bob.Hello.User.ID, wire.UserID(s.a("watched user"))}}},
		{wire.OpCall, wire.CallArgs{To: wire.UserID(s.a("absent user")), Media: wire.MediaAudio}},
		{wire.OpReport, wire.ReportArgs{Room: room, Peer: bob.Peer(), Outcome: wire.Outcome{Result: wire.ResultConnected, Network: s.a("network")}}},
		{wire.OpRefresh, wire.RefreshArgs{Token: s.a("refresh token")}},
		{wire.OpRefresh, wire.RefreshArgs{Token: s.token("refresh of another", edgetest.Token(t, s.a("another user"), time.Hour))}},
		{wire.OpICE, wire.ICEArgs{}},
		{wire.OpKick, wire.KickArgs{Room: room, Peer: bob.Peer()}}, // who is no moderator
	} {
		ann.Do(op.op, op.args)
	}
	call := edgetest.Must[wire.CallOK](ann, wire.OpCall, wire.CallArgs{To: bob.Hello.User.ID, Media: wire.MediaVideo})
	bob.Do(wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: true})
	ann.Do(wire.OpHangup, wire.HangupArgs{Call: call.Call})
	ann.Ask(901, `{"id":901,"op":"post","room":"`+room+`","data":1,"`+s.a("member")+`":"`+s.a("member's value")+`"}`)
	ann.Ask(902, `{"id":902,"op":"post","room":7,"data":"`+s.a("post with a bad room")+`"}`)

	last := bob
	bob.Cut()
	bob = last.Resume(n)
	wrong := edgetest.Dial(t, n.URL)
	wrong.Do(wire.OpHello, wire.HelloArgs{
		Token:  edgetest.Token(t, s["user bob"], time.Hour),
		Resume: &wire.Resume{Session: wire.SessionID(s["session id of bob"]), Key: s.a("wrong key"), Seen: map[wire.Source]uint64{}},
	})
	mod := edgetest.Dial(t, n.URL)
	signer, err := auth.NewSigner(turnauth.NewSecret(edgetest.Secret), nil)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := signer.SignModerator(s.a("moderator"), s.a("moderator's name"), time.Hour, []string{room})
	if err != nil {
		t.Fatal(err)
	}
	mod.MustRaw(wire.OpHello, wire.HelloArgs{Token: s.token("moderator's token", token)})
	mod.MustRaw(wire.OpJoin, wire.JoinArgs{Room: room})
	mod.MustRaw(wire.OpKick, wire.KickArgs{Room: room, Peer: bob.Peer()})
	mod.Do(wire.OpLock, wire.LockArgs{Room: room})
	bob.Send([]byte(`{"op":"` + s.a("frame that ends it")))
	bob.CloseCode()
	return ann
}

// lost has a session ask for what can't be had.
func (s secrets) lost(t *testing.T, ann *edgetest.Client) {
	t.Helper()
	for _, op := range []struct {
		op   wire.Op
		args any
	}{
		{wire.OpPost, wire.PostArgs{Room: "the-lobby", Data: json.RawMessage(`"` + s.a("post without a bus") + `"`)}},
		{wire.OpCall, wire.CallArgs{To: wire.UserID(s["user bob"]), Media: wire.MediaAudio}},
	} {
		if a := ann.Do(op.op, op.args); a.Error == nil {
			t.Errorf("%s: got ok", op.op)
		}
	}
}

// read looks through the log.
func (s secrets) read(t *testing.T, log, peer string) {
	t.Helper()
	failed, lines := false, 0
	for line := range strings.Lines(log) {
		lines++
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		for what, secret := range s {
			for _, form := range []string{secret, base64.RawURLEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(line, form) {
					t.Errorf("has the %s: %s", what, line)
				}
			}
		}
		failed = failed || fields["msg"] == "a request failed" && fields["op"] == "post" && fields["session"] == peer && fields["room"] == "the-lobby" && fields["code"] == "unavailable"
	}
	if !failed {
		t.Errorf("no line tells of the request that failed, with its op, session and room:\n%s", log)
	}
	for _, msg := range []string{"a session begins", "a session resumes", "a moderator has kicked", "a session was kicked", "a peer reports an attempt to connect", "the bus is lost; reconnecting"} {
		if !strings.Contains(log, msg) {
			t.Errorf("of %d lines none says %q: is this all of the log?", lines, msg)
		}
	}
}

// An unreachable NATS is told of, and not what this edge would have shown it.
func TestLogsKeepThePasswordOfNATS(t *testing.T) {
	s := secrets{}
	cfg, err := check(t, "--data-dir", t.TempDir(), "--nats-url", "nats://user:"+s.a("nats password")+"@127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	var log journal
	n, err := prepare(cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.close() })
	if err := n.joinMesh(cfg); err != nil {
		t.Fatal(err)
	}
	edgetest.Eventually(t, "a word about NATS", func() bool { return strings.Contains(log.String(), "NATS can't be reached") })
	if strings.Contains(log.String(), s["nats password"]) {
		t.Errorf("the password is in the log:\n%s", log.String())
	}
}
