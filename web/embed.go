// Package web holds the page as built by Vite, so that one binary serves everything.
package web

import (
	"embed"
	"io/fs"
)

// all: keeps the placeholder, which is all there is before the first `make web`; without it the pattern would match nothing and the build would fail.
//
//go:embed all:dist
var dist embed.FS

// Assets returns the page's files, rooted so that index.html is at the top.
// built is false when the binary was compiled before the page was: there is then nothing to serve, and the caller should say so.
func Assets() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only for an invalid path, and this one is a constant.
		panic("web: " + err.Error())
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
