package e2e

import (
	"runtime"
	"testing"
	"time"
)

// How many tests go beside each other, of each kind: those with browsers work all
// the time; those with telephones wait most of it, for people who speak and for
// timers of SIP. More of either starve those whose sound is judged.
var (
	browsing = make(chan struct{}, runtime.NumCPU())
	phoning  = make(chan struct{}, runtime.NumCPU())
)

// beside lets a test run beside others, as soon as there is room for its kind. A
// test of several leaves it to them. scripts/e2e.sh gives go test no limit of its
// own (-parallel), or those of one kind that wait would take the other's places.
func beside(t *testing.T, room chan struct{}) {
	t.Helper()
	t.Parallel()
	came := time.Now()
	room <- struct{}{}
	t.Logf("waited %s for room", time.Since(came).Round(time.Second))
	t.Cleanup(func() { <-room }) // the first one made, so the last one done
}
