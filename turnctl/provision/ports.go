package provision

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Where Linux says which ports connections are given, and which of those it leaves out; for IPv6 too.
const (
	ephemeral = "/proc/sys/net/ipv4/ip_local_port_range"
	reserved  = "/proc/sys/net/ipv4/ip_local_reserved_ports"
)

// PortsTaken says whether connections of this host may be given ports from first to last, so that coturn could not relay by them; among are those that
// they are given. left are the ports that they leave out as it is.
func PortsTaken(first, last uint16) (taken bool, among, left string) {
	var from, to int
	text, err := os.ReadFile(ephemeral)
	if _, scan := fmt.Sscan(string(text), &from, &to); err != nil || scan != nil || from > int(last) || to < int(first) {
		return false, "", ""
	}
	all, _ := os.ReadFile(reserved)
	left = strings.TrimSpace(string(all))
	return !covers(left, max(from, int(first)), min(to, int(last))), fmt.Sprintf("%d to %d", from, to), left
}

// covers says whether a list like 8080,50000-50999 has all ports from first to last. The kernel gives it in order, with neighbours put together.
func covers(list string, first, last int) bool {
	for part := range strings.SplitSeq(list, ",") {
		a, b, two := strings.Cut(part, "-")
		if !two {
			b = a
		}
		from, err := strconv.Atoi(a)
		to, errTo := strconv.Atoi(b)
		if err == nil && errTo == nil && from <= first && last <= to {
			return true
		}
	}
	return false
}

// Settable says whether Linux can be told so from here: many containers see /proc/sys and may not write to it.
func Settable() bool {
	f, err := os.OpenFile(reserved, os.O_WRONLY, 0)
	if err == nil {
		_ = f.Close()
	}
	return !errors.Is(err, syscall.EROFS)
}

// PortsFile leaves relay ports to coturn, beside those that are left out already, from now on and at every start of the host.
func PortsFile(first, last uint16, left string) File {
	list := fmt.Sprintf("%d-%d", first, last)
	if left != "" {
		list = left + "," + list
	}
	set := func(list string) func() error {
		return func() error { return os.WriteFile(reserved, []byte(list+"\n"), 0o644) }
	}
	return File{
		Path: "/etc/sysctl.d/60-turnctl.conf", Mode: 0o644, Apply: set(list), Revert: set(left),
		Content: []byte("# Written by turnctl provision: coturn's relay ports, which no connection of this host is to be given.\nnet.ipv4.ip_local_reserved_ports=" + list + "\n"),
	}
}
