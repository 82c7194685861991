package edge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

func contact(c *edgetest.Client, user wire.UserID, action wire.ContactAction) wire.ContactState {
	return edgetest.Must[wire.ContactOK](c, wire.OpContact, wire.ContactArgs{User: user, Action: action}).Contact.State
}

// contactsOf lists a client's contacts as `user:name:state`.
func contactsOf(c *edgetest.Client) map[string]wire.ContactState {
	all := map[string]wire.ContactState{}
	for _, k := range edgetest.Must[wire.ContactsOK](c, wire.OpContacts, wire.ContactsArgs{}).Contacts {
		all[fmt.Sprintf("%s:%s", k.User.ID, k.User.Name)] = k.State
	}
	return all
}

func wantContacts(t *testing.T, what string, c *edgetest.Client, want ...string) {
	t.Helper()
	got := contactsOf(c)
	for _, w := range want {
		who, state, _ := strings.Cut(w, " ")
		if got[who] != wire.ContactState(state) {
			t.Errorf("%s: %s is %q in %v, want %s", what, who, got[who], got, state)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: contacts are %v, want %q", what, got, want)
	}
}

func hearsContact(c *edgetest.Client, user wire.UserID, state wire.ContactState) wire.ContactEvent {
	return edgetest.Await(c, wire.EvContact, func(e wire.ContactEvent) bool { return e.User.ID == user && e.State == state })
}

func TestContactsTakeTheConsentOfBoth(t *testing.T) {
	m := three(t)
	ann, phone, bob := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[2], "ann"), edgetest.Connect(t, m.Edges[1], "bob")
	wantContacts(t, "at first", ann)
	for range 2 { // to ask again changes nothing
		if got := contact(ann, "bob", wire.ContactAdd); got != wire.ContactAsked {
			t.Fatalf("an ask makes it %s", got)
		}
	}
	if e := hearsContact(bob, "ann", wire.ContactAsks); e.User.Name != "ann" || e.At == 0 || e.Mid.IsZero() {
		t.Errorf("the asked hears %+v", e)
	}
	hearsContact(phone, "bob", wire.ContactAsked)
	wantContacts(t, "who asks", phone, "bob: asked")
	wantContacts(t, "who is asked", bob, "ann:ann asks")
	if got := contact(bob, "ann", wire.ContactAdd); got != wire.ContactMutual {
		t.Errorf("an accept makes it %s", got)
	}
	for _, c := range []*edgetest.Client{ann, phone} {
		if e := hearsContact(c, "bob", wire.ContactMutual); e.User.Name != "bob" {
			t.Errorf("who asked hears %+v", e)
		}
	}
	hearsContact(bob, "ann", wire.ContactMutual)
	wantContacts(t, "both agree", ann, "bob:bob mutual")
	if got := contact(ann, "bob", wire.ContactRemove); got != wire.ContactNone {
		t.Errorf("a removal makes it %s", got)
	}
	hearsContact(bob, "ann", wire.ContactNone)
	wantContacts(t, "removed", bob)
	if got := contact(bob, "ann", wire.ContactAdd); got != wire.ContactAsked {
		t.Errorf("after a removal an ask makes it %s: the consent from before counts", got)
	}
	if got := contact(ann, "bob", wire.ContactRemove); got != wire.ContactNone {
		t.Errorf("a refusal makes it %s", got)
	}
	wantContacts(t, "refused", bob)
	wantError(t, "oneself", ann.Do(wire.OpContact, wire.ContactArgs{User: "ann", Action: wire.ContactAdd}), wire.CodeBadRequest, "")
	if got := contact(ann, "b.*.>\u2028 😀", wire.ContactRemove); got != wire.ContactNone {
		t.Errorf("to remove a stranger makes it %s", got)
	}
}

// TestContactEventsOutliveTheirEdge: what a user missed comes with the resume.
func TestContactEventsOutliveTheirEdge(t *testing.T) {
	m := oneNode(t, 2)
	ann, bob := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "bob")
	bob.Cut()
	contact(ann, "bob", wire.ContactAdd)
	bob = bob.Resume(m.Edges[0])
	hearsContact(bob, "ann", wire.ContactAsks)
	if got := len(bob.Events(wire.EvContact)); got != 1 {
		t.Errorf("it was told %d times", got)
	}
}

