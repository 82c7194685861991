package check_test

import (
	"os"
	"testing"

	"callmesh/turnctl/turntest"
)

func TestMain(m *testing.M) { os.Exit(turntest.Main(m)) }
