package check

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
)

// Flags of CHANGE-REQUEST (RFC 5780, section 7.2).
const (
	changeIP   = 0x04
	changePort = 0x02
)

// survey asks for Bindings by a socket that hears every address: where an answer comes from is what is asked.
type survey struct {
	conn *net.UDPConn
	wait time.Duration
	stop func() bool
}

type question struct {
	to     netip.AddrPort
	change byte // flags of CHANGE-REQUEST; 0: none
}

// reply is an answer and where it came from; without a message there was none.
type reply struct {
	from    netip.AddrPort
	message *stun.Message
}

// openSurvey opens the socket on the address of local. wait bounds each Ask, and the end of ctx ends it.
func openSurvey(ctx context.Context, local net.Addr, six bool, wait time.Duration) (*survey, error) {
	network := "udp4"
	if six {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: hostOf(local)})
	if err != nil {
		return nil, err
	}
	return &survey{conn: conn, wait: wait, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
}

func (s *survey) Close() {
	s.stop()
	_ = s.conn.Close()
}

// Ask asks all at once, and again what is not answered, until all are or the time is over. The replies are in the questions' order.
func (s *survey) Ask(questions []question) []reply {
	replies := make([]reply, len(questions))
	requests := make([]*stun.Message, len(questions))
	for n, q := range questions {
		var err error
		if requests[n], err = q.build(); err != nil {
			return replies
		}
	}
	end, buffer := time.Now().Add(s.wait), make([]byte, turnclient.MaxFrame)
	for left := len(questions); left > 0 && time.Now().Before(end); {
		for n, q := range questions {
			if replies[n].message == nil {
				_, _ = s.conn.WriteToUDPAddrPort(requests[n].Raw, q.to) // what does not go out is not answered
			}
		}
		again := time.Now().Add(surveyInterval)
		if again.After(end) {
			again = end
		}
		if s.conn.SetReadDeadline(again) != nil {
			return replies
		}
		for left > 0 {
			size, from, err := s.conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				break
			}
			f, err := turnclient.ParseFrame(slices.Clone(buffer[:size]))
			if err != nil || f.Message == nil {
				continue
			}
			n := slices.IndexFunc(requests, func(r *stun.Message) bool { return r.TransactionID == f.Message.TransactionID })
			if n >= 0 && replies[n].message == nil {
				replies[n] = reply{netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), f.Message}
				left--
			}
		}
	}
	return replies
}

// surveyInterval is the time between two tries of a question.
const surveyInterval = 250 * time.Millisecond

func (q question) build() (*stun.Message, error) {
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest}
	if q.change != 0 {
		setters = append(setters, turnclient.Raw(stun.AttrChangeRequest, 0, 0, 0, q.change))
	}
	return stun.Build(append(setters, stun.Fingerprint)...)
}
