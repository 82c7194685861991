package charts

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// recipe gives the blocks of RUNBOOK.md on N regions, by their language.
func recipe(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n## N regions\n")
	part, _, _ = strings.Cut(part, "\n## ")
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(part, -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	if !found || len(blocks["yaml"]) != 1 || len(blocks["sh"]) != 2 {
		t.Fatalf("RUNBOOK.md has %v", blocks)
	}
	return blocks
}

// regionsOfRecipe are the values of each region, as RUNBOOK.md has them installed.
func regionsOfRecipe(t *testing.T) map[string]map[string]any {
	t.Helper()
	blocks := recipe(t)
	var file map[string]any
	if err := yaml.UnmarshalStrict([]byte(blocks["yaml"][0]), &file); err != nil {
		t.Fatal(err)
	}
	base := scenarios(t)["three-regions"]
	// Regions are written over those of the file that is copied, not beside them.
	delete(base["nats"].(map[string]any)["gateways"].(map[string]any), "regions")
	base = merged(base, file)
	install := regexp.MustCompile(`for region in ([a-z ]+); do(?s:.*)-f regions\.yaml --set region=\$region --set nats\.gateways\.advertise=(\S+)`).FindStringSubmatch(blocks["sh"][1])
	if install == nil {
		t.Fatalf("no loop over regions in\n%s", blocks["sh"][1])
	}
	all := map[string]map[string]any{}
	for region := range strings.FieldsSeq(install[1]) {
		all[region] = merged(base, map[string]any{
			"region": region, "nats": map[string]any{"gateways": map[string]any{"advertise": strings.ReplaceAll(install[2], "$region", region)}},
		})
	}
	return all
}

// A gateway is what a nats-server's configuration says of it.
type gatewaySettings struct {
	name, advertise string
	to              map[string][]string
}

func gatewayOf(t *testing.T, r rendered) gatewaySettings {
	t.Helper()
	_, block, found := strings.Cut(natsConf(r), "\ngateway {")
	if !found {
		t.Fatal("no gateway")
	}
	one := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(block); m != nil {
			return m[1]
		}
		return ""
	}
	g := gatewaySettings{one(`\n  name: "([^"]+)"`), one(`\n  advertise: "([^"]+)"`), map[string][]string{}}
	for _, m := range regexp.MustCompile(`\{name: "([^"]+)", urls: \[([^]]+)\]\}`).FindAllStringSubmatch(block, -1) {
		for url := range strings.SplitSeq(m[2], ", ") {
			g.to[m[1]] = append(g.to[m[1]], strings.TrimPrefix(strings.Trim(url, `"`), "nats://"))
		}
	}
	return g
}

// Five regions, by the recipe: each goes to each of the others where that one says that it is reached, with the same Secrets, and all that is in a region bears its name.
func TestFiveRegionsAgree(t *testing.T) {
	all := map[string]rendered{}
	gateways := map[string]gatewaySettings{}
	for region, values := range regionsOfRecipe(t) {
		all[region] = render(t, values)
		gateways[region] = gatewayOf(t, all[region])
	}
	if len(all) != 5 {
		t.Fatalf("%d regions", len(all))
	}
	names := slices.Sorted(maps.Keys(all))
	for _, a := range names {
		if gateways[a].name != a || !slices.Equal(slices.Sorted(maps.Keys(gateways[a].to)), names) {
			t.Errorf("%s calls itself %s, and knows %v", a, gateways[a].name, gateways[a].to)
		}
		for _, b := range names {
			if to := gateways[a].to[b]; len(to) != 1 || to[0] != gateways[b].advertise {
				t.Errorf("%s goes to %v for %s, which is at %s", a, to, b, gateways[b].advertise)
			}
		}
		r := all[a]
		s := named[core.Service](r, "callmesh-nats-gateway")
		if s == nil || !strings.HasSuffix(gateways[a].advertise, ":7222") || s.Spec.Ports[0].Port != 7222 {
			t.Errorf("%s is at %s, and its Service has other ports: %+v", a, gateways[a].advertise, s)
		}
		for _, v := range r.workload(t, "callmesh-nats").spec.Volumes {
			if v.Name == "gateway" && v.Secret.SecretName != "callmesh-gateway" {
				t.Errorf("%s has its gateway's certificate from %s", a, v.Secret.SecretName)
			}
		}
		for file, key := range map[string]string{"callmesh-edge": "edge.yaml", "callmesh-relay": "watch.yaml"} {
			if text := named[core.ConfigMap](r, file).Data[key]; !strings.Contains(text, `region: "`+a+`"`+"\n") {
				t.Errorf("%s: %s is of another region:\n%s", a, key, text)
			}
		}
		if named[core.Secret](r, "callmesh-secrets") != nil {
			t.Errorf("%s makes secrets of its own, so no relay or guest of another region would be known there", a)
		}
	}
	all["af"].isReadByPrograms(t)
}

// The Secrets that the recipe makes are good for gateways: a certificate of the authority, for the name of each region, and a password that NATS reads as a text.
func TestSecretsOfTheRecipe(t *testing.T) {
	dir := t.TempDir()
	c := exec.CommandContext(t.Context(), "sh", "-ec", recipe(t)["sh"][0])
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	pair, err := tls.X509KeyPair(read("tls.crt"), read("tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read("ca.crt"))
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for region := range regionsOfRecipe(t) {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "nats." + region + ".example.org", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9]{32,}$`).Match(read("password")) {
		t.Errorf("password: %q", read("password"))
	}
	for _, key := range given["callmesh-mesh"] {
		if text := read(key); len(text) < 32 || strings.Contains(string(text), "\n") {
			t.Errorf("%s: %q", key, text)
		}
	}
}
