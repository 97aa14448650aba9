//go:build race

package media

// raceEnabled: the race detector makes sync.Pool forget at random.
const raceEnabled = true
