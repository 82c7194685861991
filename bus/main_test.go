package bus_test

import (
	"testing"

	"callmesh/bus/bustest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, bustest.IgnoredLeaks()...) }
