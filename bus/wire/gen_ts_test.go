package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// generator writes TypeScript for the types that requests, answers and events reach.
type generator struct {
	bytes.Buffer
	t     *testing.T
	src   *goSource
	queue []reflect.Type // met, not yet written
	done  map[string]bool
}

const tsHeader = `// Generated from bus/wire by ` + "`make gen`" + `; do not edit. The contract in prose is bus/wire/PROTOCOL.md.

`

// generate returns the whole of wire.gen.ts.
func generate(t *testing.T) []byte {
	g := &generator{t: t, src: parseSource(t), done: map[string]bool{}}
	g.WriteString(tsHeader)
	g.constants()
	g.requests()
	g.events()
	g.shared()
	return g.Bytes()
}

func (g *generator) constants() {
	g.doc("", "", "The WebSocket subprotocol that a client offers and an edge selects (RFC 6455, section 1.9).")
	fmt.Fprintf(g, "export const SUBPROTOCOL = '%s'\n\n", Subprotocol)
	g.doc("", "", "Bounds one frame in either direction.")
	fmt.Fprintf(g, "export const MAX_FRAME_BYTES = %d\n\n", MaxFrameBytes)
	g.doc("", "", "Bounds of ids and of a message's key, in bytes of UTF-8.")
	fmt.Fprintf(g, "export const MAX_ROOM_BYTES = %d\nexport const MAX_USER_BYTES = %d\nexport const MAX_KEY_BYTES = %d\n\n", MaxRoomBytes, MaxUserBytes, MaxKeyBytes)

	g.doc("", "", "Error codes. `unavailable` and `internal` mean that delivery is unknown; every other code means that nothing was delivered.")
	g.list("ERROR_CODES", "ErrorCode", toStrings(Codes))
	g.doc("", "", "What an edge answers instead of ok.")
	g.WriteString("export interface ErrorBody {\n  code: ErrorCode\n  message: string\n}\n\n")

	g.doc("", "", "Close codes. 4000-4099: reconnect and resume; 4100-4199: reconnect with a new hello; 4400-4499: do not retry.")
	g.WriteString("export const CLOSE = {\n")
	for _, c := range CloseCodes {
		fmt.Fprintf(g, "  %s: %d,\n", c.Name, c.Code)
	}
	g.WriteString("} as const\n\n")
}

// requests writes the map of ops and every op's two types, aliases included, so that each op has its Args and its Ok.
func (g *generator) requests() {
	names := make([]string, 0, len(Ops))
	g.WriteString("export interface Ops {\n")
	for _, op := range Ops {
		names = append(names, string(op.Op))
		fmt.Fprintf(g, "  %s: { args: %sArgs; ok: %sOk }\n", op.Op, title(string(op.Op)), title(string(op.Op)))
	}
	g.WriteString("}\n\n")
	g.list("OPS", "Op", names)
	for _, op := range Ops {
		g.named(title(string(op.Op))+"Args", reflect.TypeOf(op.Args))
		g.named(title(string(op.Op))+"Ok", reflect.TypeOf(op.OK))
	}
}

// named writes typ, or an alias of it where Go's name is another.
func (g *generator) named(name string, typ reflect.Type) {
	if tsName(typ.Name()) == name {
		g.declare(typ, "")
		return
	}
	fmt.Fprintf(g, "export type %s = %s\n\n", name, g.ref(typ))
}

func (g *generator) events() {
	names := make([]string, 0, len(Events))
	g.WriteString("export interface Events {\n")
	for _, ev := range Events {
		names = append(names, string(ev.Event))
		fmt.Fprintf(g, "  %s: %s\n", ev.Event, tsName(reflect.TypeOf(ev.Frame).Name()))
	}
	g.WriteString("}\n\n")
	g.list("EVENTS", "EventName", names)
	g.WriteString("export type AnyEvent = Events[EventName]\n\n")
	for _, ev := range Events {
		g.declare(reflect.TypeOf(ev.Frame), string(ev.Event))
	}
}

// shared writes what the types so far mention, until nothing new is mentioned.
func (g *generator) shared() {
	for len(g.queue) > 0 {
		typ := g.queue[0]
		g.queue = g.queue[1:]
		g.declare(typ, "")
	}
	g.Truncate(len(bytes.TrimRight(g.Bytes(), "\n")) + 1)
}

