package edge_test

import (
	"testing"

	"go.uber.org/goleak"

	"callmesh/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, bustest.IgnoredLeaks()...) }
