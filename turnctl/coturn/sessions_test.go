package coturn_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
)

// psAnswer is what coturn 4.6.1 printed.
const psAnswer = "\r\n    1) id=000000000000000001, user <1795989012:bob>:\r\n      realm: x.example\r\n      started 2 secs ago\r\n" +
	"      expiring in 598 secs\r\n      client protocol TCP, relay protocol UDP\r\n" +
	"      client addr 127.0.0.1:44752, server addr 127.0.0.1:34781\r\n      relay addr 127.0.0.1:50091\r\n" +
	"      fingerprints enforced: ON\r\n      mobile: OFF\r\n      usage: rp=10, rb=1184, sp=9, sb=764\r\n" +
	"       rate: r=0, s=0, total=7 (bytes per sec)\r\n      peers:\r\n          127.0.0.1:3482\r\n          127.0.0.1:3481\r\n\r\n" +
	"    2) id=000000000000000002, user <1795989012:bob>:\r\n      realm: x.example\r\n      started 1 secs ago\r\n\r\n  Total sessions: 3\r\n\r\n"

func TestParseSessions(t *testing.T) {
	list, total, err := coturn.ParseSessions(psAnswer)
	if err != nil {
		t.Fatal(err)
	}
	want := coturn.Session{
		ID: "000000000000000001", User: "1795989012:bob", Realm: "x.example", Age: 2 * time.Second, Left: 598 * time.Second,
		Client: "127.0.0.1:44752", Relay: "127.0.0.1:50091", Protocol: "TCP", ReceivedBytes: 1184, SentBytes: 764, BytesPerSecond: 7,
		Peers: []string{"127.0.0.1:3482", "127.0.0.1:3481"},
	}
	if total != 3 || len(list) != 2 || !reflect.DeepEqual(list[0], want) {
		t.Errorf("%d of %d: %+v", len(list), total, list)
	}
	if _, _, err := coturn.ParseSessions("hello"); err == nil {
		t.Error("an answer without a total is taken for none")
	}
}

func TestParseUsersAndParameters(t *testing.T) {
	users, err := coturn.ParseUsers("\r\n    user: <1795989012:bob>, 2 sessions\r\n\r\n  Total sessions: 2\r\n\r\n")
	if err != nil || !reflect.DeepEqual(users, map[string]int{"1795989012:bob": 2}) {
		t.Errorf("%v, %v", users, err)
	}
	ps := coturn.ParseParameters("\r\n  stale-nonce: ON (*)\r\n\r\n  Default total-quota: 10 (**)\r\n  min-port: 50000\r\n")
	if want := map[string]string{"stale-nonce": "ON", "total-quota": "10", "min-port": "50000"}; !reflect.DeepEqual(ps, want) {
		t.Errorf("%v, want %v", ps, want)
	}
}

func FuzzParseAnswers(f *testing.F) {
	f.Add(psAnswer)
	f.Add("    user: <bob>, 2 sessions\r\n  Total sessions: 2\r\n")
	f.Add("  total-quota: 1 (**)\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		if list, total, err := coturn.ParseSessions(answer); err == nil && (total < 0 || len(list) > strings.Count(answer, "id=")) {
			t.Errorf("%d listed of %d", len(list), total)
		}
		_, _ = coturn.ParseUsers(answer)
		coturn.ParseParameters(answer)
	})
}
