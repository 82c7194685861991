package wire

// MaxProofBytes bounds what the mesh signed and a client brings back: an invitation's code, and a pass.
const MaxProofBytes = 2048

// ContactState is how a user stands to a contact. It has both sides' word: nobody becomes [ContactMutual] without the consent of both.
type ContactState string

// The states of a contact, as the user sees it whose contact it is.
const (
	ContactMutual  ContactState = "mutual"  // both want it
	ContactAsked   ContactState = "asked"   // the user asked, and has no answer
	ContactAsks    ContactState = "asks"    // the other asks
	ContactBlocked ContactState = "blocked" // the user wants nothing of the other, who is not told
	ContactNone    ContactState = "none"    // it is over; never in a list
)

// Contact is another user, and how the user stands to them.
type Contact struct {
	User  User         `json:"user"` // with the name that was last known; empty if none was
	State ContactState `json:"state"`
	At    int64        `json:"at"` // Unix ms since when; of two words about the same user the later counts
}

// ContactsArgs has none.
type ContactsArgs struct{}

// ContactsOK lists the contacts, the latest change first.
type ContactsOK struct {
	Contacts []Contact `json:"contacts"`
}

// ContactAction is what is to become of a contact.
type ContactAction string

// What can become of a contact.
const (
	ContactAdd     ContactAction = "add"     // ask, or accept
	ContactRemove  ContactAction = "remove"  // end it, refuse, or take back
	ContactBlock   ContactAction = "block"   // want nothing of the user
	ContactUnblock ContactAction = "unblock" // forget that
)

// ContactArgs changes how one stands to a user.
type ContactArgs struct {
	User   UserID        `json:"user"`
	Action ContactAction `json:"action"`
	Invite string        `json:"invite,omitempty"` // with add: the user's code, by which it has agreed already
}

// ContactOK tells how it stands now.
type ContactOK struct {
	Contact Contact `json:"contact"`
}

// InviteArgs has none.
type InviteArgs struct{}

// InviteOK has a code that makes whoever adds the user with it a mutual contact at once.
type InviteOK struct {
	Code      string `json:"code"`
	ExpiresAt int64  `json:"expiresAt"` // Unix ms
}

// InvitedArgs asks whose code this is.
type InvitedArgs struct {
	Code string `json:"code"`
}

// InvitedOK tells who invites.
type InvitedOK struct {
	User User `json:"user"`
}

// ContactEvent tells every session of a user how the user now stands to another. Its at is [Contact].At.
type ContactEvent struct {
	Head
	User  User         `json:"user"`
	State ContactState `json:"state"`
}
