package coordinator

import (
	"slices"
	"strings"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/turnctl/turnauth"
)

// maxRelays is how many relays an agent is given. More would be tried all at once, and slow each other down.
const maxRelays = 3

// Relays are those that agents are given.
type Relays struct {
	// Static are URLs (RFC 7064, 7065) that every agent is given.
	Static []string
	// Registry are the relays of the mesh; nil: there are none but the static ones.
	Registry *bus.Relays
	// Secrets sign the credentials, the first unless a relay's agent names another. Without any, no relay is given.
	Secrets []turnauth.Secret
	// Name is what relays know whoever uses them by.
	Name string
	TTL  time.Duration
}

// For are the servers of an agent: the static ones, or else a few of those that work in its region, or if that has none in any other. Without a region they are all
// that work anywhere, which tell what a run can try.
func (r *Relays) For(region wire.Region, now time.Time) ([]wire.ICEServer, error) {
	if len(r.Static) > 0 {
		return r.static(now)
	}
	var list []bus.RelayState
	if r.Registry != nil {
		list = r.Registry.List()
	}
	list = slices.DeleteFunc(list, func(s bus.RelayState) bool { return s.Health != wire.RelayHealthy || s.Draining || len(r.Secrets) == 0 })
	if region == "" {
		return r.minted(list, now)
	}
	if own := slices.DeleteFunc(slices.Clone(list), func(s bus.RelayState) bool { return s.Region != region }); len(own) > 0 {
		list = own
	}
	return r.minted(list[:min(len(list), maxRelays)], now)
}

// minted are the relays with credentials.
func (r *Relays) minted(list []bus.RelayState, now time.Time) (servers []wire.ICEServer, err error) {
	for _, s := range list {
		secret, ok := turnauth.ByID(r.Secrets, string(s.Key))
		if !ok {
			secret = r.Secrets[0]
		}
		c, err := turnauth.Mint(secret, r.Name, r.TTL, now)
		if err != nil {
			return nil, err
		}
		servers = append(servers, wire.ICEServer{URLs: s.URLs, Username: c.Username, Credential: c.Password, Region: s.Region})
	}
	return servers, nil
}

func (r *Relays) static(now time.Time) (servers []wire.ICEServer, err error) {
	var stun, turn []string
	for _, u := range r.Static {
		if strings.HasPrefix(u, "stun:") {
			stun = append(stun, u)
		} else {
			turn = append(turn, u)
		}
	}
	if len(stun) > 0 {
		servers = append(servers, wire.ICEServer{URLs: stun})
	}
	if len(turn) == 0 || len(r.Secrets) == 0 {
		return servers, nil
	}
	c, err := turnauth.Mint(r.Secrets[0], r.Name, r.TTL, now)
	if err != nil {
		return nil, err
	}
	return append(servers, wire.ICEServer{URLs: turn, Username: c.Username, Credential: c.Password}), nil
}
