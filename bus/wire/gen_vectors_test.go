package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// generateVectors returns vectors.gen.ts: testdata as TypeScript, each vector typed with what wire.gen.ts says of it. So the
// compiler checks the generated types against the examples, and vitest reads the same ones as the Go tests.
func generateVectors(t *testing.T) []byte {
	var g bytes.Buffer
	fmt.Fprint(&g, "// Generated from bus/wire/testdata by `make gen`; do not edit.\n\n"+
		"import type { AnswerVector, CloseVector, ErrorVector, EventVector, MidVectors, RequestVector } from './vectors'\n\n")
	list(t, &g, "REQUESTS", "RequestVector", readVectors[[]json.RawMessage](t, "requests.json"))

	var oks, errs []json.RawMessage
	for _, raw := range readVectors[[]json.RawMessage](t, "answers.json") {
		var v answerVector
		strictly(t, raw, &v)
		if v.Error != nil {
			errs = append(errs, raw)
		} else {
			oks = append(oks, raw)
		}
	}
	list(t, &g, "ANSWERS", "AnswerVector", oks)
	list(t, &g, "ERRORS", "ErrorVector", errs)
	list(t, &g, "EVENT_VECTORS", "EventVector", readVectors[[]json.RawMessage](t, "events.json"))
	list(t, &g, "CLOSES", "CloseVector", readVectors[[]json.RawMessage](t, "close.json"))
	fmt.Fprintf(&g, "export const MIDS: MidVectors = %s\n", indented(t, readVectors[json.RawMessage](t, "mids.json"), ""))
	return g.Bytes()
}

func list(t *testing.T, g *bytes.Buffer, name, typ string, items []json.RawMessage) {
	t.Helper()
	fmt.Fprintf(g, "export const %s: %s[] = [\n", name, typ)
	for _, item := range items {
		fmt.Fprintf(g, "  %s,\n", indented(t, item, "  "))
	}
	g.WriteString("]\n\n")
}

func indented(t *testing.T, raw []byte, prefix string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, raw, prefix, "  "); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