func TestContactsAddedAtOnce(t *testing.T) {
	m := three(t)
	for round := range 10 {
		a, b := fmt.Sprint("a", round), fmt.Sprint("b", round)
		ca, cb := edgetest.Connect(t, m.Edges[0], a), edgetest.Connect(t, m.Edges[1], b)
		var wg sync.WaitGroup
		wg.Go(func() { contact(ca, wire.UserID(b), wire.ContactAdd) })
		wg.Go(func() { contact(cb, wire.UserID(a), wire.ContactAdd) })
		wg.Wait()
		hearsContact(ca, wire.UserID(b), wire.ContactMutual)
		hearsContact(cb, wire.UserID(a), wire.ContactMutual)
		wantContacts(t, "asked by both", ca, b+":"+b+" mutual")
		wantContacts(t, "asked by both", cb, a+":"+a+" mutual")
	}
}

func TestInvitations(t *testing.T) {
	m := oneNode(t, 2)
	ann, bob, eve := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "bob"), edgetest.Connect(t, m.Edges[1], "eve")
	inv := edgetest.Must[wire.InviteOK](ann, wire.OpInvite, wire.InviteArgs{})
	if left := time.Until(time.UnixMilli(inv.ExpiresAt)); left < 6*24*time.Hour || left > 8*24*time.Hour {
		t.Errorf("the code lasts %v", left)
	}
	if got := edgetest.Must[wire.InvitedOK](bob, wire.OpInvited, wire.InvitedArgs{Code: inv.Code}).User; got != (wire.User{ID: "ann", Name: "ann"}) {
		t.Errorf("it is of %+v", got)
	}
	add := func(c *edgetest.Client, user wire.UserID, code string) edgetest.Answer {
		return c.Do(wire.OpContact, wire.ContactArgs{User: user, Action: wire.ContactAdd, Invite: code})
	}
	flipped := []byte(inv.Code)
	flipped[3] ^= 1
	resumeKey := edgetest.Must[wire.PingOK](eve, wire.OpPing, wire.PingArgs{}).Key
	for what, code := range map[string]string{"nothing": "x", "a changed one": string(flipped), "without its end": inv.Code[:len(inv.Code)-2], "a resume key": resumeKey + eve.Key()} {
		wantError(t, what, add(eve, "ann", code), wire.CodeGone, "")
		wantError(t, what, eve.Do(wire.OpInvited, wire.InvitedArgs{Code: code}), wire.CodeGone, "")
	}
	wantError(t, "another user's", add(eve, "bob", inv.Code), wire.CodeGone, "")
	wantContacts(t, "whom nobody but a forger added", ann)
	for _, c := range []*edgetest.Client{bob, eve} { // it is good for many
		edgetest.Must[wire.ContactOK](c, wire.OpContact, wire.ContactArgs{User: "ann", Action: wire.ContactAdd, Invite: inv.Code})
		wantContacts(t, "with the code", c, "ann:ann mutual")
	}
	hearsContact(ann, "bob", wire.ContactMutual)
	wantContacts(t, "who invites", ann, "bob:bob mutual", "eve:eve mutual")
}

