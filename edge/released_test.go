package edge

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// During an upgrade edges of a released version and of this one are on one bus, and pages carry keys from one to the other. testdata/released has what the edges of each
// said while people met, wrote, called, knocked, moved and left, one message of each form, as NATS carried it.
type released struct {
	Secret   string `json:"secret"`
	Key      string `json:"key"` // of a session that was in a room, and in a call
	Messages []struct {
		Subject string `json:"subject"`
		Hex     string `json:"hex"`  // an envelope
		Text    string `json:"text"` // a lease, or what a bucket holds
	} `json:"messages"`
}

// What this version reads, and would write again to the letter, the other one reads too: nothing was renamed, left out, or given another form.
func TestReleasedVersionsAreUnderstood(t *testing.T) {
	files, err := filepath.Glob("testdata/released/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d versions", err, len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var r released
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			keys := newKeyring([]byte(r.Secret))
			if state, ok := keys.read(r.Key); !ok || keys.sign(state) != r.Key {
				t.Errorf("its resume key: read %v, as %+v", ok, state)
			}
			kinds, events := map[wire.Kind]bool{}, map[wire.Event]bool{}
			for _, m := range r.Messages {
				if m.Text != "" {
					goesOn(t, m.Subject, []byte(m.Text), stored(m.Subject))
					continue
				}
				raw, err := hex.DecodeString(m.Hex)
				if err != nil {
					t.Fatal(err)
				}
				env, err := wire.ParseEnvelope(raw)
				if err != nil || !bytes.Equal(env.Append(nil), raw) {
					t.Errorf("%s: %v, %+v", m.Subject, err, env)
					continue
				}
				kinds[env.Kind], events[env.Event] = true, true
				if body := bodyOf(&env); body != nil {
					goesOn(t, m.Subject, env.Body, body)
				} else if len(env.Body) > 0 {
					t.Errorf("%s: kind %d, event %q has a body that nobody reads: %s", m.Subject, env.Kind, env.Event, env.Body)
				}
				if now := scopeNow(m.Subject); !strings.Contains(m.Subject, "."+string(now)+".") {
					t.Errorf("%s: here it would be %s", m.Subject, now)
				}
			}
			if len(kinds) < 7 || len(events) < 10 {
				t.Errorf("%d kinds and %d events were recorded", len(kinds), len(events))
			}
		})
	}
}

// goesOn reads a text into a value of a type and writes that again.
func goesOn(t *testing.T, subject string, text []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if into == nil {
		t.Errorf("%s: nobody knows what this is: %s", subject, text)
	} else if err := d.Decode(into); err != nil {
		t.Errorf("%s: %v: %s", subject, err, text)
	} else if again := wire.AppendJSON(nil, into); !bytes.Equal(again, text) {
		t.Errorf("%s: was\n%s\nand is\n%s", subject, text, again)
	}
}

// bodyOf is what the body of an envelope is read into; nil if it has none.
func bodyOf(env *wire.Envelope) any {
	switch env.Kind {
	case wire.KindAnnounce:
		return new(wire.Announce)
	case wire.KindSession:
		return new(wire.SessionNote)
	case wire.KindPresence:
		return new(wire.PresenceNote)
	case wire.KindKnock:
		return new(wire.KnockNote)
	case wire.KindEvent:
		for _, e := range wire.Events {
			if e.Event == env.Event {
				return reflect.New(reflect.TypeOf(e.Frame)).Interface()
			}
		}
	case wire.KindTail, wire.KindWho:
	}
	return nil
}

// stored is what stands in a bucket, or is told of an edge.
func stored(subject string) any {
	switch bucket, _, _ := strings.Cut(strings.TrimPrefix(subject, "$KV."), "_eu."); {
	case strings.HasPrefix(subject, "cmx.lease."):
		return new(bus.Lease)
	case bucket == "cm_contacts":
		return new([]bus.Tie)
	case bucket == "cm_calls" && strings.HasSuffix(subject, "."+partOffer):
		return new(offer)
	case bucket == "cm_calls":
		return new(decision)
	}
	return nil
}

// scopeNow is the scope that this version would publish to what a subject is about.
func scopeNow(subject string) bus.Scope {
	part := strings.Split(subject, ".")
	id, err := base64.RawURLEncoding.DecodeString(part[4])
	if err != nil {
		return ""
	}
	switch part[3] {
	case "room":
		return bus.RoomScope(wire.RoomID(id))
	case "user":
		return bus.UserScope(wire.UserID(id))
	default:
		return bus.PresenceScope(wire.UserID(id))
	}
}
