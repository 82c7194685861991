package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A stream's copies learn of a commit one after another, and whatever NATS places by itself (a consumer, a direct get) may be given one
// that lags. Reads that must see what was acked before they began ask the stream's leader; a replay, which must not miss any, has it store a mark (direct.go).

// stored is a message as the leader of its stream has it; Seq is 0 if there is none.
type stored struct {
	Seq  uint64    `json:"seq"`
	Data []byte    `json:"data"`
	Time time.Time `json:"time"`
}

// lastOf reads the last message of a subject, which may hold wildcards, from the stream's leader.
func (b *Bus) lastOf(ctx context.Context, stream, subject string) (stored, error) {
	ctx, cancel := b.bounded(ctx, ackTimeout)
	defer cancel()
	answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, []byte(`{"last_by_subj":"`+subject+`"}`))
	if err != nil {
		return stored{}, fmt.Errorf("%w: reading %s: %w", ErrUnavailable, stream, err)
	}
	last, err := parseStored(answer.Data)
	if noMeta(err) {
		return b.lastDirect(ctx, stream, subject)
	}
	return last, err
}

// parseStored reads the answer of STREAM.MSG.GET.
func parseStored(data []byte) (stored, error) {
	var answer struct {
		Message stored              `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return stored{}, fmt.Errorf("%w: a stream's answer: %w", ErrUnavailable, err)
	}
	if answer.Error != nil && answer.Error.ErrorCode != jetstream.JSErrCodeMessageNotFound {
		return stored{}, fmt.Errorf("%w: %w", ErrUnavailable, answer.Error)
	}
	return answer.Message, nil
}

// pause waits a moment for what one part of NATS knows to reach another.
func pause(ctx context.Context) {
	moment := time.NewTimer(10 * time.Millisecond)
	defer moment.Stop()
	select {
	case <-moment.C:
	case <-ctx.Done():
	}
}
