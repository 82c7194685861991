package supervise_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asInit) != "" {
		os.Exit(runAsInit())
	}
	goleak.VerifyTestMain(m)
}
