package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// build makes a static program that is the same wherever it is built from the same sources.
func build(ctx context.Context, root, pkg, out, arch string) (path string, err error) {
	out, err = filepath.Abs(out)
	if err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, "go", "build", "-C", root, "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", out, pkg)
	// What this machine or who builds here has set besides must not make another program of it, or one that only newer processors run. An empty GOFLAGS
	// would be the one of `go env -w`. The image's label has the revision: whether a program has it depends on git and on who owns the folder.
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, said)
	}
	return out, nil
}

// commitTime is when the sources were committed: what an image says of its own age must not depend on when it was built.
func commitTime(ctx context.Context, root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		text = "0" // an archive of the sources: of no age
		if out, err := exec.CommandContext(ctx, "git", "-C", root, "log", "-1", "--format=%ct").Output(); err == nil {
			text = string(out)
		}
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// revision is what was built, with -dirty if it was changed since; empty if nobody knows.
func revision(ctx context.Context, root string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// base is what every image has beside its programs: a name for who it runs as, and the authorities that browsers trust, as of this module's go.mod.
func base() []File {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue // trusted for some certificates only, which a file of authorities can't say
		}
		_ = pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
	}
	return []File{
		{Path: "etc/passwd", Mode: 0o644, Text: "root:x:0:0::/:/none\ncallmesh:x:65532:65532::/:/none\n"},
		{Path: "etc/group", Mode: 0o644, Text: "root:x:0:\ncallmesh:x:65532:\n"},
		{Path: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Text: roots.String()},
	}
}
