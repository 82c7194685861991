package bustest

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
	"sync"
)

// Crossing counts the messages that go over the gateways of a [Mesh], by subject. What servers say to one another beside messages (interest,
// pings) is not counted.
type Crossing struct {
	mu       sync.Mutex // guards the following
	subjects map[string]int
}

// Take returns how many messages of each subject have crossed since the last call, in either direction.
func (c *Crossing) Take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := maps.Clone(c.subjects)
	clear(c.subjects)
	return taken
}

func (c *Crossing) add(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subjects == nil {
		c.subjects = make(map[string]int)
	}
	c.subjects[subject]++
}

// stream reads one direction of one gateway connection: lines of the servers' protocol, of which RMSG and HMSG are followed by as many bytes as their
// last word says, and an end of line.
func (c *Crossing) stream() func([]byte) {
	var line []byte
	skip := 0
	return func(b []byte) {
		for len(b) > 0 {
			if skip > 0 {
				n := min(skip, len(b))
				b, skip = b[n:], skip-n
				continue
			}
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				line = append(line, b...)
				return
			}
			line = append(line, b[:i]...)
			b = b[i+1:]
			if words := strings.Fields(string(line)); len(words) > 3 && (words[0] == "RMSG" || words[0] == "HMSG") {
				if size, err := strconv.Atoi(words[len(words)-1]); err == nil {
					skip = size + 2
					c.add(words[2])
				}
			}
			line = line[:0]
		}
	}
}
