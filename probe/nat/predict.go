package nat

// Expected is what direct connectivity between two NATs should come to.
type Expected string

// What is expected.
const (
	Direct  Expected = "direct"  // a hole can be punched
	Relayed Expected = "relayed" // only a relay connects the two
	Unsure  Expected = "unsure"  // one of the two could not be told, and it matters
)

// Predict says what ICE should come to between hosts behind two distinct NATs: no port prediction, no UPnP, and outer addresses that do not change from port to port (paired pooling, RFC 4787, REQ-2).
// It is symmetric. Of what is not known every possibility is tried: if they agree, that is the prediction.
func Predict(a, b Class) Expected {
	if a.UDPBlocked || b.UDPBlocked {
		return Relayed
	}
	var direct, relayed bool
	for _, pa := range possible(a) {
		for _, pb := range possible(b) {
			if punches(pa, pb) {
				direct = true
			} else {
				relayed = true
			}
		}
	}
	switch {
	case direct && relayed:
		return Unsure
	case direct:
		return Direct
	}
	return Relayed
}

// possible are the known classes that a class may be.
func possible(c Class) []Class {
	var all []Class
	for _, known := range Classes() {
		if (c.Mapping == known.Mapping || c.Mapping == MappingUnknown || c.Mapping == "") &&
			(c.Filtering == known.Filtering || c.Filtering == FilteringUnknown || c.Filtering == "") {
			all = append(all, known)
		}
	}
	return all
}
