// Package audit tries what an attacker would try with a relay, and reads what its configuration lets them: peers on loopback, in private
// networks and at metadata services, in every form in which IPv6 can write an IPv4 address; allocations without credentials, with default
// secrets, without end; and doors that stand open beside. Each finding has a severity, what it rests on, and the line that mends it.
//
// It asks for permissions and channels, and sends nothing through them. Packets through the relay go to sockets of its own on this host, where the
// relay is on it too; Connect goes to this host's own addresses or the relay's own loopback.
package audit

import (
	"context"
	"io/fs"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// Options say what to audit: a configuration, a relay that runs, or both.
type Options struct {
	// Config is what was read from Path, which has Mode; nil means that there is none to read.
	Config *coturn.Config
	Path   string
	Mode   fs.FileMode
	// DatabaseSecrets are those of the user database, for their strength to be judged.
	DatabaseSecrets []turnauth.Secret
	// Version of coturn that the configuration is for.
	Version coturn.Version
	// Target is the relay; nil means that only the configuration is read, and NoTarget says why.
	Target   *Target
	NoTarget string
	// Secret makes the credentials that peers are tried with; without one they cannot be.
	Secret turnauth.Secret
	// Timeout bounds the wait for an answer; 0 means 15 s, as a coturn whose ports others hold takes seconds to say so.
	Timeout time.Duration
	// Allocations is how many one user tries to have at a time, to see a quota hold; 0 means that it is not tried.
	Allocations int
}

// answerTime is the Timeout if none is given. coturn works on each copy of a request, so it is asked again no sooner than after slowly.
const (
	answerTime = 15 * time.Second
	slowly     = 2 * time.Second
)

// transactionTime bounds a connection, and a handshake.
const transactionTime = 3 * time.Second

// Run audits. The report holds what was right too, so that what was looked at is known.
func Run(ctx context.Context, o Options) *verdict.Report {
	if o.Timeout == 0 {
		o.Timeout = answerTime
	}
	r := &verdict.Report{Command: "audit", Target: o.Path, At: time.Now()}
	if o.Config != nil {
		r.Items = append(r.Items, read(o)...)
	}
	if o.Target == nil {
		if o.NoTarget != "" {
			r.Items = append(r.Items, verdict.Item{Name: "live", Group: o.Path, Status: verdict.Skipped, Summary: o.NoTarget})
		}
		return r
	}
	if r.Target == "" {
		r.Target = o.Target.URL.String()
	}
	r.Items = append(r.Items, attack(ctx, o)...)
	return r
}
