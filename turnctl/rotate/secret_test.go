package rotate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/rotate"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

var (
	north = turnauth.NewSecret("north-secret-0123456789")
	south = turnauth.NewSecret("south-secret-0123456789")
)

// relay is a coturn that takes its secrets from its database alone, which holds north.
func relay(t *testing.T) (*turntest.Relay, coturn.UserDB) {
	t.Helper()
	dir := t.TempDir()
	db := coturn.UserDB{Path: filepath.Join(dir, "turndb")}
	if err := db.Add(t.Context(), "turntest.example", north); err != nil {
		t.Fatal(err)
	}
	return turntest.Start(t, turntest.Options{Lines: []string{"-static-auth-secret", "userdb=" + db.Path}}), db
}

func options(db coturn.UserDB, say func(string)) rotate.SecretOptions {
	return rotate.SecretOptions{
		Store: db, Realm: "turntest.example", Old: north, New: south, TTL: 2 * time.Second, StatePath: db.Path + ".rotate",
		Poll: 20 * time.Millisecond, Patience: 30 * time.Second, Say: say,
	}
}

// summary is the names and statuses of what was done.
func summary(items []verdict.Item) string {
	var list []string
	for _, i := range items {
		list = append(list, strings.TrimPrefix(i.Name, "rotate.")+"="+string(i.Status))
	}
	return strings.Join(list, " ")
}

// minter stands for the edges: whoever calls gets a credential of the secret that counts at the moment.
type minter struct {
	mu      sync.Mutex // guards the following
	signs   turnauth.Secret
	lacking []string
}

func (m *minter) Lacking(string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lacking)
}

func (m *minter) Switch(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if key != turnauth.KeyID(south) {
		return fmt.Errorf("asked to sign with %s", key)
	}
	m.signs = south
	return nil
}

func (m *minter) Behind(key string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if turnauth.KeyID(m.signs) != key {
		return []string{"the minter"}
	}
	return nil
}

func (m *minter) secret() turnauth.Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signs
}

// Calls go on, and no new caller is refused, from before the rotation until after it; then the old secret is worth nothing.
func TestSecretIsRotatedUnderCalls(t *testing.T) {
	r, db := relay(t)
	edges := &minter{signs: north}
	running := make([]*turntest.Caller, 3)
	for i := range running {
		c, err := turntest.Call(t, r, north, fmt.Sprintf("early%d", i))
		if err != nil {
			t.Fatal(err)
		}
		running[i] = c
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	callers, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		// The relay has a thousand ports, and takes its time to give one out again.
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for ; ctx.Err() == nil; callers++ {
			<-pace.C
			c, err := turntest.Call(t, r, edges.secret(), fmt.Sprintf("caller%d", callers))
			if err != nil {
				t.Errorf("caller %d was refused: %v", callers, err)
				return
			}
			if sent, lost := c.HangUp(); lost > 0 {
				t.Errorf("caller %d lost %d of %d packets", callers, lost, sent)
			}
		}
	}()
	o := options(db, func(line string) { t.Log(line) })
	o.Signers = edges
	items, err := rotate.Secret(t.Context(), o)
	cancel()
	<-done
	if err != nil || summary(items) != "add=ok switch=ok wait=ok remove=ok" {
		t.Fatalf("%v %v", err, items)
	}
	if _, err := turntest.Call(t, r, north, "late"); err == nil {
		t.Error("the old secret is still good")
	}
	late, err := turntest.Call(t, r, south, "late")
	if err != nil {
		t.Errorf("the new secret is no good: %v", err)
	} else {
		late.HangUp()
	}
	sent, lost := 0, 0
	for _, c := range running {
		s, l := c.HangUp()
		sent, lost = sent+s, lost+l
	}
	t.Logf("%d callers came meanwhile, none refused; of %d packets of the running calls %d are lost", callers, sent, lost)
	if lost > 0 || sent < 100 || callers < 3 {
		t.Errorf("sent %d, lost %d, %d callers", sent, lost, callers)
	}
	// Asked again, there is nothing to do.
	items, err = rotate.Secret(t.Context(), o)
	if err != nil || summary(items) != "remove=ok" || !strings.Contains(items[0].Summary, "nothing to do") {
		t.Errorf("%v %v", err, items)
	}
}

