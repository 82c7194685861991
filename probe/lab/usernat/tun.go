package usernat

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Device is the name of the TUN device through which packets come and go.
const Device = "tun0"

// maxPacket is the longest that IPv4 knows.
const maxPacket = 65535

// NAT is one that runs.
type NAT struct {
	tun  *os.File
	done chan struct{}
}

// Start makes the device in a network namespace, given as a file such as /run/netns/x, and translates what is routed to it until Close. Bringing it up, and the routes, are the caller's.
func Start(netns string, o Options) (*NAT, error) {
	tun, err := open(netns)
	if err != nil {
		return nil, fmt.Errorf("a TUN device in %s: %w", netns, err)
	}
	n := &NAT{tun: tun, done: make(chan struct{})}
	go n.run(o)
	return n, nil
}

// Close ends it, and the device with it.
func (n *NAT) Close() error {
	err := n.tun.Close()
	<-n.done
	return err
}

func (n *NAT) run(o Options) {
	defer close(n.done)
	t := NewTable(o.Behaviour)
	buf := make([]byte, maxPacket)
	for {
		size, err := n.tun.Read(buf)
		if err != nil {
			return // closed, or gone with its namespace
		}
		if Translate(t, o, time.Now(), buf[:size]) {
			_, _ = n.tun.Write(buf[:size]) // what does not fit into a queue is lost, as on any link
		}
	}
}

// open makes the device from a thread that is in the namespace; it can be used from anywhere.
func open(netns string) (*os.File, error) {
	type result struct {
		tun *os.File
		err error
	}
	opened := make(chan result)
	go func() {
		// Never unlocked: a thread that has changed its namespace ends with its goroutine.
		runtime.LockOSThread()
		tun, err := openHere(netns)
		opened <- result{tun, err}
	}()
	r := <-opened
	return r.tun, r.err
}

func openHere(netns string) (*os.File, error) {
	ns, err := unix.Open(netns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(ns) }()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("entering it: %w", err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(Device)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}
