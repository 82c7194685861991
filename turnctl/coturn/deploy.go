package coturn

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Files is the limit of open files that the relay needs: two for each allocation, one for each client on TCP or TLS, and some to spare.
func (r Relay) Files() int { return max(r.Quota()*3+1000, filesLimit) }

// Systemd is a drop-in for Debian's coturn.service: limits that fit the quota, and no more of the system than coturn needs.
func (r Relay) Systemd(v Version, conf string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# coturn %s, rendered by turnctl. Put it into /etc/systemd/system/coturn.service.d/ and run: systemctl daemon-reload", v)
	say("[Service]")
	if conf != "/etc/turnserver.conf" {
		say("ExecStart=")
		say("ExecStart=/usr/bin/turnserver -c %s --pidfile=", strings.ReplaceAll(unitPath(conf), "$", "$$"))
	}
	say("# %d allocations, each with files of its own.", r.Quota())
	say("LimitNOFILE=%d", r.Files())
	if r.Port < 1024 || !r.TLSOff && r.TLSPort < 1024 {
		say("# Ports below 1024, without root.")
		say("AmbientCapabilities=CAP_NET_BIND_SERVICE")
		say("CapabilityBoundingSet=CAP_NET_BIND_SERVICE")
	} else {
		say("CapabilityBoundingSet=")
	}
	say("# One that ends of itself in good order has been drained, and stays down.")
	say("Restart=on-failure")
	say("RestartSec=2s")
	say("# What coturn does not need, it cannot lose.")
	for _, on := range []string{
		"NoNewPrivileges", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock", "ProtectHostname",
		"PrivateDevices", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute",
	} {
		say("%s=yes", on)
	}
	say("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK")
	say("SystemCallArchitectures=native")
	say("ProtectSystem=strict")
	writable := []string{}
	if r.UserDB != "" {
		writable = append(writable, unitPath(filepath.Dir(r.UserDB)))
	}
	if filepath.IsAbs(r.Log) {
		writable = append(writable, unitPath(filepath.Dir(r.Log)))
	}
	if len(writable) > 0 {
		say("ReadWritePaths=%s", strings.Join(writable, " "))
	}
	return b.String()
}

// unitPath is a path as units have it: % would be a specifier, and a space the end.
func unitPath(path string) string {
	path = strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`).Replace(path)
	if strings.ContainsAny(path, " \t'\"\\") {
		return `"` + path + `"`
	}
	return path
}

// in a container, the configuration and what it names stand here.
const containerConf = "/etc/coturn/turnserver.conf"

type compose struct {
	Services map[string]composeService `yaml:"services"`
}

type composeService struct {
	Image       string                    `yaml:"image"`
	Command     []string                  `yaml:"command,flow"`
	NetworkMode string                    `yaml:"network_mode"`
	Init        bool                      `yaml:"init"`
	Restart     string                    `yaml:"restart"`
	ReadOnly    bool                      `yaml:"read_only"`
	Tmpfs       []string                  `yaml:"tmpfs,flow"`
	CapDrop     []string                  `yaml:"cap_drop,flow"`
	CapAdd      []string                  `yaml:"cap_add,flow,omitempty"`
	SecurityOpt []string                  `yaml:"security_opt,flow"`
	Ulimits     map[string]map[string]int `yaml:"ulimits"`
	Volumes     []string                  `yaml:"volumes"`
}

// Compose is a docker compose file that runs the relay in the host's network, since a published range of relay ports costs a process or a rule for each port.
func (r Relay) Compose(v Version, conf string) (string, error) {
	s := composeService{
		Image: "coturn/coturn:" + v.String(), Command: []string{"-c", containerConf}, NetworkMode: "host",
		Init:    true, // coturn as process 1 does not hear SIGTERM
		Restart: "unless-stopped", ReadOnly: true, Tmpfs: []string{"/var/tmp", "/var/log"},
		CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
		Ulimits: map[string]map[string]int{"nofile": {"soft": r.Files(), "hard": r.Files()}},
		Volumes: []string{conf + ":" + containerConf + ":ro"},
	}
	if r.Port < 1024 || !r.TLSOff && r.TLSPort < 1024 {
		s.CapAdd = []string{"NET_BIND_SERVICE"}
	}
	if r.UserDB != "" {
		dir := filepath.Dir(r.UserDB)
		s.Volumes = append(s.Volumes, dir+":"+dir)
	}
	for _, f := range []string{r.Cert, r.Key} {
		if f != "" {
			s.Volumes = append(s.Volumes, f+":"+f+":ro")
		}
	}
	return encode("coturn "+v.String()+", rendered by turnctl.", compose{map[string]composeService{"coturn": s}})
}

func encode(head string, v any) (string, error) {
	var b strings.Builder
	b.WriteString("# " + head + "\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("coturn: %w", err)
	}
	return b.String(), e.Close()
}