// A rotation that is interrupted in any stage goes on from there, and keeps no secret on disk.
func TestSecretGoesOnAfterAnInterruption(t *testing.T) {
	r, db := relay(t)
	o := options(db, nil)
	o.TTL = time.Second
	o.Until = rotate.Add
	items, err := rotate.Secret(t.Context(), o)
	if err != nil || summary(items) != "add=ok" {
		t.Fatalf("%v %v", err, items)
	}
	both(t, r)

	// Ended while it waits, as by Ctrl-C.
	ctx, cancel := context.WithCancel(t.Context())
	o.Until, o.TTL = "", time.Hour
	o.Say = func(line string) {
		if strings.HasPrefix(line, "waiting") {
			cancel()
		}
	}
	began := time.Now()
	items, err = rotate.Secret(ctx, o)
	if err != nil || summary(items) != "switch=ok wait=fail" {
		t.Fatalf("%v %v", err, items)
	}
	_, said, _ := strings.Cut(items[1].Summary, ", and ")
	said, _, _ = strings.Cut(said, " are left")
	whole := o.TTL + time.Second
	if left, err := time.ParseDuration(said); err != nil || left > whole || left < (whole-time.Since(began)).Truncate(time.Second) {
		t.Errorf("%v: of a wait of %s that began at most %s ago: %q", err, whole, time.Since(began), items[1].Summary)
	}
	text, err := os.ReadFile(o.StatePath)
	if err != nil || strings.Contains(string(text), "secret-0123") {
		t.Errorf("%v: the state file: %s", err, text)
	}

	o.Say, o.NoWait = nil, true
	items, err = rotate.Secret(t.Context(), o)
	if err != nil || summary(items) != "wait=ok" || items[0].Values[0].Value < 3500 {
		t.Errorf("%v %v", err, items)
	}
	both(t, r)

	wrong := o
	wrong.New = turnauth.NewSecret("west-secret-0123456789")
	if _, err := rotate.Secret(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "another rotation is under way") {
		t.Errorf("another rotation in between: %v", err)
	}
	o.NoWait, o.TTL = false, time.Second
	items, err = rotate.Secret(t.Context(), o)
	if err != nil || !strings.HasSuffix(summary(items), "remove=ok") {
		t.Errorf("%v %v", err, items)
	}
	if _, err := os.Stat(o.StatePath); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state file outlives the rotation: %v", err)
	}
	if _, err := turntest.Call(t, r, north, "old"); err == nil {
		t.Error("the old secret is still good")
	}
}

func both(t *testing.T, r *turntest.Relay) {
	t.Helper()
	for _, s := range []turnauth.Secret{north, south} {
		c, err := turntest.Call(t, r, s, "x")
		if err != nil {
			t.Fatalf("one of both secrets is refused meanwhile: %v", err)
		}
		c.HangUp()
	}
}

// The old secret stays as long as somebody could sign with nothing else, and the wait begins anew when somebody like that comes in between.
func TestSecretWaitsForSigners(t *testing.T) {
	dir := t.TempDir()
	db := coturn.UserDB{Path: filepath.Join(dir, "turndb")}
	if err := db.Add(t.Context(), "turntest.example", north); err != nil {
		t.Fatal(err)
	}
	edges := &minter{signs: north, lacking: []string{"edge e1"}}
	o := options(db, nil)
	o.TTL, o.Signers, o.Patience = 200*time.Millisecond, edges, 100*time.Millisecond
	items, err := rotate.Secret(t.Context(), o)
	if err != nil || summary(items) != "add=ok switch=fail" || !strings.Contains(items[1].Summary, "edge e1") {
		t.Fatalf("%v %v", err, items)
	}
	if edges.secret().Equal(south) {
		t.Error("edges were switched to a secret that one of them lacks")
	}
	// It gets the secret, and during the wait another edge comes that has the old one alone.
	edges.mu.Lock()
	edges.lacking = nil
	edges.mu.Unlock()
	var said []string
	o.Patience, o.Poll = 10*time.Second, time.Hour // nobody looks in between
	o.Say = func(line string) {
		said = append(said, line)
		edges.mu.Lock()
		defer edges.mu.Unlock()
		switch {
		case strings.HasPrefix(line, "waiting") && len(said) < 5:
			edges.lacking = []string{"edge e2"}
		case strings.Contains(line, "begins again"):
			edges.lacking = nil
		}
	}
	items, err = rotate.Secret(t.Context(), o)
	if err != nil || summary(items) != "switch=ok switch=ok wait=ok remove=ok" {
		t.Errorf("%v %v; said %q", err, items, said)
	}
}

// Two at once would step on each other's state.
func TestSecretByOneAtATime(t *testing.T) {
	db := coturn.UserDB{Path: filepath.Join(t.TempDir(), "turndb")}
	if err := db.Add(t.Context(), "turntest.example", north); err != nil {
		t.Fatal(err)
	}
	o := options(db, nil)
	second := make(chan error, 1)
	o.Say = func(line string) {
		if strings.HasPrefix(line, "waiting") {
			_, err := rotate.Secret(t.Context(), options(db, nil))
			second <- err
		}
	}
	if _, err := rotate.Secret(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-second:
		if !errors.Is(err, rotate.ErrBusy) {
			t.Errorf("a second rotation: %v", err)
		}
	default: // what it says is said before it returns
		t.Error("it never said that it waits, so no second rotation was tried")
	}
	if err := os.WriteFile(o.StatePath, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rotate.Secret(t.Context(), o); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a broken state file: %v", err)
	}
}
