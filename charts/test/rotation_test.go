package charts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// Who has the relays' secret sees another as soon as the kubelet brings it: a file that is mounted by itself would stay as it was.
func TestSecretsCanChangeUnderPrograms(t *testing.T) {
	each(t, func(t *testing.T, r rendered) {
		for _, w := range workloads(r) {
			for _, c := range w.spec.Containers {
				for _, m := range c.VolumeMounts {
					if m.Name == "secrets" && m.SubPath != "" {
						t.Errorf("%s/%s has %s as it was when the pod began", w.name, c.Name, m.MountPath)
					}
				}
			}
		}
	})
}

// A relay's certificate may be gone, or yet to come: its pod starts all the same, and the agent trusts what its authority is by then.
func TestRelayStartsWithoutItsCertificate(t *testing.T) {
	r := render(t, map[string]any{"coturn": map[string]any{"tls": map[string]any{"secretName": "turn-tls", "host": "turn.example.org", "authorityKey": "ca.crt"}}})
	of := 0
	for _, v := range r.workload(t, "callmesh-relay").spec.Volumes {
		if v.Secret != nil && v.Secret.SecretName == "turn-tls" {
			if of++; v.Secret.Optional == nil || !*v.Secret.Optional {
				t.Errorf("without the Secret no relay starts: the volume %s waits for it", v.Name)
			}
		}
	}
	if of != 2 {
		t.Errorf("%d volumes of it", of)
	}
	if text := named[core.ConfigMap](r, "callmesh-relay").Data["watch.yaml"]; !strings.Contains(text, "\nca-file: /etc/callmesh/authority/ca.crt\n") {
		t.Errorf("the agent goes by\n%s", text)
	}
}

// The rotation that RUNBOOK.md has: the Secret holds the old line, both, both the other way round, and the new one.
func TestRotationOfTheRunbook(t *testing.T) {
	text, err := os.ReadFile("../RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## Other secrets\n")
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(part)
	if block == nil {
		t.Fatal("no commands")
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "kubectl"), []byte("#!/bin/sh\ncase $1 in get) printf b2xkLXNlY3JldC0wMTIzNDU2Nzg5;; patch) cat; echo;; *) exit 1;; esac\n"))
	if err := os.Chmod(filepath.Join(dir, "kubectl"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", "-ec", block[1])
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var held []string
	for line := range strings.Lines(string(out)) {
		var patch struct{ StringData map[string]string }
		if err := json.Unmarshal([]byte(line), &patch); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		held = append(held, patch.StringData["turn-secret"])
	}
	const old = "old-secret-0123456789"
	if len(held) != 3 || len(held[2]) < 32 || held[0] != old+"\n"+held[2] || held[1] != held[2]+"\n"+old {
		t.Errorf("the Secret becomes %q", held)
	}
}
