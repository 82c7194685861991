package charts

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// insideNode names, in the copy of the test binary that is in the network of a node, where the programs were built, and nodeIs that node's address.
const insideNode, nodeIs = "CHARTS_INSIDE_NODE", "CHARTS_NODE_ADDRESS"

// The whole chart runs on one node: pods start with their own commands, files and rights, are ready by their own probes, two ends call each other as `helm test` does,
// over coturn that turnctl has started with the chart's values, and pods stop in time. What a kubelet adds to that is cgroups, and a network for each pod.
func TestPodsRunOnANode(t *testing.T) { podsRun(t, nodeAddress, nil) }

// On a node that has no address of IPv4 but loopback's, too. ICE of the two ends asks no relay of IPv6 over UDP, so they ask it over TCP.
func TestPodsRunOnANodeOfIPv6(t *testing.T) {
	podsRun(t, "fd00:20:30::40", map[string]any{"test": map[string]any{"mode": "relay-tcp"}})
}

func podsRun(t *testing.T, address string, values map[string]any) {
	t.Helper()
	if os.Getenv(insideNode) == "" {
		c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.timeout=10m", "-test.v")
		c.Env = append(os.Environ(), insideNode+"="+built, nodeIs+"="+address)
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	makeNode(t)
	device, err := os.Stat("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	// With names of their own, as in production, and with a relay whose certificate comes only later: that of NATS, which is at hand.
	const relayName = "callmesh-nats-0.callmesh-nats-nodes." + namespace + ".svc"
	r := render(t, merged(merged(scenarios(t)["trial"], map[string]any{
		"edges":  map[string]any{"hosts": []any{"calls.example.org"}},
		"coturn": map[string]any{"tls": map[string]any{"secretName": "comes-later", "host": relayName, "authorityKey": "ca.crt"}},
	}), values))
	hosts := nodeAddress + " " + relayName + " callmesh-edge." + namespace + ".svc\n127.0.0.1 localhost\n"
	nats, edge, relay := r.pod(t, "callmesh-nats", hosts), r.pod(t, "callmesh-edge", hosts), r.pod(t, "callmesh-relay", hosts)
	nats.ready(t)
	edge.ready(t)
	relay.ready(t)
	t.Log("every pod is ready")
	r.pod(t, "callmesh-test-call", hosts).runs(t)
	t.Log("two ends have called each other")
	overTLS(t, relay, relayName, named[core.Secret](render(t, nil), "callmesh-nats-tls").Data)
	relay.stop(t)
	edge.stop(t)
	t.Log("pods have stopped")
	now, err := os.Stat("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if now.Mode() != device.Mode() {
		t.Errorf("this machine's /dev/null was %s and is %s", device.Mode(), now.Mode())
	}

	// None could have written anywhere but where it may.
	out, _ := relay.command(t.Context(), t, relay.container(t, "coturn"), []string{
		"turnctl", "render", "--listen-ip=$(HOST_IP)", "--realm=callmesh", "--tls-off", "-o=/etc/turnserver.conf",
	}).CombinedOutput()
	if !strings.Contains(string(out), "permission denied") {
		t.Errorf("a container can write into its root: %s", out)
	}
}

// overTLS wants callers to be sent to a relay over TLS once its certificate is there, and not before; nothing of it is started again.
func overTLS(t *testing.T, relay *pod, host string, certificate map[string][]byte) {
	t.Helper()
	says := func(metric string) bool {
		answer, err := http.Get("http://127.0.0.1:9091/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(text), metric)
	}
	rung := "tls4"
	if strings.Contains(nodeAddress, ":") {
		rung = "tls6"
	}
	url := `url="turns:` + host + `:5349?transport=tcp"} `
	if !says("callmesh_turnctl_relay_up{"+url+"0") || !says(`callmesh_turnctl_rung_up{rung="`+rung+`.certificate",`+url+"0") {
		t.Error("without a certificate the agent does not say that callers get no TLS")
	}
	for path, key := range map[string]string{"callmesh/tls/tls.crt": "tls.crt", "callmesh/tls/tls.key": "tls.key", "callmesh/authority/ca.crt": "ca.crt"} {
		put(t, filepath.Join(relay.root, "etc", path), certificate[key])
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return says("callmesh_turnctl_relay_up{" + url + "1"), nil
	})
	if err != nil {
		t.Fatalf("with a certificate callers are not sent there over TLS: %v\n%s\n%s", err, relay.running["coturn"].said(), relay.running["agent"].said())
	}
	t.Log("and callers get TLS")
}

// makeNode hides other processes from this one and gives its network the address of a node, and a Service's port, as kube-proxy does.
func makeNode(t *testing.T) {
	t.Helper()
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("proc", "/proc", "proc", 0, "")); err != nil {
		t.Fatal(err)
	}
	page := named[core.Service](render(t, nil), "callmesh-edge").Spec.Ports[0].Port
	if page != 80 {
		t.Fatalf("the Service of edges has the port %d", page)
	}
	bits := "/24"
	if strings.Contains(nodeAddress, ":") {
		bits = "/64 nodad"
	}
	for command, input := range map[string]string{
		"ip -batch -": "link set lo up\nlink add eth0 type veth peer name eth1\nlink set eth1 up\nlink set eth0 up\naddr add " + nodeAddress + bits + " dev eth0\n",
		"nft -f -":    "table inet services { chain out { type nat hook output priority -100; tcp dport 80 redirect to :8443; }; }\n",
	} {
		words := strings.Fields(command)
		c := exec.CommandContext(t.Context(), words[0], words[1:]...)
		c.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
		c.Stdin = strings.NewReader(input)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
}
