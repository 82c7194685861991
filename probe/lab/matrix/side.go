package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/pair"
)

// Request is what one side is told, on its standard input.
type Request struct {
	Self    wire.PeerID        `json:"self"`
	Other   wire.PeerID        `json:"other"`
	Mode    wire.TraversalMode `json:"mode"`
	Servers []wire.ICEServer   `json:"servers"`
	Limit   time.Duration      `json:"limit"`
}

// lineFD is the file descriptor at which a side finds its line to the other.
const lineFD = 3

// Side is one side of a pair, run at its site by [Run]: it reads a Request, makes the attempt, and writes what came of it.
func Side(ctx context.Context, in io.Reader, out io.Writer) error {
	var r Request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	f := os.NewFile(lineFD, "line")
	c, err := net.FileConn(f)
	if err != nil {
		return fmt.Errorf("the line to the other side, at descriptor %d: %w", lineFD, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	l := newLine(r, c)
	defer l.close()
	all, err := pair.Run(ctx, l, pair.Options{Mode: r.Mode, Repeat: 1, Limit: r.Limit})
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(SideEnds{Outcome: all[0].Outcome, Loss: all[0].Loss})
}
