package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// A File of an image: one of Text, From and Link is its content.
type File struct {
	Path string // without a / at its begin
	Mode int64
	Text string
	From string // a file here
	Link string // what a symbolic link leads to
}

// An Image is what one kind of nodes gets of an archive.
type Image struct {
	Arch       string
	Created    time.Time
	Files      []File
	Entrypoint []string
	Labels     map[string]string
}

// user is who programs run as unless told otherwise. The chart says the same.
const user = "65532:65532"

// layer writes the files as a tar of their own, each folder above them first. Nothing in it depends on when or by whom it is made.
func (i Image) layer(w io.Writer) error {
	files, err := sorted(i.Files)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	made := map[string]bool{".": true}
	for _, f := range files {
		if err := i.folders(t, path.Dir(f.Path), made); err != nil {
			return err
		}
		if err := i.file(t, f); err != nil {
			return err
		}
	}
	return t.Close()
}

func (i Image) folders(t *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	made[dir] = true
	if err := i.folders(t, path.Dir(dir), made); err != nil {
		return err
	}
	return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: i.Created})
}

func (i Image) file(t *tar.Writer, f File) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: f.Path, Mode: f.Mode, ModTime: i.Created}
	if f.Link != "" {
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
		return t.WriteHeader(h)
	}
	text := []byte(f.Text)
	if f.From != "" {
		var err error
		if text, err = os.ReadFile(f.From); err != nil {
			return err
		}
	}
	h.Size = int64(len(text))
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(text)
	return err
}

// A descriptor names a blob (OCI image specification, descriptor.md).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func blob(kind string, b []byte) descriptor {
	return descriptor{MediaType: "application/vnd.oci.image." + kind, Digest: digestOf(b), Size: len(b)}
}

// blobs are what the image is stored as; top describes its manifest, which is one of them.
func (i Image) blobs() (top descriptor, all [][]byte, err error) {
	var plain, packed bytes.Buffer
	if err := i.layer(&plain); err != nil {
		return top, nil, err
	}
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is one of its own
	if _, err := z.Write(plain.Bytes()); err != nil {
		return top, nil, err
	}
	if err := z.Close(); err != nil {
		return top, nil, err
	}
	config := mustJSON(map[string]any{
		"created": i.Created.Format(time.RFC3339), "architecture": i.Arch, "os": "linux",
		"config": map[string]any{"User": user, "Entrypoint": i.Entrypoint, "Env": []string{"PATH=/:/usr/bin"}, "WorkingDir": "/", "Labels": i.Labels},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digestOf(plain.Bytes())}},
	})
	manifest := mustJSON(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": blob("config.v1+json", config), "layers": []descriptor{blob("layer.v1.tar+gzip", packed.Bytes())}, "annotations": i.Labels,
	})
	top = blob("manifest.v1+json", manifest)
	top.Platform = &platform{i.Arch, "linux"}
	return top, [][]byte{packed.Bytes(), config, manifest}, nil
}

func index(of ...descriptor) []byte {
	return mustJSON(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": of})
}

// Archive writes an image, as registry/name:tag, as an OCI layout in one tar file, as `ctr image import`, `skopeo copy oci-archive:` and `podman load` read
// it, and gives the digest by which it is pulled. Of several kinds each node takes its own.
func Archive(path, name string, kinds []Image) (digest string, err error) {
	var tops []descriptor
	var blobs [][]byte
	for _, i := range kinds {
		top, some, err := i.blobs()
		if err != nil {
			return "", err
		}
		tops, blobs = append(tops, top), append(blobs, some...)
	}
	top := tops[0]
	if len(tops) > 1 {
		both := index(tops...)
		top, blobs = blob("index.v1+json", both), append(blobs, both)
	}
	_, tag, _ := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	top.Annotations = map[string]string{"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": name}

	files := []File{{Path: "oci-layout", Mode: 0o644, Text: `{"imageLayoutVersion":"1.0.0"}`}, {Path: "index.json", Mode: 0o644, Text: string(index(top))}}
	for _, b := range blobs {
		files = append(files, File{Path: "blobs/sha256/" + strings.TrimPrefix(digestOf(b), "sha256:"), Mode: 0o644, Text: string(b)})
	}
	return top.Digest, write(path, Image{Created: kinds[0].Created, Files: slices.Clip(files)}.layer)
}

// write puts a file in place whole.
func write(name string, fill func(io.Writer) error) error {
	f, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name+".part"))
	}
	return os.Rename(name+".part", name)
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of texts and numbers
	}
	return b
}
