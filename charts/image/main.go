// Command image builds the images that the chart runs, as OCI archives, without Docker and without a registry: the programs of this
// repository and nats-server, static, and coturn from Debian's packages. None has a shell; each runs as nobody in particular (65532) and writes
// nothing into its root. Two builds of the same sources, by the same Go, have the same digest; coturn's, as long as Debian has the same packages.
//
//	go run -C charts/image . -out ../../bin/images            all of them
//	go run -C charts/image . -out ../../bin/images edge nats  some
//	go run -C charts/image . -arch amd64,arm64                for nodes of either kind
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run builds what args ask for, and says where each archive is and what its digest is.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	root := flags.String("root", "../..", "the repository")
	out := flags.String("out", "../../bin/images", "directory for the archives")
	registry := flags.String("registry", "localhost/callmesh", "what the images' names begin with, as images.registry of the chart")
	tag := flags.String("tag", "", "their tag; default: the chart's appVersion")
	arch := flags.String("arch", runtime.GOARCH, "processors to build for: amd64, arm64, or amd64,arm64 for images that have both")
	sources := flags.String("debian", "", "a sources.list of a Debian to take coturn from: a mirror, or snapshot.debian.org; default: debian.list")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *tag == "" {
		version, err := appVersion(*root)
		if err != nil {
			return err
		}
		*tag = version
	}
	names := flags.Args()
	if len(names) == 0 {
		names = []string{"edge", "turnctl", "probe", "nats", "coturn"}
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	created, err := commitTime(ctx, *root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	for _, name := range names {
		full := *registry + "/" + name + ":" + *tag
		var kinds []Image
		for a := range strings.SplitSeq(*arch, ",") {
			i := Image{Arch: a, Created: created}
			if err := fill(ctx, &i, name, *tag, *root, filepath.Join(work, a), *sources); err != nil {
				return fmt.Errorf("%s for %s: %w", name, a, err)
			}
			kinds = append(kinds, i)
		}
		path := filepath.Join(*out, name+".oci.tar")
		digest, err := Archive(path, full, kinds)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%s %s %s\n", path, full, digest)
	}
	return nil
}

// fill says what is in the image of a name.
func fill(ctx context.Context, i *Image, name, tag, root, work, sources string) error {
	programs := map[string]string{
		"edge": "./cmd/edge", "turnctl": "./cmd/turnctl", "probe": "./cmd/probe", "nats": "github.com/nats-io/nats-server/v2", "coturn": "./cmd/turnctl",
	}
	pkg, ok := programs[name]
	if !ok {
		return fmt.Errorf("no such image; there are edge, turnctl, probe, nats and coturn")
	}
	program := map[string]string{"nats": "nats-server", "coturn": "turnctl"}[name]
	if program == "" {
		program = name
	}
	if i.Arch != "amd64" && i.Arch != "arm64" {
		return errors.New("no such processor; there are amd64 and arm64")
	}
	if _, err := os.Stat(filepath.Join(root, "web/dist/index.html")); name == "edge" && err != nil {
		return fmt.Errorf("the page is not built, which takes `make web`: %w", err)
	}
	i.Files = base()
	i.Entrypoint = []string{"/" + program}
	i.Labels = map[string]string{
		"org.opencontainers.image.title": "callmesh " + name, "org.opencontainers.image.version": tag, "org.opencontainers.image.licenses": "Apache-2.0",
	}
	if r := revision(ctx, root); r != "" {
		i.Labels["org.opencontainers.image.revision"] = r
	}
	binary, err := build(ctx, root, pkg, filepath.Join(work, program), i.Arch)
	if err != nil {
		return err
	}
	i.Files = append(i.Files, File{Path: program, Mode: 0o755, From: binary})
	if name != "coturn" {
		return nil
	}
	files, packages, err := debian(ctx, filepath.Join(work, "debian"), sources, i.Arch, []string{"coturn", "sqlite3"}, []string{"usr/bin/turnserver", "usr/bin/turnadmin", "usr/bin/sqlite3"})
	i.Files = append(i.Files, files...)
	i.Labels["callmesh.debian-packages"] = strings.Join(packages, " ")
	i.Labels["org.opencontainers.image.licenses"] += ", and those in /usr/share/doc"
	return err
}

func appVersion(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "charts/callmesh/Chart.yaml"))
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)^appVersion: "([^"]+)"$`).FindSubmatch(text)
	if m == nil {
		return "", errors.New("charts/callmesh/Chart.yaml has no appVersion")
	}
	return string(m[1]), nil
}

// sorted puts files in the order of their paths, and refuses two of one path.
func sorted(files []File) ([]File, error) {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for n := 1; n < len(files); n++ {
		if files[n].Path == files[n-1].Path {
			return nil, fmt.Errorf("%s is there twice", files[n].Path)
		}
	}
	return files, nil
}
