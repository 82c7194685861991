package report

import (
	_ "embed" // the page
	"encoding/csv"
	"html/template"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// Sheet is what a command measured that keeps no records: one table, and gauges. It is written in the machine's forms of a [Report].
type Sheet struct {
	// Title and Summary stand above the table on a page.
	Title, Summary string
	// Columns are named as in a CSV's header, with underscores.
	Columns []string
	Rows    [][]string
	Gauges  []Gauge
}

// Gauge is one metric, with a point for each of its label values. Name is without the prefix callmesh_probe_.
type Gauge struct {
	Name, Help string
	Labels     []string
	Points     []GaugePoint
}

// GaugePoint is a value, and its labels in the order of the gauge's.
type GaugePoint struct {
	Labels []string
	Value  float64
}

// Add adds a point.
func (g *Gauge) Add(v float64, labels ...string) { g.Points = append(g.Points, GaugePoint{labels, v}) }

// CSV writes the table (RFC 4180).
func (s *Sheet) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(s.Columns) // kept until Error
	for _, row := range s.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = inert(c)
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

// Describe implements prometheus.Collector.
func (s *Sheet) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range s.Gauges {
		ch <- desc(g.Name, g.Help, g.Labels...)
	}
}

// Collect implements prometheus.Collector. Of points with the same labels, as of a server that was named twice, the first counts.
func (s *Sheet) Collect(ch chan<- prometheus.Metric) {
	for _, g := range s.Gauges {
		d := desc(g.Name, g.Help, g.Labels...)
		seen := map[string]bool{}
		for _, p := range g.Points {
			if key := strings.Join(p.Labels, "\x00"); !seen[key] {
				seen[key] = true
				ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, p.Value, p.Labels...)
			}
		}
	}
}

// Prometheus writes the text exposition format, for a textfile collector.
func (s *Sheet) Prometheus(w io.Writer) error { return expose(w, s) }

// expose writes what a collector has.
func expose(w io.Writer, c prometheus.Collector) error {
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(c); err != nil {
		return err
	}
	families, err := reg.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	return nil
}

//go:embed sheet.html.tmpl
var sheetText string

var sheet = template.Must(template.New("sheet").Funcs(template.FuncMap{
	"words": func(column string) string { return strings.ReplaceAll(column, "_", " ") },
}).Parse(sheetText))

// HTML writes one page that needs nothing else, in the style of a report's.
func (s *Sheet) HTML(w io.Writer) error {
	var b strings.Builder
	if err := sheet.Execute(&b, map[string]any{"Sheet": s, "CSS": template.CSS(pageCSS)}); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
