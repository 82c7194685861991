package loadtest

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
)

// Machine says on what is measured, and what else it has to do: how many wanted to run in the last 1, 5 and 15 minutes.
func Machine() string {
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		if fields := bytes.Fields(text); len(fields) >= 3 {
			load = string(bytes.Join(fields[:3], []byte(" ")))
		}
	}
	return fmt.Sprintf("%d cores, %s/%s, %s, load before %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}
