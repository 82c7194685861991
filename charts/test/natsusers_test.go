package charts

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/engine"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
)

// rights are what each user of a nats-server's configuration may say and hear; of who may do all there are none.
func rights(t *testing.T, conf string) map[string][]string {
	t.Helper()
	_, block, found := strings.Cut(conf, "\nauthorization {")
	if !found {
		t.Fatalf("no authorization in\n%s", conf)
	}
	all := map[string][]string{}
	list := regexp.MustCompile(`(?s)(publish|subscribe): \[(.*?)\n? *\]`)
	subject := regexp.MustCompile(`"([^"]+)"`)
	for _, user := range strings.Split(block, `{user: "`)[1:] {
		name, rest, _ := strings.Cut(user, `"`)
		may := []string{}
		for _, l := range list.FindAllStringSubmatch(rest, -1) {
			for _, s := range subject.FindAllStringSubmatch(l[2], -1) {
				may = append(may, l[1]+" "+s[1])
			}
		}
		if strings.Contains(rest, "allow_responses: true") {
			may = append(may, "answer")
		}
		slices.Sort(may)
		all[name] = may
	}
	return all
}

func natsConf(r rendered) string { return named[core.ConfigMap](r, "callmesh-nats").Data["nats.conf"] }

// Probe's users may do what its README says that they need, with which tests of its own run them, and nothing else.
func TestProbeMayDoWhatItNeeds(t *testing.T) {
	text, err := os.ReadFile("../../probe/README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := rights(t, string(text))
	agent := "eu-pod-0"
	want := map[string][]string{"callmesh": {}, "probe-run": documented["probe-run"], "probe-report": documented["probe-report"]}
	for _, may := range documented["berlin"] {
		want["probe-agent"] = append(want["probe-agent"], strings.ReplaceAll(may, "berlin", agent))
	}
	if len(want["probe-agent"]) < 10 || len(want["probe-run"]) < 20 {
		t.Fatalf("probe/README.md has not what users may do: %v", documented)
	}
	slices.Sort(want["probe-agent"])
	r := render(t, map[string]any{"region": "eu", "probe": map[string]any{"enabled": true, "agents": 1.0}})
	have := rights(t, natsConf(r))
	if fmt.Sprint(have) != fmt.Sprint(want) {
		t.Errorf("users may\n%v\nwant\n%v", have, want)
	}
}

// Where there are several regions, they may look into each; agents are still those of this cluster, by name.
func TestProbeMayLookIntoAllRegions(t *testing.T) {
	r := render(t, merged(scenarios(t)["three-regions"], map[string]any{"probe": map[string]any{"enabled": true, "agents": 3.0}}))
	for user, may := range rights(t, natsConf(r)) {
		var regional int
		for _, s := range may {
			if !regexp.MustCompile(`[._]eu\b`).MatchString(strings.ReplaceAll(s, "eu-pod-", "pod-")) {
				continue
			}
			regional++
			for _, other := range []string{"us", "ap"} {
				if there := regexp.MustCompile(`([._])eu([.]|$)`).ReplaceAllString(s, "${1}"+other+"${2}"); !slices.Contains(may, there) {
					t.Errorf("%s may %q and not %q", user, s, there)
				}
			}
		}
		if user != "callmesh" && regional == 0 {
			t.Errorf("%s: no region in %v", user, may)
		}
	}
	agent := rights(t, natsConf(r))["probe-agent"]
	for _, id := range []string{"eu-pod-0", "eu-pod-1", "eu-pod-2"} {
		if !slices.Contains(agent, "publish $KV.cm_agents_us.agent."+id) || !slices.Contains(agent, "subscribe _INBOX.probe-agent."+id+".>") {
			t.Errorf("%s is missing in %v", id, agent)
		}
	}
	r.isReadByPrograms(t)
}

// Each container comes to NATS as who it is, and has no other's password.
func TestWhoComesToNATS(t *testing.T) {
	users := map[string]string{
		"edge": "callmesh", "agent": "callmesh", "probe-agent": "probe-agent", "probe-run": "probe-run", "probe-report": "probe-report",
	}
	for _, name := range []string{"callmesh-nats", "nats-passwords"} {
		values := map[string]any{"probe": map[string]any{"enabled": true}}
		if name == "nats-passwords" {
			values["nats"] = map[string]any{"existingSecret": name}
		}
		r, seen := render(t, values), 0
		for _, w := range workloads(r) {
			for _, c := range containers(w.spec) {
				for _, e := range c.Env {
					if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil || c.Name == "nats" {
						continue
					}
					key := users[c.Name] + "-password"
					if users[c.Name] == "callmesh" {
						key = "password"
					}
					if s := e.ValueFrom.SecretKeyRef; s.Name != name || s.Key != key {
						t.Errorf("%s/%s has %s of %s", w.name, c.Name, s.Key, s.Name)
					}
					if url := r.variables(t, w, c)["CALLMESH_NATS_URL"]; !strings.HasPrefix(url, "tls://"+users[c.Name]+":"+string(r.secret(t, name)[key])+"@callmesh-nats-0.") {
						t.Errorf("%s/%s goes to %s", w.name, c.Name, url)
					}
					seen++
				}
			}
		}
		if seen != len(users) {
			t.Errorf("%d containers come to NATS", seen)
		}
		if made := named[core.Secret](r, "callmesh-nats") != nil; made != (name == "callmesh-nats") {
			t.Errorf("%s: the chart makes passwords: %v", name, made)
		}
		r.isReadByPrograms(t)
	}
}

// Passwords that are given and that NATS would read as something else are refused before anything is changed.
func TestGivenPasswordsAreLookedAt(t *testing.T) {
	const good = "p123456789abcdef"
	for _, c := range []struct {
		data  map[string]string
		probe bool
		says  string
	}{
		{map[string]string{"password": good, "route-password": good}, false, ""},
		{map[string]string{"password": good}, false, "no route-password of 16"},
		{map[string]string{"password": "0123456789abcdef0", "route-password": good}, false, "no password of 16"},
		{map[string]string{"password": "p@ss/word:with#signs", "route-password": good}, false, "no password of 16"},
		{map[string]string{"password": good, "route-password": good}, true, "no probe-agent-password of 16"},
	} {
		s := &core.Secret{Data: map[string][]byte{}}
		s.APIVersion, s.Kind, s.Name, s.Namespace = "v1", "Secret", "nats-passwords", namespace
		for key, value := range c.data {
			s.Data[key] = []byte(value)
		}
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
		if err != nil {
			t.Fatal(err)
		}
		chart := load(t)
		v, err := util.ToRenderValues(chart, map[string]any{"nats": map[string]any{"existingSecret": s.Name}, "probe": map[string]any{"enabled": c.probe}},
			common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 2, IsUpgrade: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		scheme := runtime.NewScheme()
		if err := core.AddToScheme(scheme); err != nil {
			t.Fatal(err)
		}
		_, err = engine.RenderWithClientProvider(chart, v, cluster{fake.NewSimpleDynamicClient(scheme, &unstructured.Unstructured{Object: object})})
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%v: %v; want %q", c.data, err, c.says)
		}
	}
}
