package charts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// A node of the schema, as far as texts are concerned.
type node struct {
	Type          string
	Enum          []any
	Pattern       string
	MaxLength     int
	AnyOf         []node
	Properties    map[string]node
	Items         *node
	PropertyNames *node
	Additional    json.RawMessage `json:"additionalProperties"`
}

// takes says whether the schema lets a text through.
func (n node) takes(text string) bool {
	if len(n.AnyOf) > 0 {
		return slices.ContainsFunc(n.AnyOf, func(a node) bool { return a.Type == "string" && a.takes(text) })
	}
	return (n.Pattern == "" || regexp.MustCompile(n.Pattern).MatchString(text)) && (n.MaxLength == 0 || len(text) <= n.MaxLength)
}

// texts calls what for each place where values may have a text; at makes the values that have it there.
func (n node) texts(path string, at func(any) any, what func(path string, n node, at func(string) any)) {
	text := func(s string) any { return at(s) }
	switch {
	case n.Type == "string" && n.Enum == nil, slices.ContainsFunc(n.AnyOf, func(a node) bool { return a.Type == "string" }):
		what(path, n, text)
	case n.Items != nil:
		n.Items.texts(path+"[]", func(v any) any {
			if m, ok := v.(map[string]any); ok && m["name"] == nil {
				m["name"] = "a"
			}
			return at([]any{v})
		}, what)
	}
	for _, key := range slices.Sorted(maps.Keys(n.Properties)) {
		n.Properties[key].texts(path+"."+key, func(v any) any { return at(map[string]any{key: v}) }, what)
	}
	var more node
	if json.Unmarshal(n.Additional, &more) == nil && more.Type != "" {
		more.texts(path+".*", func(v any) any { return at(map[string]any{"a": v}) }, what)
		names := node{Type: "string"}
		if n.PropertyNames != nil {
			names = *n.PropertyNames
		}
		var value any = "a"
		if more.Type == "array" {
			value = []any{"a:1"}
		}
		what(path+".(key)", names, func(key string) any { return at(map[string]any{key: value}) })
	}
}

// Each of the second, behind one of the first that lets it into a value, would be more than a text were it put down as it is.
var (
	beginnings = []string{"", "x", "1", "https://x/", "turn:x", "stun:x", "nats://x", "a:b", "1.2.3.4/8", "1Gi"}
	hostile    = []string{
		"\nevil:\ty", "\nevil: y", "\n  evil: y", "\n    evil: y", "\n---\nevil: y", "\", evil: \"y", "', evil: 'y", "}, evil: {y: z", ", evil: y",
		" #", ": ", "{{ fail `evil` }}", "$(HOST_IP)", "\\", "\r\nevil: y",
	}
)

// evil looks for the key that hostile texts try to make.
func evil(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if strings.TrimSpace(key) == "evil" || evil(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, evil)
	}
	return false
}

// Whatever text is given for a value, it is refused by name or stays a text: in objects, in the files of ConfigMaps, and in NATS' own configuration.
func TestTextsStayTexts(t *testing.T) {
	c := load(t)
	var schema node
	if err := json.Unmarshal(c.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	inside := merged(scenarios(t)["production"], scenarios(t)["three-regions"])
	outside := merged(scenarios(t)["external-nats"], map[string]any{"probe": map[string]any{"enabled": true}})
	// Together, as each costs time; apart from the one that excludes another.
	for _, text := range hostile {
		in, out, tried := inside, outside, 0
		schema.texts("", func(v any) any { return v }, func(path string, n node, at func(string) any) {
			i := slices.IndexFunc(beginnings, func(b string) bool { return n.takes(b + text) })
			if i < 0 || path == ".coturn.externalIPs.(key)" {
				return
			}
			tried++
			given, _ := at(beginnings[i] + text).(map[string]any)
			if strings.HasPrefix(path, ".nats.external") {
				out = merged(out, given)
			} else {
				in = merged(in, given)
			}
		})
		if tried < 10 {
			t.Errorf("%q: %d values take it", text, tried)
		}
		for _, values := range []map[string]any{in, out} {
			if err := staysText(c, values); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

func staysText(c *chart.Chart, values map[string]any) error {
	v, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return err
	}
	texts, err := engine.Engine{Strict: true}.RenderWithContext(context.Background(), c, v)
	if err != nil {
		return err
	}
	for name, text := range texts {
		if strings.HasSuffix(name, "NOTES.txt") {
			continue
		}
		for doc := range strings.SplitSeq(text, "\n---\n") {
			if empty([]byte(doc)) {
				continue
			}
			o, err := decode([]byte(doc))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			var object map[string]any
			if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
				return err
			}
			if evil(object) {
				return fmt.Errorf("%s: it has become a key", name)
			}
			if config, ok := o.(*core.ConfigMap); ok {
				if err := filesStayTexts(config); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func filesStayTexts(c *core.ConfigMap) error {
	for file, text := range c.Data {
		if file == "nats.conf" {
			// What comes into it may be no more than a name or an address.
			if strings.Contains(text, "evil") {
				return fmt.Errorf("%s has it", file)
			}
			continue
		}
		var has map[string]any
		if err := yaml.UnmarshalStrict([]byte(text), &has); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if evil(has) {
			return fmt.Errorf("%s: it has become a key", file)
		}
	}
	return nil
}
