package coturn_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
)

// debianUnit is the unit that the drop-in is for, as Debian's package has it.
const debianUnit = `[Unit]
Description=coTURN STUN/TURN Server
After=network.target

[Service]
User=turnserver
Group=turnserver
Type=notify
ExecStart=/usr/bin/turnserver -c /etc/turnserver.conf --pidfile=
Restart=on-failure
InaccessibleDirectories=/home
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
`

// analyze lets systemd-analyze look at Debian's unit with a drop-in.
func analyze(t *testing.T, dropIn string, args ...string) (said string, err error) {
	t.Helper()
	dir := t.TempDir()
	unit := filepath.Join(dir, "coturn.service")
	for path, text := range map[string]string{unit: debianUnit, filepath.Join(dir, "coturn.service.d", "turnctl.conf"): dropIn} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("systemd-analyze", append(args, unit)...)
	c.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":", "SYSTEMD_PAGER=", "LC_ALL=C.UTF-8")
	out, err := c.CombinedOutput()
	return string(out), err
}

// systemd itself reads the drop-in, and finds nothing to say; its own measure of exposure is 9.0 for the unit alone, and 4.5 at most with it.
func TestSystemdTakesTheDropIn(t *testing.T) {
	low := full()
	low.Port, low.Log = 443, "/var/log/turn log/100%/turn.log"
	low.TLSPort = 5349
	for name, c := range map[string]struct {
		relay coturn.Relay
		conf  string
	}{"full": {full(), "/etc/turnserver.conf"}, "plain": {plain(), "/etc/turnserver.conf"}, "elsewhere": {low, "/srv/turn relay/turnserver.conf"}} {
		t.Run(name, func(t *testing.T) {
			dropIn := c.relay.Systemd(coturn.Debian, c.conf)
			if said, err := analyze(t, dropIn, "verify", "--man=no"); err != nil || said != "" {
				t.Errorf("systemd says %v: %s\n%s", err, said, dropIn)
			}
			if name == "elsewhere" {
				for _, want := range []string{`-c "/srv/turn relay/turnserver.conf" --`, `ReadWritePaths=/var/lib/turn "/var/log/turn log/100%%"`} {
					if !strings.Contains(dropIn, want) {
						t.Errorf("want %s in\n%s", want, dropIn)
					}
				}
			}
			if said, err := analyze(t, dropIn, "security", "--offline=true", "--no-pager", "--threshold=45"); err != nil {
				t.Errorf("its exposure is too great: %v\n%s", err, said)
			}
		})
	}
	// That a mistake would show.
	if said, _ := analyze(t, full().Systemd(coturn.Debian, "/etc/turnserver.conf")+"NoNewPrivilege=yes\n", "verify", "--man=no"); !strings.Contains(said, "Unknown key") {
		t.Errorf("a key that there is not passes: %s", said)
	}
}
