package verdict

import (
	"encoding/xml"
	"strings"
	"time"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      float64     `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	Time    float64      `xml:"time,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
	Skipped *junitReason `xml:"skipped"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit makes a suite of each group. Unknown is an error in JUnit's sense (the test could not be made), and a warning passes
// with its words in system-out.
func writeJUnit(b *strings.Builder, r *Report) error {
	var out junitSuites
	at := map[string]int{}
	for _, i := range r.Items {
		name := r.Command
		if i.Group != "" {
			name += " " + i.Group
		}
		n, ok := at[name]
		if !ok {
			n = len(out.Suites)
			at[name] = n
			out.Suites = append(out.Suites, junitSuite{Name: name, Timestamp: r.At.UTC().Format(time.RFC3339)})
		}
		s := &out.Suites[n]
		c := junitCase{Name: i.Name, Class: name, Time: i.Took.Seconds()}
		var detail []string
		for _, d := range []struct{ label, text string }{{"seen: ", i.Evidence}, {"do: ", i.Fix}} {
			if d.text != "" {
				detail = append(detail, d.label+d.text)
			}
		}
		reason := &junitReason{Message: i.Summary, Type: string(i.Severity), Text: strings.Join(detail, "\n")}
		switch i.Status {
		case Fail:
			c.Failure = reason
			s.Failures++
		case Unknown:
			c.Error = reason
			s.Errors++
		case Skipped:
			c.Skipped = &junitReason{Message: i.Summary}
			s.Skipped++
		case Warn:
			c.Out = "warning: " + strings.Join(append([]string{i.Summary}, detail...), "\n")
		case OK:
			c.Out = i.Summary
		}
		s.Tests++
		s.Time += c.Time
		s.Cases = append(s.Cases, c)
	}
	b.WriteString(xml.Header)
	e := xml.NewEncoder(b)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	b.WriteString("\n")
	return nil
}
