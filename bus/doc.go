// Package bus is callmesh's way over NATS: everything that one edge, relay agent or vantage point tells another goes through here.
//
// Live messages are core NATS: a publisher sends to a subject and every process with interest hears it at once.
// Messages that must survive a fault go to the same subjects, and a JetStream stream per region and shard captures those; the
// publisher's callback comes when the stream has stored the message, so accepted means replayable:
//
//	cm.<region>.<shard>.room.<room>.<to>    captured by the stream CM_<region>_<shard> for two minutes
//	cm.<region>.<shard>.user.<user>         likewise
//	cm._.<shard>.room.<room>._              live only: no region is called "_", so no stream captures it
//	cmx.lease.<edge>                        heartbeats
//	cmx.edge.<edge>                         an edge's own inbox
//
// Publishers use their own region; subscribers use "*" in its place. Room and user are base64url, so nothing from outside ever enters a
// subject unencoded. One connection serves the process; it never echoes, so whoever publishes also serves its own listeners.
//
// The bus fails fast and recovers by itself: [Open] returns at once and connects in the background; while there is no connection every
// publish fails with [ErrUnavailable], every publish that waits for its ack fails the moment the connection is lost, and nothing is
// sent later than it was asked for.
package bus
