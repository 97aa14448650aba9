package recordings_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv makes the test binary be the process that is killed (crash_test.go).
const childEnv = "CALLFLOOR_RECORDINGS_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		recordUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}
