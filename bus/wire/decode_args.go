package wire

import (
	"encoding/json"
	"slices"
	"strconv"
)

// reader takes members out of a frame and keeps the first error, so that a decoder reads like the table of the contract.
// It holds the fields by value: with a pointer, returning err would move both to the heap.
type reader struct {
	fs  fields
	err error
}

// args takes the op's arguments out of the frame; whatever is left then is refused.
func (r *reader) args(op Op) (any, error) {
	var args any
	switch op {
	case OpHello:
		args = HelloArgs{Token: r.text("token", true), Resume: r.resume()}
	case OpPing:
		args = PingArgs{}
	case OpJoin:
		args = JoinArgs{Room: r.room(true), Info: r.raw("info", false), Pass: r.proof("pass", false)}
	case OpUpdate:
		args = UpdateArgs{Room: r.room(true), Info: r.raw("info", true)}
	case OpLeave:
		args = LeaveArgs{Room: r.room(true)}
	case OpSignal:
		args = SignalArgs{Room: r.room(true), To: PeerID(r.text("to", true)), Data: r.raw("data", true), Key: r.key()}
	case OpPost:
		args = PostArgs{Room: r.room(true), Data: r.raw("data", true), Keep: r.boolean("keep", false), Key: r.key()}
	case OpHistory:
		args = HistoryArgs{Room: r.room(true), Before: r.before(), Limit: r.limit()}
	case OpCall:
		args = CallArgs{To: r.user("to"), Media: oneOf(r, "media", true, MediaAudio, MediaVideo, MediaScreen), Room: r.room(false)}
	case OpAnswer:
		args = AnswerArgs{Call: CallID(r.text("call", true)), Accept: r.boolean("accept", true), Reason: oneOf(r, "reason", false, ReasonDeclined, ReasonBusy)}
	case OpHangup:
		args = HangupArgs{Call: CallID(r.text("call", true))}
	case OpPresence:
		args = PresenceArgs{Users: r.users()}
	case OpICE:
		args = ICEArgs{}
	case OpReport:
		args = ReportArgs{Room: r.room(true), Peer: PeerID(r.text("peer", true)), Outcome: r.outcome()}
	case OpRefresh:
		args = RefreshArgs{Token: r.text("token", true)}
	case OpKick:
		args = r.kick()
	case OpLock:
		args = LockArgs{Room: r.room(true), Locked: r.boolean("locked", true)}
	case OpContacts:
		args = ContactsArgs{}
	case OpContact:
		args = r.contact()
	case OpInvite:
		args = InviteArgs{}
	case OpInvited:
		args = InvitedArgs{Code: r.proof("code", true)}
	case OpModerate:
		args = ModerateArgs{Room: r.room(true), Secret: r.secret()}
	case OpKnock:
		args = KnockArgs{Room: r.room(true)}
	case OpAdmit:
		args = AdmitArgs{Room: r.room(true), Peer: PeerID(r.text("peer", true)), Accept: r.boolean("accept", true)}
	default:
		return nil, Errorf(CodeUnknownOp, "unknown op %.40q", string(op))
	}
	if r.err == nil {
		r.leftover(op)
	}
	return args, r.err
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// raw returns a member's bytes and marks it as read.
func (r *reader) raw(name string, required bool) json.RawMessage {
	i := r.fs.index(name)
	if i < 0 {
		if required {
			r.fail(Errorf(CodeBadRequest, "%s is missing", name))
		}
		return nil
	}
	r.fs.list[i].read = true
	return r.fs.list[i].value
}

func (r *reader) leftover(op Op) {
	for i := range r.fs.n {
		if f := &r.fs.list[i]; !f.read && f.name != "id" && f.name != "op" {
			r.fail(Errorf(CodeBadRequest, "%s has no argument %.40q", op, f.name))
		}
	}
}

func text(name string, raw []byte) (string, error) {
	if raw[0] != '"' {
		return "", Errorf(CodeBadRequest, "%s: want a string", name)
	}
	s, ok := unquote(raw)
	if !ok {
		return "", Errorf(CodeBadRequest, "%s holds half a surrogate pair", name)
	}
	return s, nil
}

func (r *reader) text(name string, required bool) string {
	raw := r.raw(name, required)
	if raw == nil {
		return ""
	}
	s, err := text(name, raw)
	if err != nil {
		r.fail(err)
	}
	return s
}

func (r *reader) room(required bool) RoomID {
	i := r.fs.index("room")
	room := RoomID(r.text("room", required))
	if r.err == nil && i >= 0 {
		if err := room.Validate(); err != nil {
			r.fail(err)
		}
	}
	return room
}

func (r *reader) user(name string) UserID {
	u := UserID(r.text(name, true))
	if r.err == nil {
		if err := u.Validate(); err != nil {
			r.fail(err)
		}
	}
	return u
}

func (r *reader) key() string {
	i := r.fs.index("key")
	key := r.text("key", false)
	if r.err == nil && i >= 0 {
		if err := validText("key", key, MaxKeyBytes); err != nil {
			r.fail(err)
		}
	}
	return key
}

func (r *reader) boolean(name string, required bool) bool {
	switch raw := r.raw(name, required); string(raw) {
	case "true":
		return true
	case "false", "":
		return false
	default:
		r.fail(Errorf(CodeBadRequest, "%s: want true or false", name))
		return false
	}
}

func oneOf[T ~string](r *reader, name string, required bool, allowed ...T) T {
	raw := r.raw(name, required)
	if raw == nil {
		return ""
	}
	s, err := text(name, raw)
	if err == nil && !slices.Contains(allowed, T(s)) {
		err = Errorf(CodeBadRequest, "%s: want one of %v", name, allowed)
	}
	if err != nil {
		r.fail(err)
	}
	return T(s)
}

func (r *reader) before() Mid {
	if r.fs.index("before") < 0 {
		return Mid{}
	}
	mid, err := ParseMid(r.text("before", true))
	if err != nil {
		r.fail(Errorf(CodeBadRequest, "before: want the mid of a post"))
	}
	return mid
}

func (r *reader) limit() int {
	raw := r.raw("limit", false)
	if raw == nil {
		return 0
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 1 {
		r.fail(Errorf(CodeBadRequest, "limit: want an integer from 1"))
	}
	return n
}

func (r *reader) users() []UserID {
	raw := r.raw("users", true)
	if raw == nil {
		return nil
	}
	users := []UserID{}
	if raw[0] != '[' {
		r.fail(Errorf(CodeBadRequest, "users: want an array of user ids"))
		return nil
	}
	s := scanner{b: raw}
	err := s.elements(func(value []byte) error {
		u, err := text("users", value)
		if err != nil {
			return err
		}
		users = append(users, UserID(u))
		return UserID(u).Validate()
	})
	if err != nil {
		r.fail(err)
	}
	return users
}
