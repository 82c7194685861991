package wire

import "strconv"

func (r *reader) kick() KickArgs {
	a := KickArgs{Room: r.room(false), Peer: PeerID(r.text("peer", false)), ForSeconds: r.seconds("forSeconds", MaxKickSeconds)}
	hasPeer, hasUser := r.fs.index("peer") >= 0, r.fs.index("user") >= 0
	if hasUser {
		a.User = r.user("user")
	}
	switch {
	case hasPeer == hasUser:
		r.fail(Errorf(CodeBadRequest, "kick: want either peer or user"))
	case hasPeer && r.fs.index("room") < 0:
		r.fail(Errorf(CodeBadRequest, "kick: a peer is in a room: want room too, or user instead of peer"))
	}
	return a
}

// seconds returns nil if the member is not there.
func (r *reader) seconds(name string, limit int) *int {
	raw := r.raw(name, false)
	if raw == nil {
		return nil
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 || n > limit {
		r.fail(Errorf(CodeBadRequest, "%s: want an integer from 0 to %d", name, limit))
		return nil
	}
	return &n
}

func (r *reader) contact() ContactArgs {
	a := ContactArgs{
		User: r.user("user"), Action: oneOf(r, "action", true, ContactAdd, ContactRemove, ContactBlock, ContactUnblock),
		Invite: r.proof("invite", false),
	}
	if a.Action != ContactAdd && r.fs.index("invite") >= 0 {
		r.fail(Errorf(CodeBadRequest, "contact: only add takes an invite"))
	}
	return a
}

// proof reads what the mesh has signed. What it says is for the edge to check.
func (r *reader) proof(name string, required bool) string {
	i := r.fs.index(name)
	s := r.text(name, required)
	if r.err == nil && i >= 0 && (s == "" || len(s) > MaxProofBytes) {
		r.fail(Errorf(CodeBadRequest, "%s: want 1 to %d bytes", name, MaxProofBytes))
	}
	return s
}

// secret quotes nothing of what it refuses.
func (r *reader) secret() string {
	s := r.text("secret", true)
	printable := true
	for i := range len(s) {
		printable = printable && s[i] >= ' ' && s[i] <= '~'
	}
	if r.err == nil && (!printable || len(s) < MinSecretBytes || len(s) > MaxSecretBytes) {
		r.fail(Errorf(CodeBadRequest, "secret: want %d to %d characters of printable ASCII", MinSecretBytes, MaxSecretBytes))
	}
	return s
}
