package check

import (
	"fmt"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// discovery asks whether the relay helps clients to find out what their NAT does (RFC 5780). Calls do not need it.
func (l *ladder) discovery(i *verdict.Item) {
	switch {
	case !l.other.IsValid():
		skip(i, "not offered: the relay has no second address")
		return
	case l.other.Addr() == l.addr.Addr():
		warn(i, verdict.Low, "give coturn two listening-ip lines of one family, or no-rfc5780",
			"OTHER-ADDRESS %s is the relay's own address, so clients that ask draw wrong conclusions", l.other)
		return
	}
	c, err := l.another()
	if err != nil {
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "no second socket", err.Error()
		return
	}
	defer c.Close()
	// The socket of c hears only the address that it is connected to, so it is the other address that is asked, as in the second test
	// of RFC 5780, section 4.3. An answer from a changed address depends on this host's NAT, and would say nothing of the relay.
	other := *l
	other.addr = l.other
	second, err := other.another()
	if err != nil {
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "no second socket", err.Error()
		return
	}
	defer second.Close()
	m, err := second.Do(l.ctx, stun.MethodBinding)
	if err != nil {
		warn(i, verdict.Low, fmt.Sprintf("let UDP to %s through the firewall, or set no-rfc5780", l.other),
			"the second address %s is offered and does not answer (%s)", l.other, turnclient.Words(err, l.o.Timeout))
		return
	}
	origin, _ := turnclient.PlainAddress(m, stun.AttrResponseOrigin)
	i.Summary = fmt.Sprintf("offered: %s answers too", l.other)
	if origin.IsValid() && origin != l.other {
		warn(i, verdict.Low, "put the addresses right that external-ip names", "%s answers as %s", l.other, origin)
	}
}

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
