package check

import (
	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
)

// sockets is how many are tried, where the relay takes one for somebody else's of before.
const sockets = 4

// fresh gives the ladder another connection, with its challenge and the credential of the one before, which stays open so that no other is given its port.
func (l *ladder) fresh() error {
	c, err := l.another()
	if err != nil {
		return err
	}
	m, err := c.Do(l.ctx, stun.MethodAllocate, turnclient.Allocation(turnclient.RelayUDP, l.addr.Addr().Is6())...)
	if turnclient.Code(err) != 401 || !c.Challenged(m) {
		c.Close()
		return err
	}
	if m, err := c.Do(l.ctx, stun.MethodBinding); err == nil {
		l.learn(m) // this one's address is another
	}
	c.Credential = l.client.Credential
	l.before = append(l.before, l.client)
	l.client = c
	return nil
}
