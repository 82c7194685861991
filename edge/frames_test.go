package edge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// badFrame is a frame of the contract's own examples, with the exact answer that it gets.
type badFrame struct {
	Name    string
	Frame   string
	ID      *uint64 // nil where none can be read
	Code    wire.Code
	Message string
}

func badFrames(t *testing.T) []badFrame {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "bus", "wire", "testdata", "bad_requests.json"))
	noError(t, err)
	var list []badFrame
	noError(t, json.Unmarshal(b, &list))
	if len(list) < 90 {
		t.Fatalf("only %d bad frames were read", len(list))
	}
	return list
}

// TestBadFramesAreAnswered sends every bad frame of the contract's examples to an edge. One whose id can be read is answered and the session
// goes on; any other ends the connection, and the words of the close frame say why.
func TestBadFramesAreAnswered(t *testing.T) {
	m := oneNode(t, 1)
	n := m.Edges[0]
	c := edgetest.Connect(t, n, "ann")
	for _, f := range badFrames(t) {
		if f.ID != nil {
			wantError(t, f.Name, c.Ask(*f.ID, f.Frame), f.Code, f.Message)
			continue
		}
		stranger, known := edgetest.Dial(t, n.URL), edgetest.Connect(t, n, "ben")
		for _, other := range []*edgetest.Client{stranger, known} {
			other.Send([]byte(f.Frame))
			wantClose(t, f.Name, other, wire.CloseProtocol, f.Message)
		}
	}
	edgetest.Must[wire.Keyed](c, wire.OpPing, wire.PingArgs{})
}

// TestFramesThatEndTheConnection has those that JSON can't write down.
func TestFramesThatEndTheConnection(t *testing.T) {
	m := oneNode(t, 1)
	text := func(frame string) func(*edgetest.Client) {
		return func(c *edgetest.Client) { c.Send([]byte(frame)) }
	}
	padded := func(bytes int) string {
		head := `{"id":7,"op":"post","room":"r","data":"`
		return head + strings.Repeat("x", bytes-len(head)-2) + `"}`
	}
	for _, tt := range []struct {
		name   string
		send   func(*edgetest.Client)
		code   wire.CloseCode
		reason string
	}{
		{"not JSON", text("hello"), wire.CloseProtocol, "the frame is not JSON: want one object at byte 0"},
		{"binary", func(c *edgetest.Client) { c.SendBinary([]byte(`{"id":1,"op":"ping"}`)) }, wire.CloseProtocol, "frames are text"},
		{"empty binary", func(c *edgetest.Client) { c.SendBinary(nil) }, wire.CloseProtocol, "frames are text"},
		{"one byte too many", text(padded(65537)), wire.CloseTooLarge, "a frame is larger than 65536 bytes"},
		{"a megabyte", text(padded(1 << 20)), wire.CloseTooLarge, "a frame is larger than 65536 bytes"},
		{"large and not JSON", text(strings.Repeat("[", 70000)), wire.CloseTooLarge, "a frame is larger than 65536 bytes"},
		{"deep nesting before the id", text(`{"data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"id":1,"op":"ping"}`), wire.CloseProtocol, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []*edgetest.Client{edgetest.Dial(t, m.Edges[0].URL), edgetest.Connect(t, m.Edges[0], "ann")} {
				tt.send(c)
				wantClose(t, tt.name, c, tt.code, tt.reason)
			}
		})
	}
	c, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "ben")
	join(c, "r")
	join(ben, "r")
	if got := c.Ask(7, padded(65536)); got.Error != nil {
		t.Fatalf("a frame of just the limit: %v", got.Error)
	}
	post := edgetest.Await[wire.PostEvent](ben, wire.EvPost, nil)
	if len(post.Data) < 65000 {
		t.Errorf("of the largest frame %d bytes arrived", len(post.Data))
	}
}

// What is no UTF-8 spoils a frame, and not its id.
func TestFramesThatAreNoUTF8AreAnswered(t *testing.T) {
	m := oneNode(t, 1)
	c := edgetest.Connect(t, m.Edges[0], "ann")
	for name, frame := range map[string]string{
		"a stray byte":         "{\"id\":5,\"op\":\"join\",\"room\":\"\xff\"}",
		"half a character":     "{\"room\":\"r\",\"data\":\"\xc3\",\"op\":\"post\",\"id\":5}",
		"a surrogate in UTF-8": "{\"id\":5,\"op\":\"join\",\"room\":\"\xed\xa0\x80\"}",
	} {
		wantError(t, name, c.Ask(5, frame), wire.CodeBadRequest, "the frame is not valid UTF-8")
	}
	edgetest.Must[wire.Keyed](c, wire.OpPing, wire.PingArgs{})
}

