package coturn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"callmesh/turnctl/turnauth"
)

// DefaultCLIAddr is where coturn's command-line interface listens unless cli-ip and cli-port say otherwise.
const DefaultCLIAddr = "127.0.0.1:5766"

// CLIOptions say where coturn's command-line interface is.
type CLIOptions struct {
	// Addr is host:port; empty means DefaultCLIAddr.
	Addr string
	// Password is that of cli-password.
	Password turnauth.Secret
	// Timeout bounds each answer; 0 means 5 s.
	Timeout time.Duration
}

var (
	// ErrCLIPassword means that coturn asked for the password again.
	ErrCLIPassword = errors.New("coturn: cli: the password is not the one of cli-password")
	// ErrCLIRefused means that coturn knows no such command, parameter or session.
	ErrCLIRefused = errors.New("coturn: cli: refused")
)

// maxAnswer bounds what one command may answer, in bytes: about 10,000 sessions with their peers.
const maxAnswer = 8 << 20

// CLI is a session with coturn's command-line interface. It is not safe for use by several goroutines.
type CLI struct {
	conn    net.Conn
	timeout time.Duration
	banner  string
}

// DialCLI connects and gives the password. Errors: ErrCLIPassword, and those of the network.
func DialCLI(ctx context.Context, o CLIOptions) (*CLI, error) {
	if o.Addr == "" {
		o.Addr = DefaultCLIAddr
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	d := net.Dialer{Timeout: o.Timeout}
	conn, err := d.DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("coturn: cli: %w", err)
	}
	c := &CLI{conn: conn, timeout: o.Timeout}
	if err := c.login(ctx, o.Password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// login waits for the greeting's end, then answers it once: coturn takes three wrong passwords before it hangs up.
func (c *CLI) login(ctx context.Context, password turnauth.Secret) error {
	if err := sendable(password.Reveal()); err != nil {
		return fmt.Errorf("coturn: cli: password: %w", err)
	}
	banner, err := c.read(ctx, askPassword, prompt)
	if err != nil {
		return err
	}
	c.banner = banner
	if strings.HasSuffix(banner, prompt) {
		return nil // cli-password is empty
	}
	if err := c.write(ctx, password.Reveal()); err != nil {
		return err
	}
	answer, err := c.read(ctx, askPassword, prompt)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(answer, prompt) {
		return ErrCLIPassword
	}
	return nil
}

// Version is what coturn said in its greeting; it does so to whoever connects.
func (c *CLI) Version() (Version, error) { return ParseVersion(c.banner) }

// Close hangs up.
func (c *CLI) Close() error { return c.conn.Close() }

// Sessions lists the allocations that there are (ps). coturn lists cli-max-output-sessions of them, 256 by default; total is their
// true number.
func (c *CLI) Sessions(ctx context.Context) (list []Session, total int, err error) {
	answer, err := c.Do(ctx, "ps")
	if err != nil {
		return nil, 0, err
	}
	return ParseSessions(answer)
}

// Users says how many allocations each user has (pu), by coturn's name for the user: the whole username of a credential.
func (c *CLI) Users(ctx context.Context) (map[string]int, error) {
	answer, err := c.Do(ctx, "pu")
	if err != nil {
		return nil, err
	}
	return ParseUsers(answer)
}

// Parameters are what coturn runs with (pc), as "total-quota" to "10".
func (c *CLI) Parameters(ctx context.Context) (map[string]string, error) {
	answer, err := c.Do(ctx, "pc")
	if err != nil {
		return nil, err
	}
	return ParseParameters(answer), nil
}

// Set changes a parameter of the running coturn (cc): total-quota, user-quota, max-bps, bps-capacity or cli-max-output-sessions.
// Nothing else can be changed, and a restart forgets it. Quotas count allocations, max-bps and bps-capacity bytes a second; 0 means
// no bound. Errors: ErrCLIRefused when coturn does not say the new value back.
func (c *CLI) Set(ctx context.Context, name string, value uint64) error {
	answer, err := c.Do(ctx, fmt.Sprintf("cc %s %d", name, value))
	if err != nil {
		return err
	}
	if got := ParseParameters(answer)[name]; got != fmt.Sprint(value) {
		return fmt.Errorf("%w: cc %s %d: %s", ErrCLIRefused, name, value, firstLine(answer))
	}
	return nil
}

// Cancel ends an allocation (cs), whose id is that of a Session. coturn answers nothing, whether there is one or not.
func (c *CLI) Cancel(ctx context.Context, id string) error {
	_, err := c.Do(ctx, "cs "+id)
	return err
}

// Do gives one command and returns the answer, without the prompt.
func (c *CLI) Do(ctx context.Context, command string) (string, error) {
	if err := sendable(command); err != nil {
		return "", fmt.Errorf("coturn: cli: command: %w", err)
	}
	if err := c.write(ctx, command); err != nil {
		return "", err
	}
	answer, err := c.read(ctx, prompt)
	if err != nil {
		return "", err
	}
	answer = strings.TrimSuffix(answer, prompt)
	if strings.HasPrefix(strings.TrimSpace(answer), "Unknown command") {
		return "", fmt.Errorf("%w: %.40q is no command of this coturn", ErrCLIRefused, command)
	}
	return answer, nil
}

const (
	prompt      = "> "
	askPassword = "Enter password: \r\n"
)

// sendable refuses what telnet or coturn would take for something else.
func sendable(s string) error {
	if strings.ContainsAny(s, "\r\n\x00") || strings.IndexByte(s, 0xff) >= 0 || len(s) > 512 { // 0xff begins a command of telnet
		return errors.New("it must be one line of at most 512 bytes, without control characters")
	}
	return nil
}

func (c *CLI) write(ctx context.Context, line string) error {
	stop := c.bound(ctx)
	defer stop()
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
		return c.failed(ctx, err)
	}
	return nil
}

// read reads until one of the ends stands at the end of what came and nothing follows it: prompts have no marker of their own, but
// coturn writes each answer whole and then waits.
func (c *CLI) read(ctx context.Context, ends ...string) (string, error) {
	stop := c.bound(ctx)
	defer stop()
	var got bytes.Buffer
	chunk := make([]byte, 16<<10)
	for got.Len() < maxAnswer {
		n, err := c.conn.Read(chunk)
		got.Write(withoutTelnet(chunk[:n]))
		for _, end := range ends {
			if atEnd(got.Bytes(), end) {
				return got.String(), nil
			}
		}
		if err != nil {
			return "", c.failed(ctx, err)
		}
	}
	return "", fmt.Errorf("coturn: cli: an answer of more than %d bytes; lower cli-max-output-sessions", maxAnswer)
}

// atEnd says whether b ends in end, at the start of a line where end is the prompt.
func atEnd(b []byte, end string) bool {
	rest, ok := bytes.CutSuffix(b, []byte(end))
	return ok && (end != prompt || len(rest) == 0 || rest[len(rest)-1] == '\n')
}

// withoutTelnet takes out telnet's own commands: IAC and two bytes (RFC 854).
func withoutTelnet(b []byte) []byte {
	const iac = 0xff
	if bytes.IndexByte(b, iac) < 0 {
		return b
	}
	var out []byte
	for i := 0; i < len(b); i++ {
		if b[i] == iac {
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// bound makes the connection give up after the timeout, or when ctx ends.
func (c *CLI) bound(ctx context.Context) (stop func()) {
	_ = c.conn.SetDeadline(time.Now().Add(c.timeout))
	cancel := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { cancel() }
}

func (c *CLI) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("coturn: cli: %w", err)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}
