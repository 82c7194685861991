package cli

import (
	"io/fs"
	"os"
	"path/filepath"
)

// WriteOut writes to what a flag names. A file, or none yet, is replaced by replace, which is told where it is: a link stays, and leads to the new one. What can't be replaced stays what
// it is and is written to: the standard output, wherever a shell has led it, a pipe, a terminal, /dev/null. mode is for what comes to be there meanwhile.
func WriteOut(path string, content []byte, mode fs.FileMode, replace func(path string) error) error {
	at, err := os.Stat(path)
	if err != nil {
		return replace(path)
	}
	if out, err := os.Stdout.Stat(); err == nil && os.SameFile(at, out) {
		_, err := os.Stdout.Write(content)
		return err
	}
	if !at.Mode().IsRegular() {
		return os.WriteFile(path, content, mode)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return replace(path)
}
