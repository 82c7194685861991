package edgetest

import (
	"maps"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge/auth"
	"callmesh/turnctl/turnauth"
)

// ModeratorToken signs a token for a user who moderates the rooms.
func ModeratorToken(t testing.TB, user string, rooms ...string) string {
	t.Helper()
	signer, err := auth.NewSigner(turnauth.NewSecret(Secret), nil)
	must(t, err)
	token, _, err := signer.SignModerator(user, user, time.Hour, rooms)
	must(t, err)
	return token
}

// Moderator is [Connect] with such a token.
func Moderator(t testing.TB, n *Node, user string, rooms ...string) *Client {
	t.Helper()
	c := Dial(t, n.URL)
	c.greet(wire.HelloArgs{Token: ModeratorToken(t, user, rooms...)})
	return c
}

// ResumeWith is [Client.Resume] with a token of one's own choice.
func (c *Client) ResumeWith(n *Node, token string) *Client {
	c.t.Helper()
	next := Dial(c.t, n.URL)
	c.mu.Lock()
	maps.Copy(next.seen, c.seen)
	resume := &wire.Resume{Session: c.Hello.Session, Key: c.key, Seen: maps.Clone(c.seen)}
	c.mu.Unlock()
	next.greet(wire.HelloArgs{Token: token, Resume: resume})
	return next
}
