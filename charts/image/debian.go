package main

import (
	"context"
	"debug/elf"
	_ "embed" // debian.list
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed debian.list
var debianList []byte

// debian takes programs out of Debian's packages, with the libraries that they are linked to and everybody's licence, and nothing else: no shell, no
// package manager. apt-get fetches the packages, as it would for a machine of that kind that has none, and checks that they are Debian's: which other
// packages this machine may install has no part in it. It needs no root.
func debian(ctx context.Context, dir, sources, arch string, install, programs []string) (files []File, packages []string, err error) {
	root, debs, lists := filepath.Join(dir, "root"), filepath.Join(dir, "debs"), filepath.Join(dir, "lists")
	if err := errors.Join(os.MkdirAll(root, 0o755), os.MkdirAll(filepath.Join(debs, "partial"), 0o755), os.MkdirAll(filepath.Join(lists, "partial"), 0o755)); err != nil {
		return nil, nil, err
	}
	status, list := filepath.Join(dir, "status"), filepath.Join(dir, "sources.list")
	text := debianList
	if sources != "" {
		if text, err = os.ReadFile(sources); err != nil {
			return nil, nil, err
		}
	}
	if err := errors.Join(os.WriteFile(status, nil, 0o644), os.WriteFile(list, text, 0o644)); err != nil {
		return nil, nil, err
	}
	options := []string{
		"-o", "Dir::Etc::sourcelist=" + list, "-o", "Dir::Etc::sourceparts=-", "-o", "Dir::State::lists=" + lists, "-o", "Dir::State::status=" + status,
		"-o", "Dir::Cache=" + dir, "-o", "Dir::Cache::archives=" + debs + "/", "-o", "APT::Architecture=" + arch, "-o", "APT::Architectures=" + arch,
		"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none", "-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
	}
	for _, args := range [][]string{
		{"-o", "APT::Update::Error-Mode=any", "update"}, append([]string{"--no-install-recommends", "--download-only", "--yes", "install"}, install...),
	} {
		if said, err := exec.CommandContext(ctx, "apt-get", append(slices.Clone(options), args...)...).CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("apt-get: %w; it takes apt and Debian's keys (debian-archive-keyring); where they are not, build Dockerfile's target coturn\n%s", err, said)
		}
	}
	found, err := filepath.Glob(debs + "/*.deb")
	if err != nil {
		return nil, nil, err
	}
	owner := map[string]string{} // the package's file name, by each path
	for _, deb := range found {
		list, err := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb).Output()
		if err != nil {
			return nil, nil, fmt.Errorf("dpkg-deb %s: %w", deb, err)
		}
		if err := unpack(list, root, func(path string) { owner[path] = deb }); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", deb, err)
		}
	}
	// Debian's /lib is usr/lib, as base-files has it.
	for _, name := range []string{"lib", "lib64", "bin"} {
		files = append(files, File{Path: name, Link: "usr/" + name})
	}
	paths, err := linked(root, programs)
	if err != nil {
		return nil, nil, err
	}
	from := map[string]bool{}
	for _, p := range paths {
		files = append(files, File{Path: p, Mode: 0o755, From: filepath.Join(root, p)})
		deb := owner[p]
		if deb == "" {
			return nil, nil, fmt.Errorf("%s is of no package", p)
		}
		if from[deb] {
			continue
		}
		from[deb] = true
		name, version, _ := strings.Cut(filepath.Base(deb), "_")
		version, _, _ = strings.Cut(version, "_")
		packages = append(packages, name+"="+strings.ReplaceAll(version, "%3a", ":"))
		copyright := "usr/share/doc/" + name + "/copyright"
		if text, err := os.ReadFile(filepath.Join(root, copyright)); err == nil {
			files = append(files, File{Path: copyright, Mode: 0o644, Text: string(text)})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	slices.Sort(packages)
	return files, packages, nil
}

// linked gives the programs, their loader, and all libraries that they need, as paths below root. What a library opens by name while it runs, as NSS
// modules, is not among them: coturn needs none.
func linked(root string, programs []string) ([]string, error) {
	dirs, err := libraryDirs(root)
	if err != nil {
		return nil, err
	}
	paths := slices.Clone(programs)
	for n := 0; n < len(paths); n++ { // it grows
		f, err := elf.Open(filepath.Join(root, paths[n]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", paths[n], err)
		}
		needs, err := f.ImportedLibraries()
		if section := f.Section(".interp"); section != nil && err == nil {
			var loader []byte
			loader, err = section.Data()
			// By its whole path, as the kernel looks for it.
			if path := merged(strings.Trim(string(loader), "/\x00")); !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", paths[n], err)
		}
		for _, name := range needs {
			path, err := find(root, dirs, name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", paths[n], err)
			}
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths, nil
}

// libraryDirs are where a loader of Debian looks.
func libraryDirs(root string) ([]string, error) {
	multi, err := filepath.Glob(root + "/usr/lib/*-linux-gnu")
	if err != nil || len(multi) != 1 {
		return nil, fmt.Errorf("libraries of %d kinds of machines: %w", len(multi), err)
	}
	lib, err := filepath.Rel(root, multi[0])
	return []string{"usr/lib64", lib, "usr/lib"}, err
}

func find(root string, dirs []string, name string) (string, error) {
	for _, d := range dirs {
		path := filepath.Join(d, name)
		if _, err := os.Stat(filepath.Join(root, path)); err == nil { // through links, whose content is what the image gets
			return path, nil
		}
	}
	return "", fmt.Errorf("no library %s", name)
}
