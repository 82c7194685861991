//go:build unix

package edge

import (
	"io"
	"os"
	"syscall"
)

// readReady reads what is there into a shared buffer, which it takes for no longer than there is something in it. It reports false if there
// is nothing yet; the runtime then waits, and calls it again.
func (c *conn) readReady(fd uintptr) bool {
	c.rbuf = readBuffers.Get().(*[readBufferBytes]byte)
	for {
		n, err := syscall.Read(int(fd), c.rbuf[:])
		if n > 0 {
			c.n = n
			return true
		}
		if err == syscall.EINTR {
			continue
		}
		readBuffers.Put(c.rbuf)
		c.rbuf = nil
		switch err {
		case syscall.EAGAIN:
			return false
		case nil:
			c.err = io.EOF
		default:
			c.err = os.NewSyscallError("read", err)
		}
		return true
	}
}
