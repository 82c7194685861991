package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// unpack writes a package's regular files and links below root, with /lib, /lib64 and /bin where they are today, below /usr, and tells each path. Whose
// they are does not matter: nothing is run from there.
func unpack(archive []byte, root string, each func(path string)) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	t := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := merged(filepath.Clean(strings.TrimPrefix(h.Name, "./")))
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeSymlink || path == "." {
			continue
		}
		if err := dir.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if h.Typeflag == tar.TypeSymlink {
			err = dir.Symlink(h.Linkname, path)
			if to, ok := strings.CutPrefix(h.Linkname, "/"); ok && err == nil { // as it would be with root as /
				up, rerr := filepath.Rel(filepath.Dir(path), merged(to))
				err = errors.Join(rerr, dir.Remove(path), dir.Symlink(up, path))
			}
		} else {
			var text []byte
			if text, err = io.ReadAll(t); err == nil {
				err = dir.WriteFile(path, text, 0o755)
			}
		}
		if err != nil {
			return err
		}
		each(path)
	}
}

func merged(path string) string {
	for _, name := range []string{"lib/", "lib64/", "bin/", "sbin/"} {
		if strings.HasPrefix(path, name) {
			return "usr/" + path
		}
	}
	return path
}
