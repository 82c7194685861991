package wire

import (
	"errors"
	"fmt"
)

// Code is an error's machine-readable name. [CodeUnavailable] and [CodeInternal] mean that delivery is unknown;
// every other code means that nothing was delivered.
type Code string

// The error codes of the contract.
const (
	CodeBadRequest   Code = "bad_request"
	CodeUnknownOp    Code = "unknown_op"
	CodeUnauthorized Code = "unauthorized"
	CodeForbidden    Code = "forbidden"
	CodeNotInRoom    Code = "not_in_room"
	CodeNoSuchPeer   Code = "no_such_peer"
	CodeRoomFull     Code = "room_full"
	CodeTooLarge     Code = "too_large"
	CodeRateLimited  Code = "rate_limited"
	CodeOffline      Code = "offline"
	CodeTaken        Code = "taken"
	CodeGone         Code = "gone"
	CodeUnavailable  Code = "unavailable"
	CodeInternal     Code = "internal"
)

// Codes lists every error code, in the order of the contract.
var Codes = []Code{
	CodeBadRequest, CodeUnknownOp, CodeUnauthorized, CodeForbidden, CodeNotInRoom, CodeNoSuchPeer, CodeRoomFull,
	CodeTooLarge, CodeRateLimited, CodeOffline, CodeTaken, CodeGone, CodeUnavailable, CodeInternal,
}

// Error is what a client is told: a code for its program and a message for its author. Neither ever holds a cause from
// inside the mesh: wrap the cause with [Because] and log it.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	cause   error
}

// Errorf makes an [Error].
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because attaches the cause for the log; clients don't see it.
func (e *Error) Because(cause error) *Error {
	return &Error{Code: e.Code, Message: e.Message, cause: cause}
}

func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// AsError returns the [Error] in err's chain, or a [CodeInternal] one that hides err from the client.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(CodeInternal, "the edge failed; it is not known whether the request took effect").Because(err)
}

// CloseCode is a WebSocket close code. Its range says what a client should do: 4000-4099 reconnect and resume,
// 4100-4199 reconnect with a new hello, 4400-4499 do not retry.
type CloseCode uint16

// The close codes of the contract.
const (
	CloseSlow           CloseCode = 4001 // the reader was too slow; resume makes it whole
	CloseDraining       CloseCode = 4002
	CloseBusLost        CloseCode = 4003
	CloseSessionUnknown CloseCode = 4101
	CloseTokenExpired   CloseCode = 4102
	CloseProtocol       CloseCode = 4400
	CloseBadToken       CloseCode = 4401
	CloseForbidden      CloseCode = 4403
	CloseNoHello        CloseCode = 4408
	CloseResumed        CloseCode = 4409 // the session was resumed elsewhere
	CloseTooLarge       CloseCode = 4413
	CloseFlooding       CloseCode = 4429
)

// CloseCodes names every close code, for generated code and metrics.
var CloseCodes = []struct {
	Name string
	Code CloseCode
}{
	{"slow", CloseSlow},
	{"draining", CloseDraining},
	{"busLost", CloseBusLost},
	{"sessionUnknown", CloseSessionUnknown},
	{"tokenExpired", CloseTokenExpired},
	{"protocol", CloseProtocol},
	{"badToken", CloseBadToken},
	{"forbidden", CloseForbidden},
	{"noHello", CloseNoHello},
	{"resumed", CloseResumed},
	{"tooLarge", CloseTooLarge},
	{"flooding", CloseFlooding},
}
