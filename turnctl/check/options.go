// Package check proves that a TURN relay does what callers need of it, as a ladder of steps that are each timed and reported apart:
// resolve, connect, binding, allocate, refresh, permission, channel, echo both ways of relaying, and so on. A step that fails is
// named with what was seen and what to do; those that rest on it are skipped.
//
// Each step is a STUN transaction (RFC 8489) or an exchange of packets of TURN (RFC 8656, RFC 6062) that this package builds itself, so
// that it can time each and tell which one failed. It sends nothing but to the relay, and through it to itself.
package check

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"time"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// Options say what to check and how.
type Options struct {
	// URLs are the relay's, as clients are given them.
	URLs []turnclient.URL
	// Secret is the relay's shared secret, from which credentials are minted.
	Secret turnauth.Secret
	// Realm is the one that the relay is to say; empty: any.
	Realm string
	// User goes into the credentials' names; empty: turnctl-check.
	User string
	// Timeout bounds each wait for an answer; 0: 3 s.
	Timeout time.Duration
	// Quick makes the whole ladder with few packets, the URLs side by side, and without the throughput: for an agent that checks often.
	Quick bool
	// Packets is how many measure the path; 0: 50, or 10 when quick.
	Packets int
	// Roots are who may have signed certificates; nil: whom the system trusts.
	Roots *x509.CertPool
	// ServerName is what certificates must be for; empty: the URL's host.
	ServerName string
	// CertificateDays is how many days before its end a certificate is warned of; 0: 14.
	CertificateDays int
	// Now is the clock that credentials and certificates go by; nil: the system's.
	Now func() time.Time
	// Progress is told what is under way, from one goroutine at a time; nil: nobody is.
	Progress func(url, step string)
}

// Run makes the ladder for every URL. An item's group is its URL, and its name is the transport with the family of addresses and the
// step, as "udp4.allocate". When ctx ends, what was not finished is unknown.
func Run(ctx context.Context, o Options) verdict.Report {
	o = o.withDefaults()
	var targets []string
	for _, u := range o.URLs {
		targets = append(targets, u.String())
	}
	report := verdict.Report{Command: "check", Target: strings.Join(targets, " "), At: o.Now()}
	var progress sync.Mutex
	tell := o.Progress
	o.Progress = func(url, step string) {
		if tell != nil {
			progress.Lock()
			defer progress.Unlock()
			tell(url, step)
		}
	}
	items := make([][]verdict.Item, len(o.URLs))
	var running sync.WaitGroup
	for n, u := range o.URLs {
		user := o.User
		if n > 0 {
			user = fmt.Sprintf("%s-%d", o.User, n+1) // a quota of each user's is not used up by the URLs together
		}
		one := func() { items[n] = checkURL(ctx, o, u, user) }
		if o.Quick {
			running.Go(one)
		} else {
			one()
		}
	}
	running.Wait()
	for _, list := range items {
		report.Items = append(report.Items, list...)
	}
	return report
}

func (o Options) withDefaults() Options {
	if o.User == "" {
		o.User = "turnctl-check"
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Packets == 0 {
		o.Packets = 50
		if o.Quick {
			o.Packets = 10
		}
	}
	if o.CertificateDays == 0 {
		o.CertificateDays = 14
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