// TestABlockIsInvisible compares what a blocked user sees with what one sees whose callee is not there.
func TestABlockIsInvisible(t *testing.T) {
	m := oneNode(t, 2)
	ann, eve := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "eve")
	contact(ann, "eve", wire.ContactAdd)
	contact(eve, "ann", wire.ContactAdd)
	hearsContact(ann, "eve", wire.ContactMutual)
	hearsContact(eve, "ann", wire.ContactMutual)
	if got := watch(eve, "ann", "nobody"); !got["ann"] {
		t.Fatalf("online are %v", got)
	}
	other := edgetest.Connect(t, m.Edges[1], "other")
	watch(other, "ann")
	before, seen := len(eve.Events(wire.EvContact)), len(presences(t, eve, "ann"))
	if got := contact(ann, "eve", wire.ContactBlock); got != wire.ContactBlocked {
		t.Fatalf("a block makes it %s", got)
	}
	awaitPresence(eve, "ann", false)
	again := edgetest.Connect(t, m.Edges[1], "eve")
	if got := watch(again, "ann", "nobody"); got["ann"] {
		t.Errorf("for another device online are %v", got)
	}
	call := func(to wire.UserID) edgetest.Answer {
		return eve.Do(wire.OpCall, wire.CallArgs{To: to, Media: wire.MediaAudio})
	}
	stranger, blocked := call("nobody"), call("ann")
	if *stranger.Error != *blocked.Error || blocked.Error.Code != wire.CodeOffline {
		t.Errorf("a call gets %v, of who is offline %v", blocked.Error, stranger.Error)
	}
	wantContacts(t, "for who is blocked", eve, "ann:ann mutual")
	contact(eve, "ann", wire.ContactRemove)
	for range 2 {
		if got := contact(eve, "ann", wire.ContactAdd); got != wire.ContactAsked {
			t.Errorf("an ask of who is blocked makes it %s", got)
		}
	}
	wantContacts(t, "who blocks", ann, "eve:eve blocked")
	phone := edgetest.Connect(t, m.Edges[1], "ann") // a device more, and one less, changes nothing to be seen
	if got := phone.Hello.Missed; len(got) != 0 {
		t.Errorf("missed are %+v", got)
	}
	ann.Close()
	phone.Close()
	awaitPresence(other, "ann", false)
	ann = edgetest.Connect(t, m.Edges[1], "ann")
	awaitPresence(other, "ann", true)
	if got := len(eve.Events(wire.EvContact)) - before; got != 3 { // its own: none, asked, and asked once more
		t.Errorf("who is blocked heard %d of contacts", got)
	}
	if got := presences(t, eve, "ann")[seen:]; len(got) != 1 || got[0] {
		t.Errorf("who is blocked was told %v", got)
	}
	for _, c := range []*edgetest.Client{ann, phone} {
		if got := c.Events(wire.EvRing); len(got) > 0 {
			t.Errorf("who blocks hears %s", got[0].Raw)
		}
	}
	if got := contact(ann, "eve", wire.ContactUnblock); got != wire.ContactNone {
		t.Errorf("an unblock makes it %s", got)
	}
	awaitPresence(eve, "ann", true)
	hearsContact(eve, "ann", wire.ContactNone)
	wantContacts(t, "unblocked", ann)
	if a := call("ann"); a.Error != nil {
		t.Errorf("a call after that: %v", a.Error)
	}
	edgetest.Await(ann, wire.EvRing, func(e wire.RingEvent) bool { return e.From.ID == "eve" })
}

// TestABlockOutlastsAnInvitation: whoever has a code of the user's from before is not let in by it, and does not learn that.
func TestABlockOutlastsAnInvitation(t *testing.T) {
	m := oneNode(t, 2)
	ann, eve := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "eve")
	code := edgetest.Must[wire.InviteOK](ann, wire.OpInvite, wire.InviteArgs{}).Code
	contact(ann, "eve", wire.ContactBlock)
	got := edgetest.Must[wire.ContactOK](eve, wire.OpContact, wire.ContactArgs{User: "ann", Action: wire.ContactAdd, Invite: code}).Contact
	if got.State != wire.ContactMutual {
		t.Errorf("with a code of who blocks it is %s", got.State)
	}
	wantContacts(t, "who blocks", ann, "eve: blocked")
	if a := eve.Do(wire.OpCall, wire.CallArgs{To: "ann", Media: wire.MediaAudio}); a.Error == nil || a.Error.Code != wire.CodeOffline {
		t.Errorf("a call: %+v", a)
	}
	if got := contact(ann, "eve", wire.ContactAdd); got != wire.ContactMutual { // who adds has lifted the block
		t.Errorf("then an add makes it %s", got)
	}
	wantContacts(t, "who was blocked", eve, "ann:ann mutual")
}