func TestNestingIsBounded(t *testing.T) {
	m := oneNode(t, 1)
	c := edgetest.Connect(t, m.Edges[0], "ann")
	join(c, "r")
	nested := func(depth int, open, end string) string {
		return fmt.Sprintf(`{"id":5,"op":"post","room":"r","data":%s1%s}`, strings.Repeat(open, depth), strings.Repeat(end, depth))
	}
	// The outer object is the first of the 256.
	if got := c.Ask(5, nested(255, "[", "]")); got.Error != nil {
		t.Errorf("as deep as allowed: %v", got.Error)
	}
	for _, frame := range []string{nested(256, "[", "]"), nested(256, `{"a":`, "}"), nested(10000, "[", "]"), nested(5000, `{"a":`, "}")} {
		got := c.Ask(5, frame)
		wantError(t, "too deep", got, wire.CodeBadRequest, "")
		if got.Error != nil && !strings.Contains(got.Error.Message, "256") {
			t.Errorf("the message does not say what would be right: %s", got.Error.Message)
		}
	}
}

func TestBeforeHello(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.HelloTimeout = time.Second }))
	n := m.Edges[0]
	t.Run("another op first", func(t *testing.T) {
		for _, frame := range []string{
			`{"id":3,"op":"ping"}`, `{"id":3,"op":"join","room":"r"}`, `{"id":3,"op":"teleport"}`, `{"id":3,"op":"join"}`,
			fmt.Sprintf(`{"id":3,"op":"refresh","token":%q}`, token(t, "ann")),
		} {
			c := edgetest.Dial(t, n.URL)
			wantError(t, frame, c.Ask(3, frame), wire.CodeUnauthorized, "the first request must be hello")
			wantClose(t, frame, c, wire.CloseProtocol, "the first request must be hello")
		}
	})
	t.Run("a bad hello may be mended", func(t *testing.T) {
		c := edgetest.Dial(t, n.URL)
		wantError(t, "hello", c.Ask(3, `{"id":3,"op":"hello"}`), wire.CodeBadRequest, "token is missing")
		wantError(t, "hello", c.Ask(4, `{"id":4}`), wire.CodeBadRequest, "op is missing")
		if got := c.Ask(5, fmt.Sprintf(`{"id":5,"op":"hello","token":%q,"resume":null}`, token(t, "ann"))); got.Error != nil {
			t.Errorf("a good hello after bad ones: %v", got.Error)
		}
		wantError(t, "a second hello", c.Ask(6, fmt.Sprintf(`{"id":6,"op":"hello","token":%q}`, token(t, "ann"))), wire.CodeBadRequest, "the session has said hello already")
		edgetest.Must[wire.Keyed](c, wire.OpPing, wire.PingArgs{})
	})
	t.Run("too many bad frames", func(t *testing.T) {
		c := edgetest.Dial(t, n.URL)
		for id := range uint64(8) {
			wantError(t, "bad hello", c.Ask(id, fmt.Sprintf(`{"id":%d,"op":"hello","token":1}`, id)), wire.CodeBadRequest, "token: want a string")
		}
		wantClose(t, "the last", c, wire.CloseProtocol, "too many bad frames instead of a hello")
	})
	t.Run("no hello in time", func(t *testing.T) {
		silent, bad := edgetest.Dial(t, n.URL), edgetest.Dial(t, n.URL)
		wantError(t, "bad hello", bad.Ask(1, `{"id":1,"op":"hello"}`), wire.CodeBadRequest, "") // which is no hello
		wantClose(t, "silent", silent, wire.CloseNoHello, "no hello in time")
		wantClose(t, "bad", bad, wire.CloseNoHello, "no hello in time")
	})
}

// argument is one argument of an op: a good value, and one of a wrong type.
type argument struct {
	name, good, bad string
	optional        bool
}

const peerArg = `"abcdefghij234567"`

