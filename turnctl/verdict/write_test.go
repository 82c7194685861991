package verdict_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/verdict"
)

// sample holds every status, and text that each format must guard against.
var sample = verdict.Report{
	Command: "check", Target: "turn:turn.example", At: time.Unix(1_760_000_000, 0),
	Items: []verdict.Item{
		{Name: "udp4.allocate", Group: "turn:a?transport=udp", Status: verdict.OK, Summary: "allocated", Took: 1234567 * time.Nanosecond},
		{
			Name: "udp4.path", Group: "turn:a?transport=udp", Status: verdict.Warn, Severity: verdict.Low, Summary: "slow",
			Evidence: "p50 300 ms", Values: []verdict.Value{{"round_trip_seconds", 0.3}, {"loss_ratio", 0}, {"throughput_bits_per_second", 2.5e6}},
		},
		{Name: "rfc5780", Group: "turn:b?transport=tcp", Status: verdict.Skipped, Summary: "not offered"},
		{
			Name: "tcp4.refused", Group: "turn:b?transport=tcp", Status: verdict.Fail, Severity: verdict.Critical,
			Summary: "it's <wrong> | \x1b[31mred\nand \"quoted\" \\ 'ticks'=1", Evidence: "401 & more", Fix: "line one\nline two",
		},
		{Name: "tcp6.connect", Group: "turn:b?transport=tcp", Status: verdict.Unknown, Summary: "no IPv6 here"},
	},
}

