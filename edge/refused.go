package edge

import "callmesh/bus/wire"

// Why something was refused: the label `why` of callmesh_edge_refused_total. What belongs to which is listed in [refusals].
const (
	whyOrigin         = "origin"          // the page is another site's
	whyHost           = "host"            // the name in the address bar is not the edge's
	whyProtocol       = "protocol"        // no WebSocket of the contract
	whyDraining       = "draining"        // the edge is about to stop
	whyFull           = "full"            // the edge, or the room, has as many as it takes
	whyWaiting        = "waiting"         // too many that have not said hello
	whyAddressRate    = "address_rate"    // too many a second from one address
	whyAddressFull    = "address_full"    // too many at once from one address
	whyAddressWaiting = "address_waiting" // too many from one address that have not said hello
	whyToken          = "token"
	whyBus            = "bus" // the bus is not ready
	whyUserFull       = "user_full"
	whyOff            = "off" // guests are not wanted
	whyName           = "name"
	whySessionRate    = "session_rate"
	whySessionFull    = "session_full" // the session has as many as it may
	whySessionBytes   = "session_bytes"
	whyFlooding       = "flooding"  // went on regardless
	whyFragments      = "fragments" // more of them than bytes
	whyControl        = "control"   // too many pings and pongs
	whyTooLarge       = "too_large"
	whyBinary         = "binary"
	whyAddressBytes   = "address_bytes"
	whyUserBytes      = "user_bytes"
	whyRoomBytes      = "room_bytes"
	whyAddressKept    = "address_kept"
	whyUserKept       = "user_kept"
	whyRoomKept       = "room_kept"
	whyBusy           = "busy" // other resumes have what there is
	whyTooMuch        = "too_much"
	whyEnded          = "ended" // the session is over, or was never
	whyKey            = "key"
	whyBanned         = "banned" // a moderator keeps the user out
	whyLocked         = "locked" // the room is
	whyRights         = "rights" // the session does not moderate
	whyUserRate       = "user_rate"
)

// What is refused: the label `what`.
const (
	whatConnect = "connect"
	whatGuest   = "guest"
	whatHello   = "hello"
	whatResume  = "resume"
	whatFrame   = "frame"
	whatCall    = "call"
	whatJoin    = "join"
	whatHistory = "history"
	whatStore   = "store"  // what would go into a stream
	whatRuling  = "ruling" // a moderator's kick, lock or answer to a knock
	whatContact = "contact"
	whatKnock   = "knock"
	whatReport  = "report" // of an attempt to connect
	whatMove    = "move"   // what goes to another device
)

// refusals lists what is refused and why. The metric has all of them from the start, so that each can be watched.
var refusals = map[string][]string{
	whatConnect: {whyOrigin, whyHost, whyProtocol, whyDraining, whyFull, whyWaiting, whyAddressRate, whyAddressFull, whyAddressWaiting},
	whatGuest:   {whyOrigin, whyHost, whyOff, whyName, whyAddressRate},
	whatHello:   {whyToken, whyDraining, whyBus, whyFull, whyUserFull, whyBanned},
	whatResume:  {whyKey, whyEnded, whyBus, whyBusy, whyTooMuch, whyBanned},
	whatFrame:   {whySessionRate, whySessionBytes, whyFlooding, whyFragments, whyControl, whyTooLarge, whyBinary},
	whatCall:    {whySessionRate, whyAddressRate},
	whatJoin:    {whySessionRate, whyAddressRate, whySessionFull, whyFull, whyBanned, whyLocked},
	whatHistory: {whySessionRate, whyAddressRate},
	whatStore:   {whyAddressBytes, whyUserBytes, whyRoomBytes, whyAddressKept, whyUserKept, whyRoomKept},
	whatRuling:  {whyRights, whySessionRate, whyAddressRate, whyFull},
	whatContact: {whySessionRate, whyUserRate, whyAddressRate, whyFull, whyEnded},
	whatKnock:   {whySessionRate, whyUserRate, whyAddressRate, whyBanned, whyFull},
	whatReport:  {whySessionRate, whyUserRate, whyAddressRate},
	whatMove:    {whyOrigin, whyHost, whyAddressRate, whyToken, whyBanned, whyEnded, whyBus},
}

func (e *Edge) refused(what, why string) { e.metrics.refused.WithLabelValues(what, why).Inc() }

// refusedOp counts what an operation refused for a limit of its own.
func (e *Edge) refusedOp(s *session, req *wire.Request, err error) {
	code := wire.AsError(err).Code
	switch req.Args.(type) {
	case wire.JoinArgs:
		switch {
		case code == wire.CodeRoomFull && s.roomCount() >= e.limits.Rooms:
			e.refused(whatJoin, whySessionFull)
		case code == wire.CodeRoomFull:
			e.refused(whatJoin, whyFull)
		}
	case wire.CallArgs:
		if code == wire.CodeRateLimited {
			e.refused(whatCall, whySessionRate)
		}
	case wire.ContactArgs, wire.InvitedArgs:
		switch code {
		case wire.CodeTooLarge:
			e.refused(whatContact, whyFull)
		case wire.CodeGone:
			e.refused(whatContact, whyEnded)
		}
		return
	case wire.KickArgs, wire.LockArgs, wire.ModerateArgs, wire.AdmitArgs:
		switch code {
		case wire.CodeForbidden:
			e.refused(whatRuling, whyRights)
		case wire.CodeRateLimited:
			e.refused(whatRuling, whySessionRate)
		case wire.CodeTooLarge:
			e.refused(whatRuling, whyFull)
		}
		return
	}
	if code == wire.CodeTooLarge {
		e.refused(whatFrame, whyTooLarge)
	}
}
