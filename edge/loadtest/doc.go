// Package loadtest measures a mesh of real processes, and beside every number its bound: the least that could do the same work, measured in
// the same run on the same machine. A number alone says how fast the machine is; the ratio says what the mesh costs.
//
//	mesh.go      edges and a nats-server as processes of their own; session.go: who connects to them
//	bare.go      the bound: bare coder/websocket relays, joined by a nats-server of their own; relay.go is what runs in those processes
//	conn.go      a WebSocket client that costs next to nothing, so that the generator leaves the machine to what is measured
//	stream.go    one sender and its receivers: every message is numbered, and each receiver checks that none is lost, repeated or out of order;
//	             pairs.go opens them on both sides, flow.go reads what comes, drive.go has the loads: paced, and with a window of unanswered requests
//	survivor.go  a session whose edge is killed, and which resumes elsewhere
//	usage.go     CPU time and resident memory of a process, from /proc; quiet.go waits until there is nothing left to do
//	scenario.go  the list of scenarios, each in a file of its own; samples.go: medians; table.go: what is printed
//
// Both sides run at once and are loaded in turns, ours, the bound, ours, the bound, so that what else happens on the machine meets both. What
// is counted is checked: a lost message is an error, not a faster result. It needs Linux.
package loadtest
