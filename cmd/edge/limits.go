package main

import (
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/edge"
)

// LimitsConfig are the bounds of an edge that depend on who uses it and on the machine. What clients rely on, such as the grace, the replay window
// and the size of a frame, is part of the wire contract and the same everywhere.
type LimitsConfig struct {
	Sockets      int  `key:"limit-sockets" default:"50000" help:"WebSockets of this edge; past it, clients are sent elsewhere. Each wants a file descriptor and about 20 KB."`
	Waiting      int  `key:"limit-waiting" default:"20000" help:"WebSockets of this edge that have not said hello."`
	Sessions     int  `key:"limit-sessions" default:"60000" help:"Sessions of this edge, with those whose connection is lost. Who resumes is let in regardless."`
	UserSessions int  `key:"limit-user-sessions" default:"64" help:"Sessions of one user on this edge. Who resumes is let in regardless."`
	Rate         int  `key:"limit-rate" default:"200" help:"Requests per second of a session, in the long run."`
	Burst        int  `key:"limit-burst" default:"1000" help:"Requests of a session at once."`
	ByteRate     int  `key:"limit-byte-rate" default:"524288" help:"Bytes per second that a session sends, in the long run."`
	ByteBurst    int  `key:"limit-byte-burst" default:"4194304" help:"Bytes that a session sends at once."`
	Rooms        int  `key:"limit-rooms" default:"32" help:"Rooms of a session."`
	Peers        int  `key:"limit-peers" default:"128" help:"Peers in a room. The same on all edges."`
	Contacts     int  `key:"limit-contacts" default:"500" help:"Contacts of a user, those asked and those blocked included. The same on all edges."`
	QueueBytes   int  `key:"limit-queue-bytes" default:"1048576" help:"Bytes that wait for one slow reader, before it is cut off and has to resume."`
	ReplayBytes  int  `key:"limit-replay-bytes" default:"16777216" help:"Bytes that one session can have missed and be made whole."`
	ReplayBudget int  `key:"limit-replay-budget" default:"268435456" help:"Bytes of memory for all resumes together; past it they wait for each other."`
	Loopback     bool `key:"limit-loopback" default:"false" help:"Whether the limits of addresses, and those of stored bytes, hold for clients on this machine too."`

	AddressSockets      int `key:"limit-address-sockets" default:"5000" help:"WebSockets of one address. Many people can be behind one, as in an office; an IPv6 address counts with its /64."`
	AddressConnectRate  int `key:"limit-address-connect-rate" default:"200" help:"WebSockets that one address opens per second, in the long run."`
	AddressConnectBurst int `key:"limit-address-connect-burst" default:"5000" help:"WebSockets that one address opens at once, as when an edge of theirs went away."`
	AddressGuestRate    int `key:"limit-address-guest-rate" default:"10" help:"Guests per second from one address, in the long run."`
	AddressGuestBurst   int `key:"limit-address-guest-burst" default:"200" help:"Guests at once from one address."`
	AddressCallRate     int `key:"limit-address-call-rate" default:"50" help:"Calls per second from one address, in the long run."`
	AddressCallBurst    int `key:"limit-address-call-burst" default:"500" help:"Calls at once from one address."`
	AddressJoinRate     int `key:"limit-address-join-rate" default:"200" help:"Joins per second from one address, in the long run."`
	AddressJoinBurst    int `key:"limit-address-join-burst" default:"5000" help:"Joins at once from one address."`
	AddressContactRate  int `key:"limit-address-contact-rate" default:"20" help:"Changes and lists of contacts per second from one address, in the long run."`
	AddressContactBurst int `key:"limit-address-contact-burst" default:"1000" help:"Changes and lists of contacts at once from one address."`
	AddressAskBurst     int `key:"limit-address-ask-burst" default:"300" help:"Strangers that one address asks at once to be contacts; it may ask one more every two seconds. What is asked is kept."`
	AddressKnockRate    int `key:"limit-address-knock-rate" default:"5" help:"Knocks at locked rooms per second from one address, in the long run."`
	AddressKnockBurst   int `key:"limit-address-knock-burst" default:"200" help:"Knocks at locked rooms at once from one address."`
	AddressStoreRate    int `key:"limit-address-store-rate" default:"51200" help:"Bytes per second from one address into one of the eight streams that resumes read, in the long run. A stream keeps 64 MiB for two minutes, and whoever fills it takes the others' replay away."`
	AddressStoreBurst   int `key:"limit-address-store-burst" default:"10485760" help:"Bytes at once from one address into one of those streams."`
	AddressKeepRate     int `key:"limit-address-keep-rate" default:"2048" help:"Bytes per second from one address into the history, in the long run. It keeps 256 MiB for all rooms of a region."`
	AddressKeepBurst    int `key:"limit-address-keep-burst" default:"8388608" help:"Bytes at once from one address into the history."`
	UserKeepRate        int `key:"limit-user-keep-rate" default:"256" help:"Bytes per second from one user into the history, in the long run."`
	UserKeepBurst       int `key:"limit-user-keep-burst" default:"1048576" help:"Bytes at once from one user into the history."`
}

