package coturn

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Session is one allocation, as coturn's ps tells of it.
type Session struct {
	ID   string // what cs takes
	User string // the whole username: expiry[:user]
	// Realm that it was authenticated in.
	Realm string
	// Age since it was made, and Left until it expires unless refreshed; whole seconds.
	Age, Left time.Duration
	// Client is the address that the client comes from, Relay the one that it was given; host:port.
	Client, Relay string
	// Protocol is the client's: UDP, TCP, TLS or DTLS.
	Protocol string
	// ReceivedBytes and SentBytes are of the relayed packets, as of coturn's last count (every 2048 packets, so they lag).
	ReceivedBytes, SentBytes uint64
	// BytesPerSecond is coturn's own estimate, both ways together.
	BytesPerSecond uint64
	// Peers that it has talked with, host:port.
	Peers []string
}

// Bounds on what an answer may hold.
const (
	maxSessions = 100_000
	maxPeers    = 1000
)

var (
	sessionHead  = regexp.MustCompile(`^\d+\) id=(\d+), user <(.*)>:$`)
	sessionAge   = regexp.MustCompile(`^started (\d{1,9}) secs ago$`)
	sessionLeft  = regexp.MustCompile(`^expiring in (\d{1,9}) secs$`)
	sessionProto = regexp.MustCompile(`^client protocol (\S+), relay protocol \S+$`)
	sessionUsage = regexp.MustCompile(`^usage: rp=\d+, rb=(\d+), sp=\d+, sb=(\d+)$`)
	sessionRate  = regexp.MustCompile(`^rate: r=\d+, s=\d+, total=(\d+) \(bytes per sec\)$`)
	sessionTotal = regexp.MustCompile(`^Total sessions: (\d{1,9})$`)
	userLine     = regexp.MustCompile(`^user: <(.*)>, (\d{1,9}) sessions$`)
)

// ParseSessions reads the answer to ps. total is what coturn counted, which can be more than it lists.
func ParseSessions(answer string) (list []Session, total int, err error) {
	total = -1
	peers := false
	for line := range strings.Lines(answer) {
		line = strings.TrimSpace(line)
		if m := sessionHead.FindStringSubmatch(line); m != nil {
			if len(list) == maxSessions {
				return nil, 0, errors.New("coturn: cli: ps lists too many sessions")
			}
			list, peers = append(list, Session{ID: m[1], User: m[2]}), false
			continue
		}
		if m := sessionTotal.FindStringSubmatch(line); m != nil {
			total, _ = strconv.Atoi(m[1])
			continue
		}
		if len(list) == 0 || line == "" {
			continue
		}
		s := &list[len(list)-1]
		switch {
		case line == "peers:":
			peers = true
		case peers && len(s.Peers) < maxPeers:
			s.Peers = append(s.Peers, line)
		case !peers:
			s.read(line)
		}
	}
	if total < 0 {
		return nil, 0, errors.New("coturn: cli: ps ended without the number of sessions; is this coturn's interface?")
	}
	return list, total, nil
}

func (s *Session) read(line string) {
	if realm, ok := strings.CutPrefix(line, "realm: "); ok {
		s.Realm = realm
	} else if m := sessionAge.FindStringSubmatch(line); m != nil {
		s.Age = seconds(m[1])
	} else if m := sessionLeft.FindStringSubmatch(line); m != nil {
		s.Left = seconds(m[1])
	} else if m := sessionProto.FindStringSubmatch(line); m != nil {
		s.Protocol = m[1]
	} else if rest, ok := strings.CutPrefix(line, "client addr "); ok {
		s.Client, _, _ = strings.Cut(rest, ",")
	} else if rest, ok := strings.CutPrefix(line, "relay addr "); ok {
		s.Relay = rest
	} else if m := sessionUsage.FindStringSubmatch(line); m != nil {
		s.ReceivedBytes, _ = strconv.ParseUint(m[1], 10, 64)
		s.SentBytes, _ = strconv.ParseUint(m[2], 10, 64)
	} else if m := sessionRate.FindStringSubmatch(line); m != nil {
		s.BytesPerSecond, _ = strconv.ParseUint(m[1], 10, 64)
	}
}

func seconds(s string) time.Duration {
	n, _ := strconv.Atoi(s) // nine digits at most
	return time.Duration(n) * time.Second
}

// ParseUsers reads the answer to pu: how many allocations each user has.
func ParseUsers(answer string) (map[string]int, error) {
	users, whole := make(map[string]int), false
	for line := range strings.Lines(answer) {
		line = strings.TrimSpace(line)
		if m := userLine.FindStringSubmatch(line); m != nil && len(users) < maxSessions {
			n, _ := strconv.Atoi(m[2])
			users[m[1]] += n
		}
		whole = whole || sessionTotal.MatchString(line)
	}
	if !whole {
		return nil, errors.New("coturn: cli: pu ended without the number of sessions; is this coturn's interface?")
	}
	return users, nil
}

// defaultPrefix stands before the parameters that realms can set for themselves: "Default total-quota: 10 (**)".
const defaultPrefix = "Default "

// ParseParameters reads the answer to pc or cc: lines of "name: value", some with (*) or (**) at the end.
func ParseParameters(answer string) map[string]string {
	ps := make(map[string]string)
	for line := range strings.Lines(answer) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || name == "Error" || len(ps) == 1000 {
			continue
		}
		value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(value, "(**)"), "(*)"))
		ps[strings.TrimPrefix(name, defaultPrefix)] = value
	}
	return ps
}
