package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"callmesh/bus/wire"
)

// Bounds of what [Read] takes.
const (
	maxLine    = 64 << 10 // bytes
	MaxRecords = 500_000
	// maxBad is how many of the lines that are no records are named.
	maxBad = 10
)

// ErrTooMany says that there are more than [MaxRecords].
var ErrTooMany = fmt.Errorf("more than %d records; report them by parts, as by run or by month", MaxRecords)

// Lines are what [Read] has read.
type Lines struct {
	Records []wire.Traversal
	// Unread is how many lines are no records. Bad names the first ten of them, and what would be right.
	Unread int
	Bad    []error
}

// Read reads records, one JSON object a line, as they are stored. A line that is none is passed over, and so is a last one that was cut off when its writer ended. An error is that
// of the reader, or [ErrTooMany].
func Read(r io.Reader) (Lines, error) {
	var all Lines
	lines := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return all, fmt.Errorf("line %d: %w", n, err)
		}
		switch line = bytes.TrimSpace(line); {
		case long:
			all.bad(n, fmt.Errorf("longer than %d bytes; want one attempt a line", maxLine))
		case len(line) == 0:
		case len(all.Records) == MaxRecords:
			return all, fmt.Errorf("line %d: %w", n, ErrTooMany)
		default:
			t, err := wire.ParseTraversal(line)
			switch {
			case err == nil:
				all.Records = append(all.Records, t)
			case last && !json.Valid(line):
				all.bad(n, fmt.Errorf("%w; it has no end, as if its writer had been stopped", err))
			default:
				all.bad(n, fmt.Errorf("%w; want one attempt a line, in JSON as it is stored", err))
			}
		}
		if last {
			return all, nil
		}
	}
}

func (l *Lines) bad(n int, err error) {
	if l.Unread++; len(l.Bad) < maxBad {
		l.Bad = append(l.Bad, fmt.Errorf("line %d: %w", n, err))
	}
}
