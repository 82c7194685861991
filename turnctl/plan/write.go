package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"callmesh/turnctl/verdict"
)

// Text writes the plan for people: the answer, what it takes, what decides, what to set, and what all of it rests on.
func (p *Plan) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s (%d of them spare), because of %s\n", p.Hosts, plural("host", p.Hosts), p.Spare, p.Because)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) } // into memory
	row("\nALL RELAYS TOGETHER NEED\t")
	row("  relayed calls\t%s", figure(p.Need.RelayedCalls))
	row("  allocations\t%s", figure(float64(p.Need.Allocations)))
	row("  relay ports\t%s", figure(float64(p.Need.Ports)))
	row("  bandwidth\t%sbit/s in, as much out", scaled(p.Need.BitsPerSecond, 1000))
	row("  file descriptors\t%s", figure(float64(p.Need.Files)))
	row("  memory\t%sB", scaled(p.Need.Bytes, 1024))
	row("\nWHAT DECIDES\tneed\ta host has\thosts")
	for _, b := range p.Bounds {
		row("  %s\t%s\t%s\t%d", b.By, figure(b.Need), figure(b.Each), b.Hosts)
	}
	row("\nON EACH HOST\t")
	for _, s := range p.Settings {
		row("  %s\t%s", s.Where, s.Line)
	}
	row("\nASSUMED\t")
	for _, a := range p.Assumptions {
		row("  %s\t%s %s\t%s", a.Name, figure(a.Value), a.Unit, a.Why)
	}
	row("\nNOT PLANNED\t")
	row("  processors\twhat a core relays depends on the machine: measure it before you trust a host with its share")
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// JSON writes the plan for machines.
func (p *Plan) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(p)
}

func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// figure writes whole numbers in groups of three digits, and others with three digits that count.
func figure(f float64) string {
	if f < 100 && f != math.Trunc(f) {
		return fmt.Sprintf("%.3g", f)
	}
	digits := fmt.Sprint(int64(math.Ceil(f - 1e-6)))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func scaled(f, step float64) string {
	units := []string{"", "k", "M", "G", "T", "P"}
	i := 0
	for ; f >= step && i < len(units)-1; i++ {
		f /= step
	}
	unit := units[i]
	if step == 1024 && unit != "" {
		unit = strings.ToUpper(unit) + "i"
	}
	return fmt.Sprintf("%.3g %s", f, unit)
}

// Report is the plan as a finding, for those who collect such.
func (p *Plan) Report(at time.Time) verdict.Report {
	item := verdict.Item{
		Name: "plan.hosts", Status: verdict.OK, Summary: fmt.Sprintf("%d %s (%d of them spare), because of %s", p.Hosts, plural("host", p.Hosts), p.Spare, p.Because),
		Values: []verdict.Value{
			{Name: "hosts", Value: float64(p.Hosts)},
			{Name: "allocations", Value: float64(p.Need.Allocations)},
			{Name: "ports", Value: float64(p.Need.Ports)},
			{Name: "bandwidth_bits_per_second", Value: p.Need.BitsPerSecond},
			{Name: "file_descriptors", Value: float64(p.Need.Files)},
			{Name: "memory_bytes", Value: p.Need.Bytes},
		},
	}
	return verdict.Report{Command: "plan", Target: "relays", At: at, Items: []verdict.Item{item}}
}
