package cli

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problems collects everything that is wrong with a configuration, so that it can be mended in one
// go. Each says where it is, what is wrong and what would be right.
type Problems struct {
	list   []string
	origin func(key string) origin
}

func (p *Problems) add(format string, args ...any) {
	p.list = append(p.list, fmt.Sprintf(format, args...))
}

// Wrong reports a problem with a key; the message starts with where its value comes from.
func (p *Problems) Wrong(key, format string, args ...any) {
	p.add("%s: %s", p.origin(key).where(key), fmt.Sprintf(format, args...))
}

// Given says whether somebody gave the key, rather than leaving it to its default.
func (p *Problems) Given(key string) bool { return p.origin(key).layer > layerDefault }

// err gives what there is to say, nil if nothing.
func (p *Problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &ExitError{Code: ExitUsage, Err: configError(p.list)}
}

// configError is one line for each problem.
type configError []string

func (e configError) Error() string { return strings.Join(e, "\n") }

// suggest ends a message about an unknown name.
func suggest(name string, known []string, otherwise string) string {
	// What all of them start with says nothing about how near they are.
	bare := func(s string) string {
		return strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(s, envPrefix), "--"))
	}
	best, distance := "", len(bare(name))/3+2
	for _, k := range known {
		if d := levenshtein.ComputeDistance(bare(name), bare(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return otherwise
	}
	return "did you mean " + best + "?"
}

// layer is where a value comes from; a later one outweighs those before.
type layer int

const (
	layerDefault layer = iota
	layerFile
	layerEnv
	layerFlag
)

type origin struct {
	layer layer
	file  string
	line  int
	env   string
}

func (o origin) where(key string) string {
	switch o.layer {
	case layerFlag:
		return "--" + key
	case layerEnv:
		return o.env
	case layerFile:
		return fmt.Sprintf("%s:%d: %s", o.file, o.line, key)
	}
	return key
}

// CheckListen wants an IP address of this machine and a port: what asks nobody who they are is not opened by a name that may mean anything.
func (p *Problems) CheckListen(key, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if _, ipErr := netip.ParseAddr(host); err != nil || ipErr != nil && host != "localhost" {
		p.Wrong(key, "%q is not an IP address and a port; write it like 127.0.0.1:9092", addr)
	}
}
