package discover

import (
	"context"
	"fmt"
	"sync"

	"github.com/pion/stun/v2"
	"golang.org/x/sys/unix"
)

// sizes are those of IP packets that links and tunnels have, in bytes: IPv6's least, tunnels, PPPoE, Ethernet.
var sizes = []int{576, 1200, 1280, 1360, 1400, 1420, 1440, 1460, 1472, 1480, 1492, 1500}

// attrFiller is an attribute that nobody knows and that may be passed over (RFC 8489, section 14). PADDING is not used, as its answer is as long.
const attrFiller stun.AttrType = 0xfffd

type filler int

// AddTo implements stun.Setter.
func (f filler) AddTo(m *stun.Message) error {
	m.Add(attrFiller, make([]byte, f))
	return nil
}

// pathMTU sends requests of each size that must not be broken up, all at once, and takes the largest that is answered (as in RFC 8899: no router has to say what it dropped). The answers are short.
func (t *tests) pathMTU(ctx context.Context) error {
	s, err := t.open()
	if err != nil {
		return t.unless(ctx, "path MTU", err)
	}
	if err := whole(s, t.server.Addr().Is6()); err != nil {
		t.cannot("path MTU", "%v", err)
		return nil
	}
	const stunHeader, attrHeader, udpHeader = 20, 4, 8
	ipHeader := 20
	if t.server.Addr().Is6() {
		ipHeader = 40
	}
	passed := make([]bool, len(sizes))
	var wg sync.WaitGroup
	for i, size := range sizes {
		wg.Go(func() {
			_, err := t.ask(ctx, s, t.server, filler(size-ipHeader-udpHeader-stunHeader-attrHeader))
			passed[i] = err == nil
		})
	}
	wg.Wait()
	for i, size := range sizes {
		if passed[i] {
			t.r.PathMTU = ptr(size)
		}
	}
	if t.r.PathMTU == nil {
		t.cannot("path MTU", "the server does not answer longer requests")
	}
	return ctx.Err()
}

// whole has a socket send its packets whole or not at all, whatever is known of the path.
func whole(s *socket, v6 bool) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		if v6 {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
		} else {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		}
	})
	if err == nil {
		err = set
	}
	if err != nil {
		return fmt.Errorf("packets can't be kept whole here: %w", err)
	}
	return nil
}
