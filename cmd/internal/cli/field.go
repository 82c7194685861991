package cli

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"callmesh/turnctl/turnauth"
)

// A field is one key of a configuration, read from the tags of a struct's field:
//
//	key      its name in the file and as a flag, as in "drain-timeout"
//	default  its value when nobody gives one; none means the zero value
//	help     what it is for, in one or two sentences
//	want     what a value has to be, to end the sentence "X is not ..."; for texts with a form
//	example  a value that would do, for messages and the default file
//	oneof    the values that there are, with commas between
//
// The field's type says the rest: string, bool, int, uint16, time.Duration, turnauth.Secret,
// anything with UnmarshalText, or a slice of strings or of those.
type field struct {
	key, def, help, want, example string
	oneof                         []string
	index                         []int // of the struct's field; nil for the -file key of a secret
	typ                           reflect.Type
}

var (
	typeSecret   = reflect.TypeFor[turnauth.Secret]()
	typeDuration = reflect.TypeFor[time.Duration]()
	typeText     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (f field) env() string { return envPrefix + strings.ToUpper(strings.ReplaceAll(f.key, "-", "_")) }

func (f field) secret() bool { return f.typ == typeSecret }

// list says whether the key takes several values.
func (f field) list() bool {
	return f.typ.Kind() == reflect.Slice && !reflect.PointerTo(f.typ).Implements(typeText)
}

// kind names the type for --help.
func (f field) kind() string {
	t := f.typ
	if f.list() {
		t = t.Elem()
	}
	switch {
	case f.secret():
		return "secret"
	case len(f.oneof) > 0:
		return strings.Join(f.oneof, "|")
	case t == typeDuration:
		return "duration"
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Uint16:
		return "number"
	}
	return "text"
}

// fields lists the keys of a configuration in the order of its struct, embedded structs included. A
// struct that does not fit is a mistake in the program, so it panics.
func fields(config any) []field {
	t := reflect.TypeOf(config)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("cli: %T is not a pointer to a struct", config))
	}
	return structFields(t.Elem(), nil)
}

func structFields(t reflect.Type, at []int) []field {
	var list []field
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), at...), i)
		if sf.Anonymous {
			list = append(list, structFields(sf.Type, index)...)
			continue
		}
		if !sf.IsExported() {
			continue // the program's own
		}
		f := field{
			key: sf.Tag.Get("key"), def: sf.Tag.Get("default"), help: sf.Tag.Get("help"),
			want: sf.Tag.Get("want"), example: sf.Tag.Get("example"), index: index, typ: sf.Type,
		}
		if s := sf.Tag.Get("oneof"); s != "" {
			f.oneof = strings.Split(s, ",")
		}
		if f.key == "" || f.help == "" {
			panic(fmt.Sprintf("cli: field %s of %s lacks its key or help tag", sf.Name, t))
		}
		list = append(list, f)
		if f.secret() {
			list = append(list, field{
				key: f.key + fileSuffix, typ: reflect.TypeFor[string](), example: "/etc/callmesh/" + f.key,
				help: "File that holds " + f.key + ", in place of the key itself.",
			})
		}
	}
	return list
}

// fileSuffix makes the key of the file that holds a secret out of the secret's key.
const fileSuffix = "-file"
