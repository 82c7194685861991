package main

import (
	"encoding/json"
	"io"
	"strconv"

	"callmesh/probe/report"
)

// write writes a result in one of the forms. value is what JSON has, sheet what all others but text have.
func write(w io.Writer, form string, value any, text func(io.Writer) error, sheet func() report.Sheet) error {
	if form == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(value)
	}
	if form == "text" {
		return text(w)
	}
	s := sheet()
	switch form {
	case "csv":
		return s.CSV(w)
	case "prometheus":
		return s.Prometheus(w)
	default:
		return s.HTML(w)
	}
}

// number is one as machines read it.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// number01 is a gauge's value of yes or no.
func number01(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
