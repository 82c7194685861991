package wire

import (
	"strconv"
	"unicode/utf8"
)

// Request is one decoded frame of a client. Args holds the op's arguments as a value of the type that [Ops] names.
//
// Raw members (data, info) alias the frame's bytes: they are valid as long as those are not changed.
type Request struct {
	ID    uint64
	HasID bool // an id could be read, so the answer to a bad frame can name it
	Op    Op
	Args  any
}

// maxID is the largest integer that every JSON reader keeps exactly.
const maxID = 1<<53 - 1

type field struct {
	name  string
	value []byte
	read  bool // by a [reader]; what nobody read is refused
}

// fields is the outer object of a frame.
type fields struct {
	list [maxFields]field
	n    int
}

// DecodeRequest reads one frame. It is strict: an unknown, repeated or missing member, or one of a wrong type, is an error, as a
// misspelt name would otherwise be a silent default. On error the request still has what could be read of its id and op.
func DecodeRequest(frame []byte) (Request, error) {
	var req Request
	var r reader
	s := scanner{b: frame}
	s.space()
	if s.next() != '{' {
		return req, s.fail("want one object")
	}
	var bad error // what is wrong first; the walk goes on after it, as the id may come later
	if !utf8.Valid(frame) {
		bad = Errorf(CodeBadRequest, "the frame is not valid UTF-8")
	}
	err := s.members(func(key, value []byte) error {
		if err := req.member(&r.fs, key, value); bad == nil {
			bad = err
		}
		return nil
	})
	if err != nil {
		return req, err
	}
	if s.space(); s.i != len(frame) {
		return req, s.fail("something follows the object")
	}
	if bad != nil {
		return req, bad
	}
	if !req.HasID {
		return req, Errorf(CodeBadRequest, "id is missing: want an integer from 0 to 2^53-1")
	}
	if req.Op == "" {
		return req, Errorf(CodeBadRequest, "op is missing")
	}
	req.Args, err = r.args(req.Op)
	return req, err
}

// member takes in one member of the outer object. Of a repeated one the first counts.
func (r *Request) member(fs *fields, key, value []byte) error {
	name, ok := known(key, memberNames[:])
	if !ok {
		name, ok = unquote(key)
	}
	switch {
	case !ok:
		return Errorf(CodeBadRequest, "a member's name holds half a surrogate pair")
	case fs.index(name) >= 0:
		return Errorf(CodeBadRequest, "%.40q stands twice in the frame", name)
	}
	var err error
	switch name {
	case "id":
		err = r.readID(value)
	case "op":
		err = r.readOp(value)
	}
	if fs.n == maxFields {
		return Errorf(CodeBadRequest, "the frame has more than %d members", maxFields)
	}
	fs.list[fs.n] = field{name: name, value: value}
	fs.n++
	return err
}

func (r *Request) readID(value []byte) error {
	id, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil || id > maxID {
		return Errorf(CodeBadRequest, "id: want an integer from 0 to 2^53-1")
	}
	r.ID, r.HasID = id, true
	return nil
}

func (r *Request) readOp(value []byte) error {
	for i := range Ops {
		if op := Ops[i].Op; isQuoted(value, string(op)) {
			r.Op = op
			return nil
		}
	}
	op, err := text("op", value)
	r.Op = Op(op)
	return err
}

// memberNames holds every member of every op, so that reading one's name costs no allocation.
var memberNames = [...]string{
	"id", "op", "room", "data", "to", "key", "keep", "info", "token", "resume", "before", "limit", "call", "media", "accept", "reason",
	"users", "peer", "outcome", "user", "forSeconds", "locked", "action", "invite", "code", "secret", "pass",
}

// known returns the name that raw holds, quotes included, if it is among names and without an escape.
func known(raw []byte, names []string) (string, bool) {
	for _, name := range names {
		if isQuoted(raw, name) {
			return name, true
		}
	}
	return "", false
}

func isQuoted(raw []byte, name string) bool {
	return len(raw) == len(name)+2 && raw[0] == '"' && string(raw[1:len(raw)-1]) == name
}

func (fs *fields) index(name string) int {
	for i := range fs.n {
		if fs.list[i].name == name {
			return i
		}
	}
	return -1
}