// limits puts the configured ones into the edge's.
func (c *LimitsConfig) limits() edge.Limits {
	l := edge.DefaultLimits()
	l.Sockets, l.Waiting, l.Sessions, l.UserSessions = c.Sockets, c.Waiting, c.Sessions, c.UserSessions
	l.Rate, l.Burst, l.ByteRate, l.ByteBurst = float64(c.Rate), c.Burst, c.ByteRate, c.ByteBurst
	l.Rooms, l.Peers, l.QueueBytes, l.ReplayBytes, l.ReplayBudget = c.Rooms, c.Peers, c.QueueBytes, c.ReplayBytes, c.ReplayBudget
	l.Contacts, l.LimitLoopback = c.Contacts, c.Loopback
	a := &l.Address
	a.Sockets, a.Waiting = c.AddressSockets, max(1, c.AddressSockets/2)
	a.ConnectRate, a.ConnectBurst = float64(c.AddressConnectRate), c.AddressConnectBurst
	a.GuestRate, a.GuestBurst = float64(c.AddressGuestRate), c.AddressGuestBurst
	a.CallRate, a.CallBurst = float64(c.AddressCallRate), c.AddressCallBurst
	a.JoinRate, a.JoinBurst = float64(c.AddressJoinRate), c.AddressJoinBurst
	a.ContactRate, a.ContactBurst, a.AskBurst = float64(c.AddressContactRate), c.AddressContactBurst, c.AddressAskBurst
	a.KnockRate, a.KnockBurst = float64(c.AddressKnockRate), c.AddressKnockBurst
	a.Store = edge.StoreLimits{Rate: c.AddressStoreRate, Burst: c.AddressStoreBurst, KeepRate: c.AddressKeepRate, KeepBurst: c.AddressKeepBurst}
	a.ReplayBytes = c.ReplayBudget / 4
	l.UserStore = edge.StoreLimits{Rate: c.AddressStoreRate, Burst: c.AddressStoreBurst, KeepRate: c.UserKeepRate, KeepBurst: c.UserKeepBurst}
	l.RoomStore.Rate, l.RoomStore.Burst = 2*c.AddressStoreRate, 2*c.AddressStoreBurst
	// Whoever has a socket has an account; there must be room for those who come and go as well.
	l.Accounts = max(l.Accounts, c.Sockets)
	return l
}

// frames is the least that a bound on bytes must let through at once: a frame of the greatest size, twice.
const frames = 2 * wire.MaxFrameBytes

func (c *LimitsConfig) checkLimits(p *cli.Problems) {
	for _, l := range []struct {
		key          string
		value, least int
		why          string
	}{
		{"limit-sockets", c.Sockets, 1, ""},
		{"limit-waiting", c.Waiting, 1, ""},
		{"limit-sessions", c.Sessions, 1, ""},
		{"limit-user-sessions", c.UserSessions, 1, ""},
		{"limit-rate", c.Rate, 10, ": starting a call alone takes some dozens of requests"},
		{"limit-burst", c.Burst, 100, ": starting a call alone takes some dozens of requests"},
		{"limit-byte-rate", c.ByteRate, 1024, ""},
		{"limit-byte-burst", c.ByteBurst, frames, ": two of the largest frames"},
		{"limit-rooms", c.Rooms, 1, ""},
		{"limit-peers", c.Peers, 2, ""},
		{"limit-contacts", c.Contacts, 1, ""},
		{"limit-queue-bytes", c.QueueBytes, frames, ": two of the largest frames"},
		{"limit-replay-bytes", c.ReplayBytes, 1 << 20, ""},
		{"limit-address-sockets", c.AddressSockets, 1, ""},
		{"limit-address-connect-rate", c.AddressConnectRate, 1, ""},
		{"limit-address-connect-burst", c.AddressConnectBurst, 1, ""},
		{"limit-address-guest-rate", c.AddressGuestRate, 1, ""},
		{"limit-address-guest-burst", c.AddressGuestBurst, 1, ""},
		{"limit-address-call-rate", c.AddressCallRate, 1, ""},
		{"limit-address-call-burst", c.AddressCallBurst, 1, ""},
		{"limit-address-join-rate", c.AddressJoinRate, 1, ""},
		{"limit-address-join-burst", c.AddressJoinBurst, 1, ""},
		{"limit-address-contact-rate", c.AddressContactRate, 1, ""},
		{"limit-address-contact-burst", c.AddressContactBurst, 1, ""},
		{"limit-address-ask-burst", c.AddressAskBurst, 1, ""},
		{"limit-address-knock-rate", c.AddressKnockRate, 1, ""},
		{"limit-address-knock-burst", c.AddressKnockBurst, 1, ""},
		{"limit-address-store-rate", c.AddressStoreRate, 1024, ""},
		{"limit-address-store-burst", c.AddressStoreBurst, frames, ": two of the largest frames"},
		{"limit-address-keep-rate", c.AddressKeepRate, 1, ""},
		{"limit-address-keep-burst", c.AddressKeepBurst, frames, ": two of the largest frames"},
		{"limit-user-keep-rate", c.UserKeepRate, 1, ""},
		{"limit-user-keep-burst", c.UserKeepBurst, frames, ": two of the largest frames"},
	} {
		if l.value < l.least {
			p.Wrong(l.key, "%d is too little; at least %d%s", l.value, l.least, l.why)
		}
	}
	if c.Peers > 1000 {
		p.Wrong("limit-peers", "%d is too much; at most 1000, since each hears of each", c.Peers)
	}
	// A list of contacts is one value of a bucket, of some 200 bytes for each.
	if c.Contacts > 2000 {
		p.Wrong("limit-contacts", "%d is too much; at most 2000, since the list is read and written as one", c.Contacts)
	}
	// An address has a quarter of the budget, and a resume reads twice what it may have missed.
	if least := 8 * c.ReplayBytes; c.ReplayBudget < least {
		p.Wrong("limit-replay-budget", "%d is too little; at least %d, eight times limit-replay-bytes, so that one address can resume and not take it all", c.ReplayBudget, least)
	}
}
