package verdict

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Format is one of the forms that a report is written in.
type Format string

// The formats. Text is for people, and may change; the others are for machines, and stay.
const (
	Text       Format = "text"
	JSON       Format = "json"       // report.schema.json describes it
	JUnit      Format = "junit"      // the XML that continuous integration reads
	Nagios     Format = "nagios"     // one line with performance data, as the Monitoring Plugins' guidelines have it
	Prometheus Format = "prometheus" // text exposition 0.0.4, for node_exporter's textfile collector
)

// Formats lists all of them.
func Formats() []Format { return []Format{Text, JSON, JUnit, Nagios, Prometheus} }

// Options are how a report is written. The zero value writes plain text with nothing left out.
type Options struct {
	// Colour marks statuses by ANSI colours, in text alone.
	Colour bool
	// Brief leaves items out of text that are ok or skipped; the last line still counts them.
	Brief bool
}

// Write writes a report. Its errors are those of w, and a format that there is not.
func Write(w io.Writer, f Format, r *Report, o Options) error {
	var b strings.Builder
	var err error
	switch f {
	case Text, "":
		writeText(&b, r, o)
	case JSON:
		err = writeJSON(&b, r)
	case JUnit:
		err = writeJUnit(&b, r)
	case Nagios:
		writeNagios(&b, r)
	case Prometheus:
		writePrometheus(&b, r)
	default:
		return fmt.Errorf("verdict: %q is no format; the formats are %v", f, Formats())
	}
	if err != nil {
		return fmt.Errorf("verdict: %w", err)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// Terminal says whether a file is a terminal, where a line may be written over.
func Terminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Colours says whether colours are welcome: on a terminal whose user has not set NO_COLOR (https://no-color.org), and that is not dumb.
func Colours(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Terminal(f)
}

// word is the answer in one word, by the exit code.
func (r *Report) word() string {
	switch r.Exit() {
	case ExitHealthy:
		return "healthy"
	case ExitUnhealthy:
		return "unhealthy"
	}
	return "unmeasured"
}

// count is how many items have each status.
func (r *Report) count() map[Status]int {
	n := map[Status]int{}
	for _, i := range r.Items {
		n[i.Status]++
	}
	return n
}

// tally says it in words: "12 ok, 1 warn, 2 fail".
func (r *Report) tally() string {
	n := r.count()
	var parts []string
	for _, s := range []Status{Fail, Unknown, Warn, OK, Skipped} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	if parts == nil {
		return "nothing was looked at"
	}
	return strings.Join(parts, ", ")
}

// worst is the first item with the status that decides the exit code, nil where all is well.
func (r *Report) worst() *Item {
	for _, s := range []Status{Fail, Unknown, Warn} {
		for i := range r.Items {
			if r.Items[i].Status == s {
				return &r.Items[i]
			}
		}
	}
	return nil
}
