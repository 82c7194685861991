package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
		c, err := lab.Reenter(os.Args[1:]...)
		if err == nil {
			err = c.Run()
		}
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit):
			os.Exit(max(1, exit.ExitCode()))
		case err != nil:
			fmt.Fprintln(os.Stderr, "the laboratory needs network namespaces:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func probe(server string) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	lifetime, _ := time.ParseDuration(os.Getenv("LIFETIME"))
	r, err := discover.Run(ctx, discover.Options{Server: server, FirstWait: 150 * time.Millisecond, Tries: 3, Hairpin: os.Getenv("HAIRPIN") != "", Lifetime: lifetime})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}
