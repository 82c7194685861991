package wire

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// goSource is what reflection can't tell about this package: its comments, and which constants a type has.
type goSource struct {
	types  map[string]string    // doc of a type
	fields map[string]string    // doc of a field, by Type.Field
	json   map[string]string    // name of a field on the wire, by Type.Field
	consts map[string]string    // value of a string constant, by its name
	enums  map[string][]enumVal // constants of a type, in the order of the code
}

type enumVal struct {
	value string
	doc   string
}

// parseSource reads the package's own files.
func parseSource(t *testing.T) *goSource {
	t.Helper()
	s := &goSource{
		types: map[string]string{}, fields: map[string]string{}, json: map[string]string{},
		consts: map[string]string{}, enums: map[string][]enumVal{},
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, entry.Name(), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok {
				s.declaration(gen)
			}
		}
	}
	return s
}

func (s *goSource) declaration(gen *ast.GenDecl) {
	for _, spec := range gen.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.types[spec.Name.Name] = docText(spec.Doc, gen.Doc)
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					for _, name := range f.Names {
						path := spec.Name.Name + "." + name.Name
						s.fields[path] = docText(f.Doc, f.Comment)
						if f.Tag != nil {
							tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
							s.json[path] = tag
						}
					}
				}
			}
		case *ast.ValueSpec:
			if gen.Tok == token.CONST {
				s.constant(spec)
			}
		}
	}
}

func (s *goSource) constant(spec *ast.ValueSpec) {
	typ, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	lit, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	s.consts[spec.Names[0].Name] = value
	s.enums[typ.Name] = append(s.enums[typ.Name], enumVal{value, docText(spec.Doc, spec.Comment)})
}

// docText returns the first comment that is there, as one paragraph.
func docText(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

var (
	docLink  = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
	docField = regexp.MustCompile(`\b[A-Z][A-Za-z]+\.[A-Z][A-Za-z]+\b`)
	docWord  = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)
)

// jsdoc turns Go's links and names in a comment on typ into what a reader of the TypeScript can look up.
func (s *goSource) jsdoc(typ, doc string) string {
	doc = docLink.ReplaceAllStringFunc(doc, func(link string) string {
		name := strings.Trim(link, "[]")
		if value, ok := s.consts[name]; ok {
			return "`" + value + "`"
		}
		return name
	})
	doc = docField.ReplaceAllStringFunc(doc, func(path string) string {
		if name := s.json[path]; name != "" {
			path = "`" + path[:strings.Index(path, ".")+1] + name + "`"
		}
		return path
	})
	first := true
	return docWord.ReplaceAllStringFunc(doc, func(word string) string {
		opening := first
		first = false
		if name := s.json[typ+"."+word]; name != "" && !opening {
			return "`" + name + "`"
		}
		if _, ok := s.types[word]; ok {
			return tsName(word)
		}
		return word
	})
}

// firstDifference names the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var gl, wl string
		if i < len(g) {
			gl = g[i]
		}
		if i < len(w) {
			wl = w[i]
		}
		if gl != wl {
			return fmt.Sprintf("line %d is %q, want %q", i+1, gl, wl)
		}
	}
	return "none"
}
