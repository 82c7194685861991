package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"callmesh/bus/wire"
	"callmesh/turnctl/check"
	"callmesh/turnctl/fleet"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// unneeded are steps of a check without which callers are served all the same: they are for `turnctl check` and its reader, and no reason to send nobody to
// a relay.
var unneeded = []string{"refuses", "rfc5780", "software", "path", "throughput", "tcp-relay", "deallocate"}

// quickCheck is the check of an agent: whether callers can use a URL. A relay that does not answer is asked again, at other ports too, to tell what is wrong:
// three waits fit into the time that the pace gives. One that has not served in all of it has failed. caFile, unless empty, is who may sign certificates.
func quickCheck(realm, caFile string, pace fleet.Pace) fleet.Check {
	return func(ctx context.Context, url string, secret turnauth.Secret) verdict.Report {
		u, err := wire.ParseRelayURL(url)
		if err != nil {
			return verdict.Report{Items: []verdict.Item{{Name: "url", Status: verdict.Unknown, Summary: err.Error()}}}
		}
		pool, unread := roots(u, caFile)
		report := check.Run(ctx, check.Options{
			URLs: []turnclient.URL{u}, Secret: secret, Realm: realm, User: "turnctl-watch", Timeout: pace.CheckTimeout() / 3, Quick: true, Packets: 1,
			Roots: pool,
		})
		for n := range report.Items {
			if i := &report.Items[n]; unread != nil && i.Status == verdict.Fail && strings.HasSuffix(i.Name, ".certificate") {
				i.Summary += "; " + unread.Error()
				i.Fix += "; put the authority's certificate into ca-file, in PEM form"
			}
		}
		report.Items = slices.DeleteFunc(report.Items, func(i verdict.Item) bool {
			return slices.ContainsFunc(unneeded, func(step string) bool { return slices.Contains(strings.Split(i.Name, "."), step) })
		})
		for n := range report.Items {
			if i := &report.Items[n]; i.Status == verdict.Unknown && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				i.Status, i.Summary = verdict.Fail, "not served within "+pace.CheckTimeout().String()
			}
		}
		return report
	}
}

// roots are who may sign the certificate that a URL shows: nobody while the file can't be read, which the error says, and whom the system trusts without one.
func roots(u turnclient.URL, caFile string) (*x509.CertPool, error) {
	if caFile == "" || !u.Transport.Secure() {
		return nil, nil
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(caFile)
	if err != nil {
		return pool, fmt.Errorf("ca-file: %w", err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return pool, fmt.Errorf("ca-file: %s holds no certificate", caFile)
	}
	return pool, nil
}
