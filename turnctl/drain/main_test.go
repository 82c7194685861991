package drain_test

import (
	"os"
	"testing"

	"callmesh/bus/bustest"
	"callmesh/turnctl/turntest"
)

func TestMain(m *testing.M) { os.Exit(turntest.Main(m, bustest.IgnoredLeaks()...)) }
