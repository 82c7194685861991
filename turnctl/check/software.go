package check

import (
	"fmt"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/verdict"
)

// version looks up what is known of the version that the relay says it is.
func (l *ladder) version(i *verdict.Item) {
	i.Took = noTime
	if l.software == "" {
		skip(i, "the relay does not say what it is (no-software-attribute), which is as it should be")
		return
	}
	v, err := coturn.ParseVersion(l.software)
	if err != nil {
		skip(i, "%q is not a version of coturn", l.software)
		return
	}
	open := v.Vulnerabilities()
	i.Summary = fmt.Sprintf("coturn %s", v)
	if len(open) == 0 {
		i.Summary += ", of which no vulnerability is listed here"
		return
	}
	warn(i, open[0].Severity, "upgrade to coturn "+coturn.Newest.String()+"; `turnctl audit` tells which of them matter with this configuration",
		"coturn %s has %d known vulnerabilities, unless its distributor has mended them", v, len(open))
	for n, f := range open {
		if n > 0 {
			i.Evidence += "\n"
		}
		i.Evidence += fmt.Sprintf("%s (%s, mended in %s): %s", f.ID, f.Severity, f.FixedIn, f.Summary)
	}
}
