package coturn

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Line is one line of a turnserver.conf.
type Line struct {
	// Number counts from 1; 0 for a line that was not read from a file.
	Number int
	// Key is empty on a line that sets nothing: an empty one, or a comment.
	Key string
	// Value is what follows the key; "" for a flag that stands alone, which coturn takes as on.
	Value string
	// Bare says that nothing followed the key, so that it can be told from one with an empty value.
	Bare bool
	// Comment is the text of a comment line, # included.
	Comment string
}

// Config is a turnserver.conf, line by line, comments kept.
type Config struct{ Lines []Line }

// Bounds on what is read: coturn itself reads lines of 1024 bytes.
const (
	maxConfig     = 1 << 20
	maxConfigLine = 1024
)

// ReadConfig reads the configuration in a file.
func ReadConfig(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return Config{}, err
	}
	c, err := ParseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig takes a configuration apart as coturn does: white space around a line and around the first = means nothing, a # at
// the start of a line makes it a comment, the key ends at the first = or space, and a value may stand in quotation marks. It fails on what coturn would cut: a line of more
// than 1023 bytes, or a file of more than 1 MiB. Keys that coturn does not know are for [Version.Key] to find.
func ParseConfig(b []byte) (Config, error) {
	if len(b) > maxConfig {
		return Config{}, fmt.Errorf("coturn: more than %d bytes; no turnserver.conf is that long", maxConfig)
	}
	var c Config
	scan := bufio.NewScanner(bytes.NewReader(b))
	scan.Buffer(nil, maxConfig+1)
	for n := 1; scan.Scan(); n++ {
		text := scan.Text()
		if len(text) >= maxConfigLine {
			return Config{}, fmt.Errorf("coturn: line %d has %d bytes; coturn cuts lines at %d, so shorten it", n, len(text), maxConfigLine-1)
		}
		if strings.ContainsRune(text, 0) {
			return Config{}, fmt.Errorf("coturn: line %d holds a NUL byte; coturn would read it to there alone", n)
		}
		c.Lines = append(c.Lines, parseLine(text, n))
	}
	return c, scan.Err()
}

func parseLine(text string, n int) Line {
	text = strings.Trim(text, " \t\r")
	if text == "" || text[0] == '#' {
		return Line{Number: n, Comment: text}
	}
	at := strings.IndexAny(text, "= \t")
	if at < 0 {
		return Line{Number: n, Key: text, Bare: true}
	}
	return Line{Number: n, Key: text[:at], Value: unquote(strings.TrimLeft(text[at:], "= \t"))}
}

// unquote takes away the quotation marks that coturn allows around a value.
func unquote(s string) string {
	if strings.HasPrefix(s, `"`) {
		s = strings.Trim(s, "\"= \t")
	}
	return s
}

// Values are the values of a key, in order.
func (c Config) Values(key string) []string {
	var vs []string
	for _, l := range c.Lines {
		if l.Key == key {
			vs = append(vs, l.Value)
		}
	}
	return vs
}

// Last is the line that counts for a key of one value, the last one, and false when there is none.
func (c Config) Last(key string) (Line, bool) {
	for _, l := range slices.Backward(c.Lines) {
		if l.Key == key {
			return l, true
		}
	}
	return Line{}, false
}

// Get is the value that counts for a key of one value, "" when it is not given.
func (c Config) Get(key string) string {
	l, _ := c.Last(key)
	return l.Value
}

// On says whether a flag is on: given alone, or with a value that coturn takes for true.
func (c Config) On(key string) bool {
	l, ok := c.Last(key)
	return ok && l.on()
}

func (l Line) on() bool {
	switch strings.ToLower(l.Value) {
	case "0", "no", "off", "false", "f":
		return false
	}
	return true
}

// Set makes value the only one of key: in place of the last one that there was, or at the end.
func (c *Config) Set(key, value string) {
	set := false
	var lines []Line
	for _, l := range slices.Backward(c.Lines) {
		if l.Key == key {
			if set {
				continue
			}
			l.Value, l.Bare, set = value, false, true
		}
		lines = append(lines, l)
	}
	slices.Reverse(lines)
	if !set {
		lines = append(lines, Line{Key: key, Value: value})
	}
	c.Lines = lines
}

// Add puts one more line at the end.
func (c *Config) Add(key, value string) {
	c.Lines = append(c.Lines, Line{Key: key, Value: value})
}

// Remove takes away all lines of a key.
func (c *Config) Remove(key string) {
	c.Lines = slices.DeleteFunc(c.Lines, func(l Line) bool { return l.Key == key })
}

// String is one line of the file, without the line end.
func (l Line) String() string {
	switch {
	case l.Key == "":
		return l.Comment
	case l.Bare:
		return l.Key
	}
	return l.Key + "=" + l.Value
}

// Bytes is the file as coturn reads it, secrets included: write it with mode 0640, and never to a terminal.
func (c Config) Bytes() []byte {
	var b bytes.Buffer
	for _, l := range c.Lines {
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// hidden stands where a secret would.
const hidden = "[secret]"

// Masked is the configuration with a placeholder for each secret, for people to look at.
func (c Config) Masked() Config {
	lines := slices.Clone(c.Lines)
	for i, l := range lines {
		switch {
		case l.Key == "" && commentedSecret(l.Comment):
			lines[i].Comment = "# " + hidden
		case l.Key != "" && l.Value != "" && secretKeys[l.Key]:
			lines[i].Value = mask(l.Key, l.Value)
		}
	}
	return Config{Lines: lines}
}

// secretKeys are those whose value is, or holds, a secret.
var secretKeys = map[string]bool{
	"static-auth-secret": true, "user": true, "cli-password": true, "pkey-pwd": true, "psql-userdb": true, "sql-userdb": true,
	"mysql-userdb": true, "mongo-userdb": true, "redis-userdb": true, "redis-statsdb": true, "stateless-nonce-secret": true,
}

// mask keeps the name of a user, which is none of the secret.
func mask(key, value string) string {
	if name, _, ok := strings.Cut(value, ":"); ok && key == "user" {
		return name + ":" + hidden
	}
	return hidden
}

// commentedSecret says whether a comment is a setting with a secret that somebody turned off.
func commentedSecret(comment string) bool {
	l := parseLine(strings.TrimLeft(comment, "# \t"), 0)
	return secretKeys[l.Key] && !l.Bare && l.Value != ""
}
