// Package cli is what the programs have in common as command-line programs: configuration, logs,
// exit codes and versions.
//
// A configuration is a struct with tags (see field.go). Its keys can be given, each outweighing those
// after it, by flags (--drain-timeout 1m), by environment variables (CALLMESH_DRAIN_TIMEOUT=1m), and
// by a YAML file (--config FILE, with drain-timeout: 1m). An unknown key or variable is an error
// wherever it stands: a misspelt setting that is quietly ignored is worse than a program that does
// not start. All errors are reported at once.
//
// A secret can come from a file too, whose path goes into the key with -file at its end. Secrets are
// of a type that prints as [secret], and their flags show in no message.
package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
)

// Checker is a configuration that knows what else must hold of it, beyond the types of its values.
type Checker interface {
	// Check reports what is wrong, and may fill in what follows from other keys.
	Check(p *Problems)
}

// Binding ties a configuration to a command's flags.
type Binding struct {
	config   any
	cmd      *cobra.Command
	fields   []field
	fileFlag string            // the flag of the YAML file
	secrets  map[string]string // key to the file that it was read from
	// problems of the last Load, which know where each value came from
	problems *Problems
}

// SecretFile is the file that a secret was read from, once loaded; empty if it came from elsewhere.
func (b *Binding) SecretFile(key string) string { return b.secrets[key] }

// Bind gives cmd a flag for each key of config, which is a pointer to a struct with tags, or only for
// the given ones. Files and the environment can set the others all the same.
func Bind(cmd *cobra.Command, config any, only ...string) *Binding {
	return BindFile(cmd, configFlag, config, only...)
}

// BindFile is Bind with another name for the flag of the YAML file, for a command whose --config is something else.
func BindFile(cmd *cobra.Command, fileFlag string, config any, only ...string) *Binding {
	b := &Binding{config: config, cmd: cmd, fileFlag: fileFlag, fields: fields(config), secrets: make(map[string]string)}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.String(fileFlag, "", "YAML file with any of these keys, without the dashes; see default-config")
	for _, f := range b.fields {
		if len(only) > 0 && !slices.Contains(only, strings.TrimSuffix(f.key, fileSuffix)) {
			continue
		}
		v := &flagValue{kind: f.kind(), def: f.def, list: f.list(), secret: f.secret()}
		flag := flags.VarPF(v, f.key, "", f.help)
		if f.typ.Kind() == reflect.Bool {
			flag.NoOptDefVal = "true"
		}
	}
	return b
}

// flagValue keeps what was given as text: values are decoded in one place, wherever they come from,
// and a wrong one is one problem among others.
type flagValue struct {
	kind, def    string
	list, secret bool
	given        []string
}

// Set never fails, so no message of the flag package can hold a value.
func (v *flagValue) Set(s string) error {
	if !v.list {
		v.given = nil // the last one holds
	}
	v.given = append(v.given, s)
	return nil
}

// Type names what the flag takes, for --help.
func (v *flagValue) Type() string { return v.kind }

// String is the default, for --help.
func (v *flagValue) String() string {
	if v.secret || v.def == "false" {
		return ""
	}
	return v.def
}

// layerFlagValue shows a flag to viper.
type layerFlagValue struct {
	name  string
	value *flagValue
}

func (l layerFlagValue) HasChanged() bool    { return len(l.value.given) > 0 }
func (l layerFlagValue) Name() string        { return l.name }
func (l layerFlagValue) ValueType() string   { return "string" }
func (l layerFlagValue) ValueString() string { return strings.Join(l.value.given, ",") }

// Decode fills the configuration from all sources, without Check. Its error has exit code 2.
func (b *Binding) Decode() error {
	p, err := b.decode()
	if err != nil {
		return err
	}
	return p.err()
}

// Load is Decode and then Check. Its error has exit code 2.
func (b *Binding) Load() error {
	p, err := b.decode()
	if err != nil {
		return err
	}
	// Check would find fault with what could not be read.
	if len(p.list) == 0 {
		b.check(p)
	}
	b.problems = p
	return p.err()
}

// Check checks the configuration again, after Load, for a command that has filled in what nobody gave. Its error has exit code 2.
func (b *Binding) Check() error {
	p := &Problems{origin: b.problems.origin}
	b.check(p)
	return p.err()
}

func (b *Binding) check(p *Problems) {
	if c, ok := b.config.(Checker); ok {
		c.Check(p)
	}
}

func (b *Binding) decode() (*Problems, error) {
	p := &Problems{}
	unknownEnv(b.fields, p)
	path, err := b.cmd.Flags().GetString(b.fileFlag)
	if err != nil {
		return nil, fmt.Errorf("cli: %w", err)
	}
	if path == "" {
		path = os.Getenv(envConfig)
	}
	var file map[string]fileValue
	if path != "" {
		file = readFile(b.fileFlag, path, b.fields, p)
	}

	// Keys are flat and none holds a NUL, so that viper sees no path in them. Each variable is
	// bound by name: what viper finds by itself in the environment, it finds only for keys
	// that another source has too.
	v := viper.NewWithOptions(viper.KeyDelimiter("\x00"))
	fromFile := make(map[string]any, len(file))
	for key, value := range file {
		fromFile[key] = value.text
	}
	if err := v.MergeConfigMap(fromFile); err != nil {
		return nil, fmt.Errorf("cli: %w", err)
	}
	origins := make(map[string]origin, len(b.fields))
	for _, f := range b.fields {
		v.SetDefault(f.key, f.def)
		if err := v.BindEnv(f.key, f.env()); err != nil {
			return nil, fmt.Errorf("cli: %w", err)
		}
		o := origin{env: f.env()}
		if value, ok := file[f.key]; ok {
			o.layer, o.file, o.line = layerFile, filepath.Base(path), value.line
		}
		if os.Getenv(f.env()) != "" { // an empty one is as good as none, to viper too
			o.layer = layerEnv
		}
		if flag := b.cmd.Flags().Lookup(f.key); flag != nil {
			fv := layerFlagValue{f.key, flag.Value.(*flagValue)}
			if fv.HasChanged() {
				o.layer = layerFlag
			}
			if err := v.BindFlagValue(f.key, fv); err != nil {
				return nil, fmt.Errorf("cli: %w", err)
			}
		}
		origins[f.key] = o
	}
	p.origin = func(key string) origin {
		o, ok := origins[key]
		if !ok {
			panic("cli: no key " + key)
		}
		return o
	}

	target := reflect.ValueOf(b.config).Elem()
	for _, f := range b.fields {
		if f.index == nil {
			continue
		}
		if f.secret() {
			if path := p.decodeSecret(f, v, target.FieldByIndex(f.index)); path != "" {
				b.secrets[f.key] = path
			}
		} else if err := f.decode(v.Get(f.key), target.FieldByIndex(f.index)); err != nil {
			p.Wrong(f.key, "%s", err)
		}
	}
	return p, nil
}
