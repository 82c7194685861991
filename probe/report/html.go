package report

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"io"
	"strings"
)

var (
	//go:embed page.css
	pageCSS string
	//go:embed page.html.tmpl
	pageText string
	//go:embed login.html.tmpl
	loginText string
)

var login = template.Must(template.New("login").Parse(loginText))

// LoginPage writes the page that asks for the operator's token, in the same style; problem is what was wrong with the last one.
func LoginPage(w io.Writer, problem string) error {
	return login.Execute(w, map[string]any{"CSS": template.CSS(pageCSS), "Problem": problem})
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"day": day, "many": many, "of": of, "ms": ms[int64], "msf": ms[float64], "kbit": kbit, "list": list, "bucket": bucketName,
	"heats": heats, "waitsMean": func() string { return waitsMean }, "histograms": histograms, "trends": trends, "ranks": ranks, "sources": (*Report).pointers,
}).Parse(pageText))

// Page says how the page stands: as a file (the zero value), or served.
type Page struct {
	RefreshSeconds int    // reload so often; 0: never
	Stale          string // what is to be said above all, such as that the figures are old
}

// HTML writes one page that needs nothing else: no script, no font, no picture, no request.
func (r *Report) HTML(w io.Writer, p Page) error {
	var b strings.Builder
	err := page.Execute(&b, map[string]any{
		"Report": r, "CSS": template.CSS(pageCSS), "Refresh": p.RefreshSeconds, "Stale": p.Stale, "PlanHint": PlanHint,
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// StyleHash is the page's style as a Content-Security-Policy names it.
func StyleHash() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// What the page's template reads, where the type's own name for it is not exported.

// Percent is the share in percent, for people.
func (e Estimate) Percent() string { return e.percent() }

// Span is the interval in percent, for people.
func (e Estimate) Span() string { return e.span() }

// Span is the interval in percent, for people; that of nil is a dash.
func (c *Clusters) Span() string { return c.span() }

// Words say what the share means for relays.
func (s *RelayShare) Words() string { return s.words() }

// UnreadWords say what of the input is not in the report.
func (r *Report) UnreadWords() string {
	return many(r.Unread, "line") + " of the input could not be read, and what stood there is in no figure."
}

// Words say how much is as expected.
func (p *Prediction) Words() string { return p.words() }

// Summary is how much there is.
func (s *Source) Summary() string { return s.summary() }

// Note is what is worth knowing of the difference.
func (d Difference) Note() string { return d.note() }

// Ends are what the two are called.
func (p PairRow) Ends() string {
	a, b := p.ends()
	return a + " – " + b
}

type ranking struct {
	Title string
	Pairs []PairRow
}

func ranks(s *Source) []ranking {
	return []ranking{{"Worst pairs, the most surely bad first", s.Worst}, {"Slowest pairs", s.Slowest}}
}

// pointers are the sources as the template needs them to call their methods.
func (r *Report) pointers() []*Source {
	all := make([]*Source, len(r.Sources))
	for i := range r.Sources {
		all[i] = &r.Sources[i]
	}
	return all
}
