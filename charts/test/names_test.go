package charts

import (
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/engine"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Names that helm takes for a release, and of which no Service could be called, are refused with what to do; with a name that was given they work.
func TestReleaseNames(t *testing.T) {
	c := load(t)
	rendered := func(name string, values map[string]any) (map[string]string, error) {
		v, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return engine.Engine{Strict: true}.RenderWithContext(t.Context(), c, v)
	}
	for name, fine := range map[string]bool{
		"n": true, "callmesh": true, "on": true, strings.Repeat("a", 53): true, strings.Repeat("a-", 26) + "a": true,
		"123": false, "1e3": false, "my.callmesh": false,
	} {
		texts, err := rendered(name, nil)
		if !fine {
			if err == nil || !strings.Contains(err.Error(), "fullnameOverride: ") {
				t.Errorf("%s: %v", name, err)
			}
			texts, err = rendered(name, map[string]any{"fullnameOverride": "n", "monitoring": map[string]any{"prometheusRule": map[string]any{"enabled": true}}})
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for file, text := range texts {
			for doc := range strings.SplitSeq(text, "\n---\n") {
				if strings.HasSuffix(file, "NOTES.txt") || empty([]byte(doc)) {
					continue
				}
				o, err := decode([]byte(doc))
				if err != nil {
					t.Errorf("%s: %s: %v", name, file, err)
				} else if s, ok := o.(*core.Service); ok && len(validation.IsDNS1035Label(s.Name)) > 0 {
					t.Errorf("%s: Service %s: %v", name, s.Name, validation.IsDNS1035Label(s.Name))
				}
			}
		}
	}
}
