package coturn

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"callmesh/turnctl/turnauth"
)

// UserDB is coturn's SQLite user database, as far as turnctl needs it: the shared secrets of a realm (table turn_secret), which a
// running coturn reads anew for each first authentication, so that adding and removing them needs no restart.
//
// It is written through the sqlite3 program, on which Debian's coturn depends, with the statements on its standard input:
// turnadmin -s takes the secret as an argument, where every user of the machine could read it in the process list.
type UserDB struct {
	// Path of the file. coturn's user must be able to read it, and to write beside it.
	Path string
	// Program is sqlite3 by default.
	Program string
}

// userDBTimeout bounds one statement; while coturn writes, SQLite waits up to userDBBusy for its lock.
const (
	userDBTimeout = 15 * time.Second
	userDBBusy    = 5 * time.Second
)

// schema is coturn's own (src/apps/relay/dbdrivers/dbd_sqlite.c): it makes its tables only in a file that it makes itself.
const schema = `
CREATE TABLE IF NOT EXISTS turnusers_lt (realm varchar(127) default '', name varchar(512), hmackey char(128), PRIMARY KEY (realm,name));
CREATE TABLE IF NOT EXISTS turn_secret (realm varchar(127) default '', value varchar(256), primary key (realm,value));
CREATE TABLE IF NOT EXISTS allowed_peer_ip (realm varchar(127) default '', ip_range varchar(256), primary key (realm,ip_range));
CREATE TABLE IF NOT EXISTS denied_peer_ip (realm varchar(127) default '', ip_range varchar(256), primary key (realm,ip_range));
CREATE TABLE IF NOT EXISTS turn_origin_to_realm (origin varchar(127), realm varchar(127), primary key (origin));
CREATE TABLE IF NOT EXISTS turn_realm_option (realm varchar(127) default '', opt varchar(32), value varchar(128), primary key (realm,opt));
CREATE TABLE IF NOT EXISTS oauth_key (kid varchar(128), ikm_key varchar(256), timestamp bigint default 0, lifetime integer default 0,
	as_rs_alg varchar(64) default '', realm varchar(127), primary key (kid));
CREATE TABLE IF NOT EXISTS admin_user (name varchar(32), realm varchar(127), password varchar(127), primary key (name));
`

// Longest values in bytes that coturn keeps.
const (
	maxRealm  = 127
	maxSecret = 255
)

// Secrets are those of a realm, in no order that means anything. A file that does not exist is an error.
func (d UserDB) Secrets(ctx context.Context, realm string) ([]turnauth.Secret, error) {
	if _, err := os.Stat(d.Path); err != nil {
		return nil, fmt.Errorf("coturn: user database: %w", err)
	}
	out, err := d.run(ctx, "SELECT hex(value) FROM turn_secret WHERE realm="+literal(realm)+" ORDER BY rowid;")
	if err != nil {
		return nil, err
	}
	var secrets []turnauth.Secret
	for line := range strings.Lines(string(out)) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return nil, errors.New("coturn: user database: sqlite3 printed something other than secrets")
		}
		secrets = append(secrets, turnauth.NewSecret(string(b)))
	}
	return secrets, nil
}

// Add puts a secret beside those that a realm has; one that it has already stays as it is. A database that is not there is
// made, for nobody but its owner to read; where root makes it, it belongs to whom its directory belongs to.
func (d UserDB) Add(ctx context.Context, realm string, secret turnauth.Secret) error {
	if secret.IsZero() || len(secret.Reveal()) > maxSecret || strings.ContainsRune(secret.Reveal(), 0) {
		return fmt.Errorf("coturn: user database: a secret has 1 to %d bytes and no NUL", maxSecret)
	}
	if realm == "" || len(realm) > maxRealm {
		return fmt.Errorf("coturn: user database: a realm has 1 to %d bytes; give the one of turnserver.conf", maxRealm)
	}
	if err := d.create(); err != nil {
		return err
	}
	_, err := d.run(ctx, d.readersGoOn()+schema+" INSERT OR IGNORE INTO turn_secret (realm,value) VALUES ("+literal(realm)+","+literal(secret.Reveal())+");")
	return err
}

// readersGoOn are statements after which writing locks no reader out. coturn does not wait for a lock: whoever calls in the moment of a write to a
// database with SQLite's usual journal is answered 401. With a write-ahead log nobody is. That log is a file beside the database, which its owner must be
// able to make; otherwise the journal stays, and the moment with it.
func (d UserDB) readersGoOn() string {
	dir, err := os.Stat(filepath.Dir(d.Path))
	if err != nil {
		return ""
	}
	owner, ok := dir.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	uid, gid := os.Geteuid(), os.Getegid() // of a database that is made here
	if file, err := os.Stat(d.Path); err == nil {
		if s, ok := file.Sys().(*syscall.Stat_t); ok {
			uid, gid = int(s.Uid), int(s.Gid)
		}
	}
	mode := dir.Mode().Perm()
	switch {
	case uid == 0 && owner.Uid != 0 && mode&0o002 == 0:
		return "" // coturn's user owns the directory and root the database: whoever opens it first would own the log
	case uid == int(owner.Uid) && mode&0o200 != 0, gid == int(owner.Gid) && mode&0o020 != 0, mode&0o002 != 0:
		return "PRAGMA journal_mode=WAL; "
	}
	return ""
}

// Remove takes a secret away and says whether it was there.
func (d UserDB) Remove(ctx context.Context, realm string, secret turnauth.Secret) (bool, error) {
	if _, err := os.Stat(d.Path); err != nil {
		return false, fmt.Errorf("coturn: user database: %w", err)
	}
	out, err := d.run(ctx, "DELETE FROM turn_secret WHERE realm="+literal(realm)+" AND value="+literal(secret.Reveal())+"; SELECT changes();")
	return strings.TrimSpace(string(out)) == "1", err
}

func (d UserDB) create() error {
	f, err := os.OpenFile(d.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("coturn: user database: %w", err)
	}
	if dir, err := os.Stat(filepath.Dir(d.Path)); err == nil && os.Geteuid() == 0 {
		if owner, ok := dir.Sys().(*syscall.Stat_t); ok {
			err = os.Chown(d.Path, int(owner.Uid), int(owner.Gid))
			if err != nil && !errors.Is(err, syscall.EINVAL) { // EINVAL: a user namespace that does not know the owner
				return errors.Join(fmt.Errorf("coturn: user database: %w", err), f.Close())
			}
		}
	}
	return f.Close()
}

func (d UserDB) run(ctx context.Context, sql string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, userDBTimeout)
	defer cancel()
	program := d.Program
	if program == "" {
		program = "sqlite3"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("coturn: user database: %w; install it (apt-get install sqlite3), since turnadmin would show the secret in the process list", err)
	}
	cmd := exec.CommandContext(ctx, path, "-batch", "-bail", "-init", os.DevNull, d.Path)
	cmd.Stdin = strings.NewReader(fmt.Sprintf(".timeout %d\n%s\n", userDBBusy.Milliseconds(), sql))
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("coturn: user database %s: %w: %s", d.Path, err, sqliteReason(problem.String()))
	}
	return out.Bytes(), nil
}

// sqliteReason is what SQLite itself had to say, without the statement that the program may quote after it.
func sqliteReason(text string) string {
	for _, known := range []string{"database is locked", "readonly database", "unable to open database", "not a database", "no such table", "disk is full"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return "sqlite3 refused the statement"
}

// literal is a text that SQL cannot mistake for anything else.
func literal(s string) string { return "CAST(x'" + hex.EncodeToString([]byte(s)) + "' AS TEXT)" }