func TestContactLimits(t *testing.T) {
	n := oneNode(t, 1, limited(func(l *edge.Limits) {
		l.LimitLoopback, l.Contacts = true, 3
		l.AskRate, l.AskBurst, l.ContactRate, l.ContactBurst = 0.001, 4, 0.001, 12
	})).Edges[0]
	ann := edgetest.Connect(t, n, "ann")
	if got := ann.Hello.Limits.Contacts; got != 3 {
		t.Errorf("limits.contacts is %d", got)
	}
	do := func(user string, action wire.ContactAction) edgetest.Answer {
		return ann.Do(wire.OpContact, wire.ContactArgs{User: wire.UserID(user), Action: action})
	}
	for i := range 3 {
		contact(ann, wire.UserID(fmt.Sprint("u", i)), wire.ContactAdd)
	}
	wantError(t, "one more", do("u3", wire.ContactAdd), wire.CodeTooLarge, "")
	wantError(t, "a block more", do("u3", wire.ContactBlock), wire.CodeTooLarge, "")
	contact(ann, "u0", wire.ContactBlock) // which is one of them
	contact(ann, "u1", wire.ContactRemove)
	contact(ann, "u4", wire.ContactAdd)
	contact(ann, "u4", wire.ContactRemove)
	wantError(t, "a stranger too many", do("u5", wire.ContactAdd), wire.CodeRateLimited, "more than 0.001 asks of strangers a second from this user: slow down")
	contact(ann, "u5", wire.ContactBlock)
	contact(ann, "u5", wire.ContactUnblock)
	wantError(t, "a change too many", do("u5", wire.ContactBlock), wire.CodeRateLimited, "more than 0.001 changes of contacts a second from this session: slow down")
	code := edgetest.Must[wire.InviteOK](ann, wire.OpInvite, wire.InviteArgs{}).Code
	for i, name := range []string{"v0", "v1"} {
		a := edgetest.Connect(t, n, name).Do(wire.OpContact, wire.ContactArgs{User: "ann", Action: wire.ContactAdd, Invite: code})
		if i == 0 && a.Error != nil {
			t.Errorf("by an invitation: %v", a.Error)
		} else if i == 1 {
			wantError(t, "an invitation of a user who has as many as one may", a, wire.CodeTooLarge, "")
		}
	}
}

func TestContactsAcrossRegions(t *testing.T) {
	m := edgeInEach(t)
	ann, bob := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "bob")
	for round := range 5 {
		var wg sync.WaitGroup
		wg.Go(func() { contact(ann, "bob", wire.ContactAdd) })
		wg.Go(func() { contact(bob, "ann", wire.ContactAdd) })
		wg.Wait()
		hearsContact(ann, "bob", wire.ContactMutual)
		hearsContact(bob, "ann", wire.ContactMutual)
		// A user who moves finds them, and the later word counts wherever it is said.
		moved := edgetest.Connect(t, m.Edges[1], "ann")
		wantContacts(t, fmt.Sprint("moved, round ", round), moved, "bob:bob mutual")
		contact(moved, "bob", wire.ContactRemove)
		wantContacts(t, "removed abroad", ann)
		wantContacts(t, "removed abroad", bob)
		moved.Close()
	}
	contact(edgetest.Connect(t, m.Edges[1], "ann"), "bob", wire.ContactBlock)
	if a := bob.Do(wire.OpCall, wire.CallArgs{To: "ann", Media: wire.MediaAudio}); a.Error == nil || a.Error.Code != wire.CodeOffline {
		t.Errorf("a call of who is blocked: %+v", a)
	}
	// Half a list would look like a whole one.
	m.super.Isolate(bustest.Cut, "asia")
	wantError(t, "contacts with a region out of reach", ann.Do(wire.OpContacts, wire.ContactsArgs{}), wire.CodeUnavailable, "")
	wantError(t, "a change then", ann.Do(wire.OpContact, wire.ContactArgs{User: "cid", Action: wire.ContactAdd}), wire.CodeUnavailable, "")
	m.super.Heal()
	edgetest.Eventually(t, "they can be read again", func() bool {
		return ann.Do(wire.OpContact, wire.ContactArgs{User: "cid", Action: wire.ContactAdd}).Error == nil
	})
	wantContacts(t, "after that", ann, "bob:bob blocked", "cid: asked")
}
