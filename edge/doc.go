// Package edge is the node that holds WebSockets. It keeps nothing that another edge could not take over: what a session is lies in the key
// that its client holds, what was said lies in the replay streams, and who is in a room is agreed with the other edges by announces.
//
// A frame's way through it:
//
//	host.go      the name that was asked for; accept.go: the upgrade, the origin; place.go, address.go: who it is for the limits, and whether there is room
//	hello.go     the token, a new session; resume.go, catchup.go, key.go: one that goes on
//	session.go   reads requests one after another
//	route.go     checks the rate, decodes, picks the operation; gate.go: what it, its address, its user and its room may do and store
//	rooms.go     membership; publish.go: the sender is stamped, the event numbered and encoded once, published
//	moderate.go  who may kick and lock, and who may not join; enforce.go: what moderators decided, anywhere, takes effect on the sessions here
//	hearing.go   what the streams tell, put in order by sequence.go, holes filled from the streams; repeats.go: what was tried twice goes on once
//	queue.go     bounded bytes towards one socket; socket.go: the reader's and the writer's loop
//
// Beside it stand roster.go (announces between edges), mend.go (what was missed without a trace), inbox.go and presence.go (what goes to users rather than rooms), calls.go,
// decide.go, ringing.go, meet.go, cross.go, missed.go and held.go (a call's life), ice.go,
// history.go, report.go, limits.go, account.go and loan.go (what bounds whom), refused.go, trace.go (the spans of requests), sweep.go (what time does) and drain.go.
//
// Locks are taken in this order: outbox.mu, Edge.mu, watch.mu, hearing.mu (of a room or an inbox), session.mu, queue.mu, tailMu, loan.mu, and last
// those of books, accounts and storages, of which nobody holds two; what moderators decided has a lock of its own in the bus, after all of them. None
// is held while waiting for a network; publishing under one only fills the connection's buffer.
package edge
