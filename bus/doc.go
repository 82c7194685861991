// Package bus is callmesh's way over NATS: everything that one edge, relay agent or vantage point tells another goes through here.
//
// Messages that must survive a fault are published to a JetStream stream per region and shard, which tells what it has stored to every process with
// interest, the publisher too; the publisher's callback comes when the stream has stored the message. So accepted means replayable, and so does heard.
// Live messages are core NATS, and go where streams tell:
//
//	cm.<region>.<shard>.room.<room>.<to>      captured by the stream CM_<region>_<shard> for two minutes; nobody else listens
//	cm.<region>.<shard>.user.<user>.<to>      likewise
//	cmtold.<region>.<shard>.room.<room>.<to>  told by the stream
//	cmtold._.<shard>.room.<room>._            live only: no region is called "_"
//	cmx.lease.<edge>                          heartbeats
//	cmx.edge.<edge>                           an edge's own inbox
//
// Publishers use their own region; subscribers use "*" in its place. Room and user are base64url, so nothing from outside ever enters a
// subject unencoded. One connection serves the process; what is live only it does not echo.
//
// The bus fails fast and recovers by itself: [Open] returns at once and connects in the background; while there is no connection every
// publish fails with [ErrUnavailable], every publish that waits for its ack fails the moment the connection is lost, and nothing is
// sent later than it was asked for.
package bus
