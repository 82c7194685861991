package check

import (
	"fmt"
	"net/netip"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// discovery asks whether the relay helps clients to find out what their NAT does (RFC 5780): it is to answer at two addresses with two
// ports each, and from another of them where CHANGE-REQUEST asks for that. Calls do not need it, so what is wrong is a warning.
func (l *ladder) discovery(i *verdict.Item) {
	switch {
	case !l.other.IsValid():
		skip(i, "not offered: the relay has no second address")
		return
	case l.o.Quick:
		skip(i, "not tried in the quick way")
		return
	case l.other.Addr() == l.addr.Addr() || l.other.Port() == l.addr.Port():
		warn(i, verdict.Low, "give coturn two listening-ip lines of one family, or no-rfc5780",
			"OTHER-ADDRESS %s shares its address or port with the relay's own %s, so clients that ask draw wrong conclusions", l.other, l.addr)
		return
	case l.other.Addr().Is4() != l.addr.Addr().Is4():
		warn(i, verdict.Low, "give coturn two listening-ip lines of one family, or no-rfc5780",
			"OTHER-ADDRESS %s is of another family than %s, so clients that ask get no answer", l.other, l.addr)
		return
	}
	s, err := openSurvey(l.ctx, l.client.LocalAddr(), l.addr.Addr().Is6(), l.o.Timeout/2) // two waits of it
	if err != nil {
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "no second socket", err.Error()
		return
	}
	defer s.Close()
	sources := []netip.AddrPort{
		l.addr,
		netip.AddrPortFrom(l.addr.Addr(), l.other.Port()),
		netip.AddrPortFrom(l.other.Addr(), l.addr.Port()),
		l.other,
	}
	oneMapping, ok := l.fourAddresses(i, s, sources)
	if !ok {
		return
	}
	i.Summary = fmt.Sprintf("offered: all of %v answer", sources)
	if !oneMapping {
		i.Summary += "; whether from each other's address cannot be seen from here, through a NAT that maps by destination"
		return
	}
	if l.changes(i, s, sources) {
		i.Summary += ", and each for the first when CHANGE-REQUEST asks for that"
	}
}

// fourAddresses asks each for a Binding, by one socket. That opens the filter of a NAT on the way for what changes asks next; oneMapping
// says that the NAT shows the same address to all of them, without which it would keep out what comes from elsewhere than it was asked.
func (l *ladder) fourAddresses(i *verdict.Item, s *survey, sources []netip.AddrPort) (oneMapping, ok bool) {
	var ask []question
	for _, a := range sources {
		ask = append(ask, question{to: a})
	}
	answers := s.Ask(ask)
	var mapped netip.AddrPort
	oneMapping = true
	for n, a := range answers {
		if a.message == nil {
			warn(i, verdict.Low, fmt.Sprintf("let UDP to %s through the firewall, or set no-rfc5780", sources[n]),
				"RFC 5780 is offered, and %s does not answer within %s", sources[n], s.wait)
			return false, false
		}
		origin, _ := turnclient.PlainAddress(a.message, stun.AttrResponseOrigin)
		if a.from != sources[n] || origin.IsValid() && origin != sources[n] {
			warn(i, verdict.Low, "put the addresses right that external-ip names, or set no-rfc5780", "%s answers from %s, and says that it is %s", sources[n], a.from, origin)
			return false, false
		}
		here, _ := turnclient.Address(a.message, stun.AttrXORMappedAddress)
		if n > 0 && here != mapped {
			oneMapping = false
		}
		mapped = here
	}
	return oneMapping, true
}

// changes asks the first of the sources to have the others answer in its place (RFC 5780, section 7.2); it says whether they did.
func (l *ladder) changes(i *verdict.Item, s *survey, sources []netip.AddrPort) bool {
	names := []string{"", "change-port", "change-ip", "change-ip and change-port"}
	var ask []question
	for _, flags := range []byte{changePort, changeIP, changeIP | changePort} {
		ask = append(ask, question{to: sources[0], change: flags})
	}
	for n, a := range s.Ask(ask) {
		want := sources[n+1]
		switch {
		case a.message == nil:
			warn(i, verdict.Low, fmt.Sprintf("let UDP from %s out through the relay's firewall, or set no-rfc5780", want),
				"asked for %s, %s has nothing come from %s within %s", names[n+1], sources[0], want, s.wait)
			return false
		case turnclient.RefusalOf(a.message) != nil:
			warn(i, verdict.Low, "set no-rfc5780", "asked for %s, %s refuses", names[n+1], sources[0])
			i.Evidence = turnclient.RefusalOf(a.message).Error()
			return false
		case a.from != want:
			warn(i, verdict.Low, "set no-rfc5780, or name both addresses in listening-ip", "asked for %s, %s answers from %s in place of %s", names[n+1], sources[0], a.from, want)
			return false
		}
	}
	return true
}
