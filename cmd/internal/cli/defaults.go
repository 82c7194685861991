package cli

import (
	"fmt"
	"io"
	"strings"
)

// WriteDefaults writes a configuration file that says what every key is for and that sets each to its
// default: the ones without a default, and the secrets, stand behind a # with an example.
func WriteDefaults(w io.Writer, program string, config any) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Configuration of %s, with its defaults. Each key is also a flag (--key value) and an environment\n", program)
	fmt.Fprintf(&b, "# variable (%sKEY, with _ for -). Flags outweigh variables, and variables outweigh this file.\n", envPrefix)
	for _, f := range fields(config) {
		b.WriteString("\n")
		for _, line := range wrap(f.help+f.choices(), 98) {
			b.WriteString("# " + line + "\n")
		}
		example := f.example
		if f.def != "" {
			fmt.Fprintf(&b, "%s: %s\n", f.key, f.yaml(f.def))
			continue
		}
		if f.secret() {
			b.WriteString("# Better kept out of this file: see the next key.\n")
			example = "..."
		}
		fmt.Fprintf(&b, "#%s: %s\n", f.key, f.yaml(example))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f field) choices() string {
	if len(f.oneof) == 0 {
		return ""
	}
	return " One of " + strings.Join(f.oneof, ", ") + "."
}

// yaml writes a value so that YAML reads it as what it is.
func (f field) yaml(s string) string {
	if f.list() {
		parts := split(s)
		for i, p := range parts {
			parts[i] = quote(p)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return quote(s)
}

// quote puts quotes around what would be something else without: a key, a comment, a flow, a list.
func quote(s string) string {
	if s == "" || strings.ContainsAny(s, "#[]{}&*!|>'\"%@`,") || strings.Contains(s, ": ") || strings.HasPrefix(s, "- ") || strings.HasSuffix(s, ":") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

// wrap breaks a text into lines of at most width characters, if its words let it.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