// declare writes one type. ev is the event's name if the type is an event: it becomes the type of the member ev, so that a
// switch over it narrows.
func (g *generator) declare(typ reflect.Type, ev string) {
	name := tsName(typ.Name())
	if g.done[name] {
		return
	}
	g.done[name] = true
	g.doc("", typ.Name(), g.src.types[typ.Name()])
	if typ == reflect.TypeFor[Mid]() || typ == reflect.TypeFor[Source]() {
		g.stringType(name, nil) // a struct and a number in Go, text on the wire
		return
	}
	switch typ.Kind() {
	case reflect.Struct:
		if typ.NumField() == 0 {
			fmt.Fprintf(g, "export type %s = Record<string, never>\n\n", name)
			return
		}
		fmt.Fprintf(g, "export interface %s {\n", name)
		g.members(typ, ev)
		g.WriteString("}\n\n")
	case reflect.String:
		g.stringType(name, g.src.enums[typ.Name()])
	default:
		g.t.Fatalf("no TypeScript form is known for %s: give it one in gen_ts_test.go", typ)
	}
}

func (g *generator) stringType(name string, values []enumVal) {
	if len(values) == 0 {
		fmt.Fprintf(g, "export type %s = string\n\n", name)
		return
	}
	fmt.Fprintf(g, "export type %s =\n", name)
	for _, v := range values {
		fmt.Fprintf(g, "  | '%s'", v.value)
		if v.doc != "" {
			fmt.Fprintf(g, " // %s", g.src.jsdoc("", v.doc))
		}
		g.WriteByte('\n')
	}
	g.WriteByte('\n')
}

func (g *generator) members(typ reflect.Type, ev string) {
	for f := range typ.Fields() {
		tag := f.Tag.Get("json")
		if f.Anonymous && tag == "" {
			g.members(f.Type, ev)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" || name == "-" {
			g.t.Fatalf("%s.%s has no JSON name", typ.Name(), f.Name)
		}
		g.doc("  ", typ.Name(), g.src.fields[typ.Name()+"."+f.Name])
		optional := ""
		if strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") {
			optional = "?"
		}
		ref := g.ref(f.Type)
		if name == "ev" {
			ref = "'" + ev + "'"
		}
		fmt.Fprintf(g, "  %s%s: %s\n", name, optional, ref)
	}
}

// ref names a type as a member's type, and queues it to be written.
func (g *generator) ref(typ reflect.Type) string {
	switch typ {
	case reflect.TypeFor[json.RawMessage]():
		return "unknown"
	case reflect.TypeFor[Code]():
		return "ErrorCode"
	case reflect.TypeFor[Event]():
		return "EventName"
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return g.ref(typ.Elem())
	case reflect.Slice:
		return g.ref(typ.Elem()) + "[]"
	case reflect.Map:
		return "Record<" + g.ref(typ.Key()) + ", " + g.ref(typ.Elem()) + ">"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		if typ.PkgPath() == "" {
			return "number"
		}
	case reflect.String:
		if typ.PkgPath() == "" {
			return "string"
		}
	}
	if name := tsName(typ.Name()); !g.done[name] && !slices.Contains(g.queue, typ) {
		g.queue = append(g.queue, typ)
	}
	return tsName(typ.Name())
}

// list writes a constant array and the union of what is in it.
func (g *generator) list(array, union string, values []string) {
	fmt.Fprintf(g, "export const %s = [\n", array)
	for _, v := range values {
		fmt.Fprintf(g, "  '%s',\n", v)
	}
	fmt.Fprintf(g, "] as const\n\nexport type %s = (typeof %s)[number]\n\n", union, array)
}

func (g *generator) doc(indent, typ, doc string) {
	if doc != "" {
		fmt.Fprintf(g, "%s/** %s */\n", indent, g.src.jsdoc(typ, doc))
	}
}

func toStrings[T ~string](list []T) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// tsName follows the custom of TypeScript, where abbreviations are words.
func tsName(name string) string {
	name = strings.Replace(name, "ICE", "Ice", 1)
	for _, abbreviation := range []string{"OK", "ID"} {
		if rest, ok := strings.CutSuffix(name, abbreviation); ok {
			name = rest + title(strings.ToLower(abbreviation))
		}
	}
	return name
}
