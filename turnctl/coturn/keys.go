package coturn

import (
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Knows is what a version makes of a key.
type Knows int

const (
	// Unknown keys are logged ("Bad configuration format") and passed over: coturn starts without what the line asked for.
	Unknown Knows = iota
	// Known keys mean what they say.
	Known
	// Obsolete keys are taken, or passed over, and change nothing: what they ask for is the default.
	Obsolete
)

// span is when a key was known: from a version on, until the one in which it became obsolete, until the one that forgot it. Zero
// versions are the beginning and never.
type span struct{ since, obsolete, removed Version }

// Key is what v makes of a key in turnserver.conf. Only long names are keys there.
//
// The table holds what Debian's turnserver 4.6.1 has in its own table of options, and what later releases added, turned round or
// took away (README.turnserver and release notes of coturn up to 4.17.2). Keys that only some builds have, for Prometheus and MongoDB, count as known:
// [Version.BuildKeys] lists them.
func (v Version) Key(name string) Knows {
	s, ok := keys[name]
	switch {
	case !ok, v.Compare(s.since) < 0, !s.removed.IsZero() && v.Compare(s.removed) >= 0:
		return Unknown
	case !s.obsolete.IsZero() && v.Compare(s.obsolete) >= 0:
		return Obsolete
	}
	return Known
}

// BuildKeys are those that a build has or has not, whatever its version: Debian's has neither Prometheus nor MongoDB.
func BuildKeys() []string {
	return []string{"prometheus", "prometheus-port", "prometheus-address", "prometheus-path", "prometheus-username-labels", "mongo-userdb"}
}

// Suggest says what to do about an unknown key: which was probably meant, or what became of it.
func (v Version) Suggest(name string) string {
	switch name {
	case "no-loopback-peers":
		return "remove it: peers on loopback are refused unless allow-loopback-peers"
	case "no-sslv2", "no-sslv3", "secret-ts-exp-time", "prod", "no-tlsv1", "no-tlsv1_1", "no-stun-backward-compatibility":
		return "remove it: what it asked for is the default now"
	}
	if s, ok := keys[name]; ok && v.Compare(s.since) < 0 {
		return "remove it: it came with coturn " + s.since.String()
	}
	best, distance := "", len(name)/4+2
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if v.Key(k) != Known {
			continue
		}
		if len(k)-len(name) >= distance || len(name)-len(k) >= distance {
			continue // a line of a stranger's file may be long
		}
		if d := levenshtein.ComputeDistance(name, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return "remove it"
	}
	return "did you mean " + best + "?"
}

var keys = table()

func table() map[string]span {
	t := make(map[string]span)
	add := func(s span, names string) {
		for _, n := range strings.Fields(names) {
			t[n] = s
		}
	}
	add(span{}, `listening-device listening-port tls-listening-port alt-listening-port alt-tls-listening-port tcp-proxy-port listening-ip
		relay-device relay-ip external-ip relay-threads min-port max-port lt-cred-mech no-auth user userdb db psql-userdb sql-userdb
		mysql-userdb redis-userdb redis-statsdb use-auth-secret static-auth-secret no-auth-pings no-dynamic-ip-list no-dynamic-realms
		realm server-name oauth user-quota total-quota max-bps bps-capacity verbose Verbose daemon fingerprint check-origin-consistency
		no-udp no-tcp no-tls no-udp-relay no-tcp-relay stale-nonce max-allocate-lifetime channel-lifetime permission-lifetime stun-only
		no-stun cert pkey pkey-pwd log-file no-stdout-log syslog simple-log new-log-timestamp new-log-timestamp-format aux-server
		udp-self-balance alternate-server tls-alternate-server rest-api-separator max-allocate-timeout no-multicast-peers
		allow-loopback-peers allowed-peer-ip denied-peer-ip cipher-list pidfile secure-stun CA-file dh-file proc-user proc-group mobility
		cli-ip cli-port cli-password web-admin web-admin-ip web-admin-port web-admin-listen-on-workers server-relay
		cli-max-output-sessions ec-curve-name dh566 dh1066 ne no-tlsv1_2 secret-key-file keep-address-family
		allocation-default-address-family acme-redirect log-binding version syslog-facility
		prometheus prometheus-port prometheus-username-labels mongo-userdb`)
	add(span{removed: Version{4, 7, 0}}, "prod no-sslv2 no-sslv3 secret-ts-exp-time no-tlsv1 no-tlsv1_1 no-stun-backward-compatibility")
	add(span{obsolete: Version{4, 7, 0}}, "no-software-attribute no-rfc5780 response-origin-only-with-rfc5780")
	add(span{obsolete: Version{4, 10, 0}}, "no-cli")
	add(span{obsolete: Version{4, 17, 0}}, "no-dtls")
	add(span{since: Version{4, 6, 3}}, "raw-public-keys")
	add(span{since: Version{4, 7, 0}}, "software-attribute tlsv1 tlsv1_1 rfc5780 stun-backward-compatibility")
	add(span{since: Version{4, 8, 0}}, "sock-buf-size")
	add(span{since: Version{4, 10, 0}}, "cli")
	add(span{since: Version{4, 14, 0}}, "unauthorized-ratelimit unauthorized-ratelimit-rps")
	add(span{since: Version{4, 17, 0}}, "dtls stateless-nonce stateless-nonce-secret")
	// When between 4.7 and 4.17 these came is not known here: no earlier release is said to lack what it may have.
	add(span{since: Version{4, 7, 0}}, `cpus udp-recvmmsg udp-recvmmsg-log udp-gso multiplex-peer multiplex-peer-port multiplex-peer-max-peers
		drain-min-allocations rfc3489-compatibility rfc5766-channel-numbers include-reason-string respond-http-unsupported log-min-level
		udp-alternate-server tcp-alternate-server prometheus-address prometheus-path`)
	return t
}
