// Package nat knows the behaviours of NATs as RFC 4787 names them and RFC 5780 tells them apart, and predicts from two of them whether ICE (RFC 8445) can punch a hole between.
//
// It is pure: what a host's NAT is like is measured elsewhere.
package nat

import "fmt"

// Mapping is when a NAT uses the same outer port again (RFC 4787, section 4.1).
type Mapping string

// The mappings. Unknown is told rather than guessed, for instance where the STUN server has no second address.
const (
	EIM            Mapping = "EIM"  // endpoint-independent: one port for all destinations
	ADM            Mapping = "ADM"  // address-dependent: one port for each address
	APDM           Mapping = "APDM" // address- and port-dependent: one port for each address and port
	MappingUnknown Mapping = "unknown"
)

// Filtering is whose packets a NAT lets in through a port that it has mapped (RFC 4787, section 5).
type Filtering string

// The filterings.
const (
	EIF              Filtering = "EIF"  // endpoint-independent: anybody's
	ADF              Filtering = "ADF"  // address-dependent: from addresses that were sent to
	APDF             Filtering = "APDF" // address- and port-dependent: from addresses and ports that were sent to
	FilteringUnknown Filtering = "unknown"
)

// Class is a NAT, as far as hole punching goes. A host without a NAT or firewall is EIM and EIF.
type Class struct {
	Mapping   Mapping   `json:"mapping"`
	Filtering Filtering `json:"filtering"`
	// UDPBlocked is a network that no UDP leaves.
	UDPBlocked bool `json:"udpBlocked,omitempty"`
}

// Classes are the nine that there can be where UDP passes, from the most open to the strictest.
func Classes() []Class {
	var all []Class
	for _, m := range []Mapping{EIM, ADM, APDM} {
		for _, f := range []Filtering{EIF, ADF, APDF} {
			all = append(all, Class{Mapping: m, Filtering: f})
		}
	}
	return all
}

// Known says whether both behaviours could be told.
func (c Class) Known() bool {
	return c.UDPBlocked || known(c.Mapping, EIM, ADM, APDM) && known(c.Filtering, EIF, ADF, APDF)
}

func known[T comparable](v T, of ...T) bool {
	for _, o := range of {
		if v == o {
			return true
		}
	}
	return false
}

// String is like "EIM/APDF", or "UDP blocked".
func (c Class) String() string {
	if c.UDPBlocked {
		return "UDP blocked"
	}
	m, f := c.Mapping, c.Filtering
	if m == "" {
		m = MappingUnknown
	}
	if f == "" {
		f = FilteringUnknown
	}
	return fmt.Sprintf("%s/%s", m, f)
}
