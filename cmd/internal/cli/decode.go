package cli

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"

	"callmesh/turnctl/turnauth"
)

// decode puts a value from any source, a text or a list of texts, into the struct's field.
func (f field) decode(value any, into reflect.Value) error {
	var list []string
	switch value := value.(type) {
	case string:
		if list = []string{value}; f.list() {
			list = split(value)
		}
	case []string:
		list = value
	}
	if !f.list() {
		if len(list) != 1 {
			return errors.New("takes one value")
		}
		return f.decodeOne(list[0], into)
	}
	into.SetZero()
	for _, s := range list {
		e := reflect.New(f.typ.Elem()).Elem()
		if err := f.decodeOne(s, e); err != nil {
			return err
		}
		into.Set(reflect.Append(into, e))
	}
	return nil
}

func (f field) decodeOne(s string, into reflect.Value) error {
	if s == "" && f.def == "" && into.Kind() != reflect.String {
		into.SetZero() // nothing given
		return nil
	}
	if len(f.oneof) > 0 && !slices.Contains(f.oneof, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(f.oneof, ", "))
	}
	if t, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if t.UnmarshalText([]byte(s)) != nil {
			return f.not(s, f.want)
		}
		return nil
	}
	switch {
	case into.Type() == typeDuration:
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return f.not(s, "a duration with its unit")
		}
		into.SetInt(int64(d))
	case into.Kind() == reflect.String:
		into.SetString(s)
	case into.Kind() == reflect.Bool:
		if s != "true" && s != "false" {
			return fmt.Errorf("%q is not true or false", s)
		}
		into.SetBool(s == "true")
	case into.Kind() == reflect.Int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return f.not(s, "a whole number")
		}
		into.SetInt(int64(n))
	case into.Kind() == reflect.Uint16:
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return f.not(s, "a whole number from 0 to 65535")
		}
		into.SetUint(n)
	default:
		panic(fmt.Sprintf("cli: key %s has a type that cannot be read: %s", f.key, into.Type()))
	}
	return nil
}

// not says what a value is not, and what would do.
func (f field) not(s, want string) error {
	example := f.example
	if example == "" {
		example = f.def
	}
	return fmt.Errorf("%q is not %s; write it like %s", s, want, example)
}

// maxSecret bounds the file of a secret, in bytes.
const maxSecret = 64 << 10

// decodeSecret takes a secret from its key or from the file that its -file key names, whichever
// stands in the weightier source, and returns that file.
func (p *Problems) decodeSecret(f field, v *viper.Viper, into reflect.Value) (path string) {
	fileKey := f.key + fileSuffix
	value, file := p.origin(f.key), p.origin(fileKey)
	var text string
	switch {
	case value.layer == layerDefault && file.layer == layerDefault:
		return ""
	case value.layer == file.layer:
		p.Wrong(f.key, "given together with %s; give one of them", file.where(fileKey))
		return ""
	case value.layer > file.layer:
		text, _ = v.Get(f.key).(string)
		if list, ok := v.Get(f.key).([]string); ok && len(list) == 1 {
			text = list[0]
		}
	default:
		switch value := v.Get(fileKey).(type) {
		case string:
			path = value
		case []string:
			path = value[0]
		}
		var err error
		if text, err = readSecret(path); err != nil {
			p.Wrong(fileKey, "%s", err)
			return ""
		}
	}
	into.Set(reflect.ValueOf(turnauth.NewSecret(text)))
	return path
}

// readSecret reads a secret without the line end that editors put after it.
func readSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	b, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("%s is longer than %d bytes; is it the right file?", path, maxSecret)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fmt.Errorf("%s is empty; put the secret into it", path)
	}
	return s, nil
}
