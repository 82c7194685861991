package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"callmesh/probe/discover"
	"callmesh/probe/lab"
)

// discoverEnv makes this program a prober: it looks at the NAT before it by the server that is named, and prints what it found.
const discoverEnv = "LAB_TEST_DISCOVER"

func TestMain(m *testing.M) {
	if server := os.Getenv(discoverEnv); server != "" {
		probe(server)
		return
	}
	if !lab.Inside() {
		code, err := lab.RunInside()
		if err != nil {
			fmt.Fprintln(os.Stderr, "the laboratory needs network namespaces:", err)
			code = 1
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func probe(server string) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	lifetime, _ := time.ParseDuration(os.Getenv("LIFETIME"))
	r, err := discover.Run(ctx, discover.Options{Server: server, FirstWait: 150 * time.Millisecond, Tries: 4, Hairpin: os.Getenv("HAIRPIN") != "", Lifetime: lifetime})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}
