package audit

import (
	"slices"

	"callmesh/turnctl/turnauth"
)

// defaults are secrets and passwords that stand in coturn's own examples and in much-copied guides: the first that a stranger would try.
var defaults = []string{
	"north", "south", "west", "secret", "mysecret", "password", "changeme", "change-me", "coturn", "turn", "turnserver", "test", "123456",
	"your-secret", "your_secret", "yoursecret", "replace-this-secret", "somepassword", "youhavetoberealistic", "logen", "hero", "qwerty", "admin",
}

func defaultSecret(s string) bool { return slices.Contains(defaults, s) }

// guesses are those that are tried against a relay that runs: few, so that no log fills and no gate shuts.
func guesses() []turnauth.Secret {
	var list []turnauth.Secret
	for _, s := range defaults[:14] {
		list = append(list, turnauth.NewSecret(s))
	}
	return list
}
