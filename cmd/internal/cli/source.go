package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	envPrefix  = "CALLMESH_"
	configFlag = "config"
	envConfig  = envPrefix + "CONFIG"
	maxFile    = 1 << 20 // bytes of a configuration file
)

// fileValue is one key's value in a file, as it is written there: what YAML would make of 012 or of
// 1.10 is for whoever knows the key's type to say.
type fileValue struct {
	line int
	text []string
}

// readFile reads a configuration file: one flat mapping of known keys. Whatever is wrong goes to
// problems, each with its line.
func readFile(flag, path string, known []field, problems *Problems) map[string]fileValue {
	name := filepath.Base(path)
	b, err := os.ReadFile(path)
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s has %d bytes; a configuration has at most %d", path, len(b), maxFile)
	}
	if err != nil {
		problems.add("--%s: %s", flag, err)
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	var doc yaml.Node
	err = dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil // an empty file sets nothing
	}
	if err != nil {
		problems.add("%s: not YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		problems.add("%s: more than one document; keep what stands above the second ---", name)
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil // nothing but comments
	}
	if root.Kind != yaml.MappingNode {
		problems.add("%s:%d: not a list of keys; write one `key: value` per line", name, root.Line)
		return nil
	}
	values := make(map[string]fileValue)
	for i := 0; i < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		where := fmt.Sprintf("%s:%d", name, k.Line)
		at := slices.IndexFunc(known, func(f field) bool { return f.key == k.Value })
		if at < 0 {
			problems.add("%s: %s: unknown key; %s", where, k.Value, suggest(k.Value, keysOf(known), "`default-config` prints them all"))
			continue
		}
		if was, ok := values[k.Value]; ok {
			problems.add("%s: %s: given twice, first in line %d; keep one", where, k.Value, was.line)
			continue
		}
		text, given, err := scalars(v, known[at].list())
		if err != nil {
			problems.add("%s: %s: %s", where, k.Value, err)
		} else if given {
			values[k.Value] = fileValue{k.Line, text}
		}
	}
	return values
}

// scalars gives what a value says; a key without a value is not given.
func scalars(v *yaml.Node, list bool) (text []string, given bool, err error) {
	for v.Kind == yaml.AliasNode {
		v = v.Alias
	}
	switch {
	case v.Kind == yaml.ScalarNode && v.Tag == "!!null":
		return nil, false, nil
	case v.Kind == yaml.ScalarNode && list:
		return split(v.Value), true, nil
	case v.Kind == yaml.ScalarNode:
		return []string{v.Value}, true, nil
	case v.Kind == yaml.SequenceNode && list:
		text = []string{}
		for _, e := range v.Content {
			if e.Kind != yaml.ScalarNode || e.Tag == "!!null" {
				return nil, false, errors.New("an entry of the list is not a plain value; write `- value`")
			}
			text = append(text, e.Value)
		}
		return text, true, nil
	case v.Kind == yaml.SequenceNode:
		return nil, false, errors.New("takes one value, not a list; write `key: value`")
	}
	return nil, false, errors.New("takes no keys below it; write `key: value`")
}

// serviceLink is the form of what Kubernetes and Docker put into a container's environment for each
// service beside it: with a service named callmesh those start like ours, and mean nothing to us.
var serviceLink = regexp.MustCompile(`_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// unknownEnv reports variables that look like ours and are not. Empty ones are as good as none.
func unknownEnv(known []field, problems *Problems) {
	names := []string{envConfig}
	for _, f := range known {
		names = append(names, f.env())
	}
	environ := os.Environ()
	slices.Sort(environ)
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if value != "" && strings.HasPrefix(name, envPrefix) && !slices.Contains(names, name) && !serviceLink.MatchString(name) {
			problems.add("%s: unknown variable; %s", name, suggest(name, names, "a variable is a key in capitals, with _ for -"))
		}
	}
}

// split takes a list apart that is written as one text.
func split(s string) []string {
	list := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func keysOf(fs []field) []string {
	keys := make([]string, len(fs))
	for i, f := range fs {
		keys[i] = f.key
	}
	return keys
}
