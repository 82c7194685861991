package main

import (
	"archive/tar"
	"bytes"
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

//go:embed config
var configs embed.FS

// pauseImage is what holds each pod's namespaces.
const pauseImage = "localhost/callmesh/pause:1"

// configure fills a node's folder.
func (c *cluster) configure(folder string, n int) error {
	values := struct {
		Name, Address, Pods, AllPods, DNS, Folder, Authority, Kubeconfig, ProxyKubeconfig, Bin, Pause string
	}{
		nodeName(n), nodeAddress(n), nodePods(n), podCIDR, outside, folder, filepath.Join(c.folder, "pki/ca.crt"),
		filepath.Join(c.folder, nodeName(n)+".kubeconfig"), filepath.Join(c.folder, "proxy.kubeconfig"), c.bin, pauseImage,
	}
	for _, sub := range []string{"", "cni", "images", "logs", "pods"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o755); err != nil {
			return err
		}
	}
	all, err := template.ParseFS(configs, "config/*")
	if err != nil {
		return err
	}
	for _, t := range all.Templates() {
		path := filepath.Join(folder, t.Name())
		if strings.HasSuffix(path, ".conflist") {
			path = filepath.Join(folder, "cni", t.Name())
		}
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := t.Execute(out, values); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
	if err := pause(filepath.Join(c.bin, "pause"), filepath.Join(folder, "images", "pause.tar")); err != nil {
		return fmt.Errorf("pause image: %w", err)
	}
	if c.images == "" {
		return nil
	}
	archives, err := filepath.Glob(filepath.Join(c.images, "*.oci.tar"))
	if err != nil || len(archives) == 0 {
		return fmt.Errorf("no *.oci.tar in %s; make image builds them", c.images)
	}
	for _, path := range archives {
		if err := os.Symlink(path, filepath.Join(folder, "images", filepath.Base(path))); err != nil {
			return err
		}
	}
	return nil
}

// pause makes an image of one program.
func pause(program, archive string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	if err := w.WriteHeader(&tar.Header{Name: "pause", Mode: 0o755, Size: int64(len(text))}); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	tag, err := name.NewTag(pauseImage)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(archive, tag, image)
}