var opArguments = map[wire.Op][]argument{
	wire.OpHello:    {{"token", `"t"`, `1`, false}, {"resume", `null`, `"x"`, true}},
	wire.OpPing:     {},
	wire.OpJoin:     {{"room", `"r"`, `{}`, false}, {"info", `1`, "", true}, {"pass", `"p"`, `1`, true}},
	wire.OpUpdate:   {{"room", `"r"`, `["r"]`, false}, {"info", `1`, "", false}},
	wire.OpLeave:    {{"room", `"r"`, `null`, false}},
	wire.OpSignal:   {{"room", `"r"`, `true`, false}, {"to", peerArg, `7`, false}, {"data", `1`, "", false}, {"key", `"k"`, `1`, true}},
	wire.OpPost:     {{"room", `"r"`, `1`, false}, {"data", `1`, "", false}, {"keep", `true`, `1`, true}, {"key", `"k"`, `null`, true}},
	wire.OpHistory:  {{"room", `"r"`, `1`, false}, {"before", `"q3v7k2mhbx5zi:42"`, `42`, true}, {"limit", `5`, `"5"`, true}},
	wire.OpCall:     {{"to", `"nobody"`, `[]`, false}, {"media", `"audio"`, `1`, false}, {"room", `"r"`, `null`, true}},
	wire.OpAnswer:   {{"call", `"c"`, `1`, false}, {"accept", `false`, `"true"`, false}, {"reason", `"busy"`, `false`, true}},
	wire.OpHangup:   {{"call", `"c"`, `null`, false}},
	wire.OpPresence: {{"users", `["bob"]`, `{"bob":true}`, false}},
	wire.OpICE:      {},
	wire.OpReport:   {{"room", `"r"`, `1`, false}, {"peer", peerArg, `1`, false}, {"outcome", `{}`, `[]`, false}},
	wire.OpRefresh:  {{"token", `"t"`, `{}`, false}},
	wire.OpKick:     {{"room", `"r"`, `1`, true}, {"user", `"bob"`, `null`, true}, {"forSeconds", `5`, `"5"`, true}},
	wire.OpLock:     {{"room", `"r"`, `{}`, false}, {"locked", `true`, `1`, false}},
	wire.OpContacts: {},
	wire.OpContact:  {{"user", `"bob"`, `1`, false}, {"action", `"add"`, `"accept"`, false}, {"invite", `"i"`, `null`, true}},
	wire.OpInvite:   {},
	wire.OpInvited:  {{"code", `"c"`, `1`, false}},
	wire.OpModerate: {{"room", `"r"`, `1`, false}, {"secret", `"sixteen letters."`, `"short"`, false}},
	wire.OpKnock:    {{"room", `"r"`, `[]`, false}},
	wire.OpAdmit:    {{"room", `"r"`, `1`, false}, {"peer", peerArg, `1`, false}, {"accept", `true`, `1`, false}},
}

func frameOf(op wire.Op, members map[string]string, after string) string {
	b := fmt.Sprintf(`{"id":9,"op":%q`, op)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		b += fmt.Sprintf(",%q:%s", name, members[name])
	}
	return b + after + "}"
}

// TestEveryArgumentIsChecked takes each op through a missing, a wrong, a repeated and an unknown argument.
func TestEveryArgumentIsChecked(t *testing.T) {
	m := oneNode(t, 1)
	c := edgetest.Connect(t, m.Edges[0], "ann")
	for i := range wire.Ops {
		op := wire.Ops[i].Op
		list, ok := opArguments[op]
		if !ok {
			t.Errorf("no arguments are listed for %s", op)
			continue
		}
		all := map[string]string{}
		for _, a := range list {
			all[a.name] = a.good
		}
		if got := c.Ask(9, frameOf(op, all, "")); got.Error != nil && got.Error.Code == wire.CodeBadRequest && op != wire.OpHello && op != wire.OpKnock { // there is nothing to knock at
			t.Errorf("%s with all arguments: %v", op, got.Error)
		}
		for _, a := range list {
			without := maps.Clone(all)
			delete(without, a.name)
			got := c.Ask(9, frameOf(op, without, ""))
			switch missing := got.Error != nil && got.Error.Message == a.name+" is missing"; {
			case a.optional && missing:
				t.Errorf("%s without the optional %s: %v", op, a.name, got.Error)
			case !a.optional:
				wantError(t, string(op)+" without "+a.name, got, wire.CodeBadRequest, a.name+" is missing")
			}
			wantError(t, string(op)+" with two of "+a.name, c.Ask(9, frameOf(op, all, fmt.Sprintf(",%q:%s", a.name, a.good))),
				wire.CodeBadRequest, fmt.Sprintf("%q stands twice in the frame", a.name))
			if a.bad == "" {
				continue
			}
			without[a.name] = a.bad
			got = c.Ask(9, frameOf(op, without, ""))
			wantError(t, string(op)+" with a wrong "+a.name, got, wire.CodeBadRequest, "")
			if got.Error != nil && !strings.HasPrefix(got.Error.Message, a.name+": want ") {
				t.Errorf("%s with a wrong %s: %q does not say what would be right", op, a.name, got.Error.Message)
			}
		}
		wantError(t, string(op)+" with an unknown argument", c.Ask(9, frameOf(op, all, `,"zeal":1`)), wire.CodeBadRequest, fmt.Sprintf("%s has no argument %q", op, "zeal"))
		wantError(t, string(op)+" with a misspelt case", c.Ask(9, frameOf(op, all, `,"Room":"r"`)), wire.CodeBadRequest, fmt.Sprintf("%s has no argument %q", op, "Room"))
	}
}
