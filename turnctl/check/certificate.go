package check

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"callmesh/turnctl/relaycert"
	"callmesh/turnctl/verdict"
)

// certificate judges what the relay showed in its handshake.
func (l *ladder) certificate() {
	l.step("certificate", func(i *verdict.Item) {
		judge(i, l.presented.Chain, l.o.Roots, l.name(), l.o.Now(), l.o.CertificateDays)
		i.Took = noTime
	})
	last := &l.items[len(l.items)-1]
	// Callers do not get past a wrong certificate, but whoever mends it wants to know what else there is.
	if last.Status == verdict.Fail && l.stopped == last.Name {
		l.stopped = ""
	}
}

// judge verifies a chain as a browser would: who signed it, for whom, and from when until when.
func judge(i *verdict.Item, chain []*x509.Certificate, roots *x509.CertPool, name string, now time.Time, warnDays int) {
	if len(chain) == 0 {
		fail(i, verdict.Critical, nil, "name the certificate in cert= of turnserver.conf", "the relay shows no certificate that can be read")
		return
	}
	leaf := chain[0]
	if relaycert.IsStandIn(leaf) {
		fail(i, verdict.Critical, nil, "the log of turnctl provision --supervise names the file and what is wrong with it",
			"the relay shows its stand-in: its own certificate, or the key of that, is missing or can't be loaded")
		return
	}
	left := leaf.NotAfter.Sub(now)
	value(i, "certificate_expiry_seconds", math.Round(left.Seconds()))
	value(i, "certificate_expiry_timestamp_seconds", float64(leaf.NotAfter.Unix()))
	i.Evidence = fmt.Sprintf("for %s, by %.200q, until %s", namesOf(leaf), leaf.Issuer.String(), leaf.NotAfter.UTC().Format(time.RFC3339))
	renew := "renew it, put it where cert= of turnserver.conf says, and have coturn read it (turnctl rotate, or kill -USR2)"
	if left <= 0 {
		fail(i, verdict.Critical, nil, renew, "the certificate has expired: it was good until %s", leaf.NotAfter.UTC().Format(time.DateTime))
		return
	}
	if now.Before(leaf.NotBefore) {
		fail(i, verdict.Critical, nil, "see to the clocks, or wait", "the certificate is not good before %s", leaf.NotBefore.UTC().Format(time.DateTime))
		return
	}
	if err := leaf.VerifyHostname(name); err != nil {
		fail(i, verdict.Critical, nil, fmt.Sprintf("get a certificate for %s, or give callers a URL with a name that it is for", name),
			"wrong name: the certificate is not for %s, but for %s", name, namesOf(leaf))
		return
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now}); err != nil {
		var unknown x509.UnknownAuthorityError
		if errors.As(err, &unknown) {
			fail(i, verdict.Critical, nil, "put the whole chain into the file of cert= (fullchain.pem), or trust its authority by --ca-file",
				"the certificate's chain does not end at an authority that is trusted here")
			return
		}
		fail(i, verdict.Critical, nil, "put a right chain into the file of cert=", "the certificate's chain is wrong: %s", err)
		return
	}
	i.Summary = fmt.Sprintf("good for %s for %d more days", name, int(left.Hours()/24))
	if left < time.Duration(warnDays)*24*time.Hour {
		warn(i, verdict.Medium, renew, "the certificate ends in %d days", int(left.Hours()/24))
	}
}

// namesOf are the names and addresses that a certificate is for, the first of many.
func namesOf(c *x509.Certificate) string {
	var list []string
	for _, n := range c.DNSNames {
		list = append(list, fmt.Sprintf("%.253s", n))
	}
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	const most = 8
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	if list == nil {
		return "no name"
	}
	return strings.Join(list, ", ")
}
