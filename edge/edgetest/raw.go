package edgetest

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// Ask sends a frame as it is and waits for the answer that names the id.
func (c *Client) Ask(id uint64, frame string) Answer {
	c.t.Helper()
	ch := make(chan Answer, 1)
	c.mu.Lock()
	c.answers[id] = ch
	c.mu.Unlock()
	c.Send([]byte(frame))
	select {
	case a := <-ch:
		return a
	case <-time.After(Patience):
		c.t.Fatalf("%.200s was never answered", frame)
		return Answer{}
	}
}

// SendBinary writes one binary frame.
func (c *Client) SendBinary(frame []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	must(c.t, c.ws.Write(ctx, websocket.MessageBinary, frame))
}

// CloseReason waits like [Client.CloseCode] and also returns the words beside the code.
func (c *Client) CloseReason() (wire.CloseCode, string) {
	c.t.Helper()
	code := c.CloseCode()
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := errors.AsType[websocket.CloseError](c.closed); ok {
		return code, e.Reason
	}
	return code, ""
}

// CloseWith closes the socket with a code of the client's own. Any but 1000 leaves the session to its grace.
func (c *Client) CloseWith(code int) {
	_ = c.ws.Close(websocket.StatusCode(code), "")
	<-c.done
}

// Key is the newest resume key that the session was given.
func (c *Client) Key() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key
}

// PingFrame sends a ping frame (RFC 6455, section 5.5.2) and waits for its pong, or for the end of the connection.
func (c *Client) PingFrame() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return c.ws.Ping(ctx)
}