func write(t *testing.T, f verdict.Format, o verdict.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := verdict.Write(&b, f, &sample, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	want := `turn:a?transport=udp
  ok      udp4.allocate  allocated (1.23ms)
  warn    udp4.path      slow
          severity: low
          seen: p50 300 ms
turn:b?transport=tcp
  skipped rfc5780        not offered
  fail    tcp4.refused   it's <wrong> |  [31mred and "quoted" \ 'ticks'=1
          severity: critical
          seen: 401 & more
          do: line one
              line two
  unknown tcp6.connect   no IPv6 here
check: unhealthy: 1 fail, 1 unknown, 1 warn, 1 ok, 1 skipped
`
	if got := write(t, verdict.Text, verdict.Options{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	coloured := write(t, verdict.Text, verdict.Options{Colour: true})
	if bare := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured, ""); bare != want || bare == coloured {
		t.Errorf("without its colours it says\n%s", bare)
	}
	if brief := write(t, verdict.Text, verdict.Options{Brief: true}); strings.Contains(brief, "allocated") || !strings.Contains(brief, "1 ok") {
		t.Errorf("brief says\n%s", brief)
	}
}

func TestJUnit(t *testing.T) {
	var got struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Errors   int    `xml:"errors,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Type    string `xml:"type,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(write(t, verdict.JUnit, verdict.Options{})), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Suites) != 2 || got.Suites[0].Tests != 2 || got.Suites[0].Failures != 0 {
		t.Fatalf("suites %+v", got.Suites)
	}
	b := got.Suites[1]
	if b.Tests != 3 || b.Failures != 1 || b.Errors != 1 || b.Skipped != 1 {
		t.Errorf("second suite %+v", b)
	}
	if f := b.Cases[1].Failure; f == nil || f.Type != "critical" || !strings.Contains(f.Message, "<wrong>") || !strings.Contains(f.Text, "line two") {
		t.Errorf("failure %+v", f)
	}
}

func TestNagios(t *testing.T) {
	got := write(t, verdict.Nagios, verdict.Options{})
	want := `TURN CRITICAL - check turn:turn.example: 1 fail, 1 unknown, 1 warn, 1 ok, 1 skipped; ` +
		`tcp4.refused: it's <wrong> /  [31mred and "quoted" \ 'ticks'=1 | 'turn:a?transport:udp udp4.allocate'=0.001234567s ` +
		`'turn:a?transport:udp udp4.path round_trip_seconds'=0.3s 'turn:a?transport:udp udp4.path loss_ratio'=0 ` +
		"'turn:a?transport:udp udp4.path throughput_bits_per_second'=2500000\n"
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	for word, status := range map[string]verdict.Status{"OK": verdict.OK, "WARNING": verdict.Warn, "UNKNOWN": verdict.Unknown} {
		var b bytes.Buffer
		r := verdict.Report{Items: []verdict.Item{{Status: status}}}
		if err := verdict.Write(&b, verdict.Nagios, &r, verdict.Options{}); err != nil || !strings.HasPrefix(b.String(), "TURN "+word+" - ") {
			t.Errorf("%s gives %q, error %v", status, b.String(), err)
		}
	}
}

// The grammar of the text exposition format, and its rule that a family's lines stand together, once each.
func TestPrometheus(t *testing.T) {
	got := write(t, verdict.Prometheus, verdict.Options{})
	line := regexp.MustCompile(`^([a-z_][a-z0-9_]*)\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\} -?[0-9.e+]+$`)
	family, seen := "", map[string]bool{}
	for l := range strings.Lines(got) {
		l = strings.TrimSuffix(l, "\n")
		if name, ok := strings.CutPrefix(l, "# TYPE "); ok {
			family = strings.TrimSuffix(name, " gauge")
		} else if !strings.HasPrefix(l, "# HELP ") {
			m := line.FindStringSubmatch(l)
			series, _, _ := strings.Cut(l, "} ")
			if m == nil || m[1] != family || seen[series] {
				t.Errorf("in family %s: %q", family, l)
			}
			seen[series] = true
		}
	}
	for _, want := range []string{
		`turnctl_check_healthy{target="turn:turn.example"} 0`, `turnctl_check_exit_code{target="turn:turn.example"} 1`,
		`turnctl_check_item_ok{target="turn:turn.example",group="turn:a?transport=udp",item="udp4.path"} 1`,
		`turnctl_check_round_trip_seconds{target="turn:turn.example",group="turn:a?transport=udp",item="udp4.path"} 0.3`,
		`turnctl_check_item_duration_seconds{target="turn:turn.example",group="turn:a?transport=udp",item="udp4.allocate"} 0.001234567`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	err := verdict.Write(&bytes.Buffer{}, "yaml", &sample, verdict.Options{})
	if err == nil || !strings.Contains(err.Error(), `"yaml" is no format`) || !strings.Contains(err.Error(), "nagios") {
		t.Errorf("error %v", err)
	}
}

// schema is as much of JSON Schema as ours uses.
type schema struct {
	Type       string            `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	More       *bool             `json:"additionalProperties"`
	Enum       []any             `json:"enum"`
	Items      *schema           `json:"items"`
}

func (s schema) check(path string, v any) error {
	if s.Enum != nil {
		ok := false
		for _, e := range s.Enum {
			ok = ok || e == v
		}
		if !ok {
			return errors.New(path + ": not of the enumeration")
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" || s.More == nil || *s.More {
			return errors.New(path + ": no object, or one that may hold anything")
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return errors.New(path + "." + name + ": missing")
			}
		}
		for name, value := range v {
			p, ok := s.Properties[name]
			if !ok {
				return errors.New(path + "." + name + ": not in the schema")
			}
			if err := p.check(path+"."+name, value); err != nil {
				return err
			}
		}
	case []any:
		if s.Type != "array" || s.Items == nil {
			return errors.New(path + ": no array")
		}
		for _, value := range v {
			if err := s.Items.check(path+"[]", value); err != nil {
				return err
			}
		}
	case string:
		if s.Type != "string" {
			return errors.New(path + ": no string")
		}
	case float64:
		if s.Type != "number" && (s.Type != "integer" || v != math.Trunc(v)) {
			return errors.New(path + ": no number")
		}
	default:
		return errors.New(path + ": of a kind that the schema never has")
	}
	return nil
}

func TestJSONConformsToItsSchema(t *testing.T) {
	var s schema
	if err := json.Unmarshal([]byte(verdict.Schema), &s); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{write(t, verdict.JSON, verdict.Options{}), empty(t)} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := s.check("report", v); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
	for _, wrong := range []string{`{}`, `{"command":"c","target":"","at":"","verdict":"fine","exit":0,"items":[]}`} {
		var v any
		if err := json.Unmarshal([]byte(wrong), &v); err != nil {
			t.Fatal(err)
		}
		if s.check("report", v) == nil {
			t.Errorf("the schema lets %s pass", wrong)
		}
	}
}

func empty(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := verdict.Write(&b, verdict.JSON, &verdict.Report{Command: "check"}, verdict.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
