package sip

import (
	"net/netip"
	"testing"
	"time"
)

// Who guessed wrong long ago begins anew, whether or not telephones register, and
// takes no memory.
func TestGuessesAreForgotten(t *testing.T) {
	g, now := newGuesses(), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	from := netip.MustParseAddr("192.0.2.7")
	lock := func() {
		for range guessesFree {
			g.wrong(from, "alice", now)
		}
	}
	lock()
	now = now.Add(guessWait)
	lock()
	if now = now.Add(guessWait); !g.locked(from, "alice", now) {
		t.Error("the second lock is not longer than the first")
	}
	now = now.Add(3 * guessMost)
	g.wrong(from, "bob", now)
	if len(g.list) != 1 {
		t.Errorf("%d are remembered", len(g.list))
	}
	lock()
	if now = now.Add(guessWait); g.locked(from, "alice", now) {
		t.Error("three hours later the first lock is longer than a minute")
	}
}
