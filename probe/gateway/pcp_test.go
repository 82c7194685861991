package gateway

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

var (
	announce = pcpRequest(pcpAnnounce, netip.MustParseAddr("10.0.0.2"), pcpNonce{}, 0, 0)
	mapping  = pcpRequest(pcpMap, netip.MustParseAddr("10.0.0.2"), pcpNonce{'a', 'b'}, 4660, lifetime)
)

// mapped answers a MAP as RFC 6887 says.
func mapped(request []byte, outer netip.AddrPort) []byte {
	b := append([]byte(nil), request...)
	b[1] |= pcpResponse
	for i := range 16 {
		b[8+i] = 0 // the epoch, and what is reserved
	}
	as16 := outer.Addr().As16()
	b[42], b[43] = byte(outer.Port()>>8), byte(outer.Port())
	copy(b[44:], as16[:])
	return b
}

func with(b []byte, at int, v byte) []byte {
	b = append([]byte(nil), b...)
	b[at] = v
	return b
}

func TestParsePCP(t *testing.T) {
	good := mapped(mapping, netip.MustParseAddrPort("198.51.100.7:40000"))
	hello := with(announce, 1, pcpResponse)
	for name, c := range map[string]struct {
		request, answer []byte
		want            pcpAnswer
		err             error
	}{
		"announced":           {announce, hello, pcpAnswer{}, nil},
		"an error":            {announce, with(hello, 3, 4), pcpAnswer{result: 4}, nil},
		"mapped":              {mapping, good, pcpAnswer{life: 2 * time.Minute, port: 40000, external: netip.MustParseAddr("198.51.100.7")}, nil},
		"with an option":      {mapping, append(append([]byte(nil), good...), 1, 0, 0, 0), pcpAnswer{life: 2 * time.Minute, port: 40000, external: netip.MustParseAddr("198.51.100.7")}, nil},
		"NAT-PMP's":           {announce, []byte{0, 0x80, 0, 1, 0, 0, 0, 9}, pcpAnswer{}, errOtherVersion},
		"another nonce":       {mapping, with(good, 24, 'z'), pcpAnswer{}, errNotOurs},
		"another protocol":    {mapping, with(good, 36, 6), pcpAnswer{}, errNotOurs},
		"another inner port":  {mapping, with(good, 41, 0), pcpAnswer{}, errNotOurs},
		"of another opcode":   {mapping, with(good, 1, pcpResponse|2), pcpAnswer{}, errNotOurs},
		"a request":           {mapping, mapping, pcpAnswer{}, errNotOurs},
		"a map without a map": {mapping, good[:pcpHeader], pcpAnswer{}, errNotOurs},
		"cut":                 {mapping, good[:58], pcpAnswer{}, errNotOurs},
		"empty":               {announce, nil, pcpAnswer{}, errNotOurs},
		"too long":            {announce, append(hello, make([]byte, 1100)...), pcpAnswer{}, errNotOurs},
	} {
		got, err := parsePCP(c.request, c.answer)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, c.want, c.err)
		}
	}
}

// Whatever comes, what is taken is an answer to the request.
func FuzzParsePCP(f *testing.F) {
	f.Add(with(announce, 1, pcpResponse))
	f.Add(mapped(mapping, netip.MustParseAddrPort("198.51.100.7:40000")))
	f.Add([]byte{0, 0x80, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, request := range [][]byte{announce, mapping} {
			got, err := parsePCP(request, b)
			if err != nil {
				if got != (pcpAnswer{}) {
					t.Errorf("%+v beside %v", got, err)
				}
				continue
			}
			if b[0] != pcpVersion || b[1] != request[1]|pcpResponse || got.life < 0 || request[1] == pcpMap && string(b[24:37]) != string(request[24:37]) {
				t.Errorf("%x was taken for an answer to %x", b, request)
			}
		}
	})
}
