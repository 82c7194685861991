package wire

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// update is what `make gen` passes.
var update = flag.Bool("update", false, "write the generated TypeScript instead of comparing it")

// TestGoldenTypeScript keeps the page's types and examples equal to those here: a change of the contract that the page has
// not been generated for fails here, and one that the page can't follow fails in its type check.
func TestGoldenTypeScript(t *testing.T) {
	golden(t, "wire.gen.ts", generate(t))
	golden(t, "vectors.gen.ts", generateVectors(t))
}

func golden(t *testing.T, name string, want []byte) {
	t.Helper()
	target := filepath.Join("..", "..", "web", "src", "wire", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what these types generate: run `make gen`; first difference: %s", target, firstDifference(string(got), string(want)))
	}
}
