package rotate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/turnctl/rotate"
	"callmesh/turnctl/turnauth"
)

// database is a Store that can fail, and tells what was done.
type database struct {
	mu   sync.Mutex // guards the following
	has  []string
	done []string
	fail bool
}

func (d *database) Secrets(context.Context, string) ([]turnauth.Secret, error) { return nil, nil }

func (d *database) Add(_ context.Context, realm string, s turnauth.Secret) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail {
		return errors.New("the database is locked")
	}
	d.has, d.done = append(d.has, s.Reveal()), append(d.done, realm+" +"+s.Reveal())
	return nil
}

func (d *database) Remove(_ context.Context, realm string, s turnauth.Secret) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail {
		return false, errors.New("the database is locked")
	}
	i := slices.Index(d.has, s.Reveal())
	d.done = append(d.done, realm+" -"+s.Reveal())
	if i >= 0 {
		d.has = slices.Delete(d.has, i, i+1)
	}
	return i >= 0, nil
}

func (d *database) becomes(t *testing.T, want string) {
	t.Helper()
	tick, late := time.NewTicker(time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		d.mu.Lock()
		has := strings.Join(d.has, " ")
		d.mu.Unlock()
		if has == want {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the database has %q, want %q", has, want)
		}
	}
}

// A rotation by the file alone: the new secret beside the old one, before it, and alone. What the file never held is nobody's business here.
func TestFollow(t *testing.T) {
	d := &database{has: []string{"old", "of-a-rotation"}}
	var mu sync.Mutex // guards file
	var file []turnauth.Secret
	changed := make(chan struct{}, 1)
	put := func(secrets ...string) {
		mu.Lock()
		defer mu.Unlock()
		file = nil
		for _, s := range secrets {
			file = append(file, turnauth.NewSecret(s))
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	// As a file does, it holds something before anybody follows it: one that held nothing would have its secret taken away at the first look.
	put("old", "new")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		rotate.Follow(ctx, rotate.FollowOptions{
			Store: d, Realm: "example.org", Had: []turnauth.Secret{turnauth.NewSecret("old")}, Changed: changed, Retry: time.Millisecond,
			Now: func() []turnauth.Secret { mu.Lock(); defer mu.Unlock(); return file },
		})
	}()
	d.becomes(t, "old of-a-rotation new")
	put("new", "old")
	put("new", "old")
	d.mu.Lock()
	d.fail = true
	d.mu.Unlock()
	put("newer")
	time.AfterFunc(20*time.Millisecond, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.fail = false
	})
	d.becomes(t, "of-a-rotation newer")
	stop()
	<-ended
	if did := strings.Join(d.done[:2], ", "); did != "example.org +new, example.org +newer" {
		t.Errorf("it began with %s; a secret is to come before another goes", did)
	}
}
