// Package wire is every noun and every byte that callmesh puts on a wire.
//
// Two wires meet here. The first runs between a page (or any other client) and an edge: JSON text frames
// over a WebSocket with the subprotocol [Subprotocol]. A client sends a request, the edge answers it with
// ok or an error that carries the same id, and events arrive in between:
//
//	-> {"id":1,"op":"join","room":"lobby"}
//	<- {"id":1,"ok":{"peers":[]}}
//	<- {"ev":"joined","mid":"q3v7k2mhbx5za:41","at":1760000000000,"room":"lobby","peer":"…","user":{…},…}
//
// The second runs between edges, over NATS: an [Envelope] in a compact binary form around the very bytes
// that the receiving edge will hand to its clients. An event is thus encoded once, by the edge that accepted
// it, and never decoded again on the way; what a client sent as data is checked to be well-formed JSON and is
// otherwise never looked into.
//
// The package imports nothing but the standard library, so that a client in another repository can use it.
// PROTOCOL.md beside it is the contract in prose; testdata holds vectors that the Go and the TypeScript
// tests both read; web/src/wire/wire.gen.ts is generated from the types here.
package wire

// Subprotocol is the WebSocket subprotocol that a client must offer and an edge selects (RFC 6455, section 1.9).
const Subprotocol = "callmesh.v1"

// MaxFrameBytes bounds one frame of a client. A longer one ends the connection with [CloseTooLarge].
const MaxFrameBytes = 64 << 10
