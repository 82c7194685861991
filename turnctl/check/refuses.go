package check

import (
	"crypto/rand"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// refusesWrong tries a credential that no secret of the relay's makes.
func (l *ladder) refusesWrong(i *verdict.Item) {
	c, err := l.mint(turnauth.NewSecret(rand.Text()), l.user, ttl)
	if err != nil {
		i.Status, i.Summary = verdict.Unknown, err.Error()
		return
	}
	l.mustRefuse(i, c, "a credential of another secret", "put use-auth-secret into turnserver.conf, and take no-auth out")
}

// refusesExpired tries a credential that was good until an hour ago.
func (l *ladder) refusesExpired(i *verdict.Item) {
	name, err := turnauth.Mint(l.o.Secret, l.user, time.Hour, l.o.Now().Add(-2*time.Hour))
	if err != nil {
		i.Status, i.Summary = verdict.Unknown, err.Error()
		return
	}
	l.mustRefuse(i, name, "an expired credential", "use use-auth-secret in place of lt-cred-mech with user= lines, and set the relay's clock (timedatectl)")
}

// mustRefuse makes an allocation of its own with a credential that must not be good.
func (l *ladder) mustRefuse(i *verdict.Item, c turnauth.Credential, what, fix string) {
	ask := turnclient.Allocation(turnclient.RelayUDP, l.addr.Addr().Is6())
	var other *turnclient.Client
	var err error
	for n := 0; n < sockets && (n == 0 || turnclient.Remembered(err)); n++ {
		if other, err = l.another(); err != nil {
			i.Status, i.Summary, i.Evidence = verdict.Unknown, "no second connection to the relay", turnclient.Words(err, l.o.Timeout)
			return
		}
		defer other.Close() // not before the others have their ports
		var m *stun.Message
		m, err = other.Do(l.ctx, stun.MethodAllocate, ask...)
		if turnclient.Code(err) != 401 || !other.Challenged(m) {
			i.Status, i.Summary = verdict.Unknown, "the relay did not ask for a credential this time"
			if err != nil {
				i.Evidence = turnclient.Words(err, l.o.Timeout)
			}
			return
		}
		other.Credential = c
		_, err = other.Authed(l.ctx, stun.MethodAllocate, ask...)
	}
	switch n := turnclient.Code(err); {
	case err == nil:
		fail(i, verdict.Critical, nil, fix, "%s is accepted", what)
		i.Evidence = "Allocate succeeded"
		_, _ = other.Authed(l.ctx, stun.MethodRefresh, turnclient.Lifetime(0))
	case n == 401:
		i.Summary = what + " is refused"
		i.Evidence = err.Error()
	case turnclient.LetIn(n):
		fail(i, verdict.Critical, err, fix, "%s is accepted (the allocation failed for another reason)", what)
	default:
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "the answer tells nothing of the credential", turnclient.Words(err, l.o.Timeout)
	}
}
