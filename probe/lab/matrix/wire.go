package matrix

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"callmesh/bus/wire"
	"callmesh/probe/meet"
)

// maxLine is how long a line between two sides may be, maxWaiting how many wait.
const (
	maxLine    = 1 << 20
	maxWaiting = 1024
)

// line carries the signalling of two sides over a socket that goes past all networks of the laboratory: what is measured is what media finds. It implements pair.Signalling.
type line struct {
	r       Request
	c       net.Conn
	signals chan meet.Signal
	changed chan struct{}
	ended   chan struct{}

	// mu guards the following.
	mu   sync.Mutex
	err  error
	gone bool
}

func newLine(r Request, c net.Conn) *line {
	l := &line{r: r, c: c, signals: make(chan meet.Signal, maxWaiting), changed: make(chan struct{}, 1), ended: make(chan struct{})}
	go l.read()
	return l
}

func (l *line) read() {
	defer close(l.ended)
	lines := bufio.NewScanner(l.c)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		select {
		case l.signals <- meet.Signal{From: l.r.Other, Data: append(json.RawMessage(nil), lines.Bytes()...)}:
		default:
			l.end(fmt.Errorf("more than %d messages wait", maxWaiting))
			return
		}
	}
	err := lines.Err()
	if err == nil {
		err = io.EOF
	}
	l.end(fmt.Errorf("the other side is gone: %w", err))
}

func (l *line) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	if !errors.Is(err, net.ErrClosed) {
		l.err = err
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *line) Self() wire.PeerID            { return l.r.Self }
func (l *line) ICEServers() []wire.ICEServer { return l.r.Servers }
func (l *line) Changed() <-chan struct{}     { return l.changed }
func (l *line) Signals() <-chan meet.Signal  { return l.signals }
func (l *line) Ended() <-chan struct{}       { return l.ended }

func (l *line) Others() []wire.PeerID {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return nil
	}
	return []wire.PeerID{l.r.Other}
}

func (l *line) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *line) Send(_ context.Context, _ wire.PeerID, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = l.c.Write(append(raw, '\n'))
	return err
}

func (l *line) close() {
	_ = l.c.Close()
	<-l.ended
}
