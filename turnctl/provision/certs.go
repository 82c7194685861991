package provision

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"callmesh/turnctl/coturn"
)

// nobody is the user and the group that own nothing.
const nobody = 65534

// CertFiles says how coturn's user comes to read a certificate and its key: where it may read them as they are, as root's own coturn does, there are no
// files to write; otherwise there are two, copies for its group beside the configuration. A renewed certificate comes there with turnctl rotate.
// A user that is not there yet is taken for one who may read what everybody may.
func CertFiles(user, dir, cert, key string) ([]File, error) {
	uid, gid, err := ids(user)
	if err != nil {
		uid, gid = nobody, nobody // its package is yet to make that user; Observe says where none is to come
	}
	if uid < 0 {
		uid = os.Geteuid()
	}
	var unreadable bool
	for _, path := range []string{cert, key} {
		switch err := coturn.Readable(path, uid, []int{gid}); {
		case errors.Is(err, coturn.ErrUnreadable):
			unreadable = true
		case err != nil:
			return nil, fmt.Errorf("provision: %w", err)
		}
	}
	if !unreadable {
		return nil, nil
	}
	var files []File
	for _, f := range []struct {
		from, name string
		secret     bool
	}{{cert, "turnserver.crt", false}, {key, "turnserver.key", true}} {
		content, err := os.ReadFile(f.from)
		if err != nil {
			return nil, fmt.Errorf("provision: %w", err)
		}
		files = append(files, File{Path: filepath.Join(dir, f.name), Content: content, Mode: 0o640, Secret: f.secret, Restart: true})
	}
	return files, nil
}
