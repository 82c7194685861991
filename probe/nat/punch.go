package nat

// The simulation behind [Predict]: two hosts, each behind a NAT of its own, that have learned their server-reflexive candidates from one STUN server and now send connectivity checks (RFC 8445, section 7) for a few rounds.

// place names an outer address: 0 and 1 are the NATs, 2 is the STUN server.
type place int

const stunServer place = 2

// endpoint is an outer address and port.
type endpoint struct {
	at   place
	port int
}

// box is one NAT with the host behind it, which has a single socket.
type box struct {
	class Class
	at    place
	// ports are the mappings made so far: by destination, as far as the mapping depends on it.
	ports map[endpoint]int
	next  int
	// sent is to whom each mapped port has sent.
	sent map[int]map[endpoint]bool
	// peers are the remote candidates that the host knows of: what it was told, and peer-reflexive ones (section 7.3.1.3).
	peers map[endpoint]bool
}

func newBox(c Class, at place) *box {
	return &box{class: c, at: at, ports: map[endpoint]int{}, next: 1, sent: map[int]map[endpoint]bool{}, peers: map[endpoint]bool{}}
}

// out sends to a destination, and gives the address that it comes from.
func (b *box) out(to endpoint) endpoint {
	key := to
	switch b.class.Mapping {
	case EIM, MappingUnknown:
		key = endpoint{}
	case ADM:
		key.port = 0
	case APDM:
	}
	port, mapped := b.ports[key]
	if !mapped {
		port = b.next
		b.next++
		b.ports[key] = port
		b.sent[port] = map[endpoint]bool{}
	}
	b.sent[port][to] = true
	return endpoint{b.at, port}
}

// in says whether a packet from somewhere comes through a mapped port to the host.
func (b *box) in(port int, from endpoint) bool {
	to, mapped := b.sent[port]
	if !mapped {
		return false
	}
	switch b.class.Filtering {
	case ADF:
		for t := range to {
			if t.at == from.at {
				return true
			}
		}
		return false
	case APDF:
		return to[from]
	case EIF, FilteringUnknown:
	}
	return true
}

// rounds is how often every candidate is checked. What can work does in the second: a check, its answer, and one to a candidate that was learned from it. Two NATs that map
// anew for each port give each other new candidates for ever, and none of them is better than the last.
const rounds = 4

// punches says whether a check of one of the two gets its answer.
func punches(a, b Class) bool {
	boxes := [2]*box{newBox(a, 0), newBox(b, 1)}
	for i, one := range boxes {
		reflexive := one.out(endpoint{stunServer, 3478})
		boxes[1-i].peers[reflexive] = true
	}
	for range rounds {
		for i := range boxes {
			if check(boxes[i], boxes[1-i]) {
				return true
			}
		}
	}
	return false
}

// check sends one host's checks. One succeeds if its answer comes back from where it was sent, and to where it came from (section 7.2.5.2.1).
func check(from, to *box) bool {
	var candidates []endpoint
	for c := range from.peers {
		candidates = append(candidates, c)
	}
	for _, c := range candidates {
		source := from.out(c)
		if !to.in(c.port, source) {
			continue
		}
		to.peers[source] = true
		answer := to.out(source)
		if answer == c && from.in(source.port, answer) {
			return true
		}
	}
	return false
}
