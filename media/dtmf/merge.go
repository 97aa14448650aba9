package dtmf

import "time"

// samepress is within what time two reports of one key by two ways are one
// press.
const samePress = 200 * time.Millisecond

// Merger makes one stream of keys out of several ways to report them (RFC 4733
// and SIP INFO for example), so that a phone that uses two ways at once presses
// a key once. The zero Merger is ready.
type Merger struct {
	key rune
	via string
	at  time.Time
}

// Accept says whether the key reported by way via at the time at is a press of
// its own. It is not if the same key came by another way within 200 ms.
func (m *Merger) Accept(key rune, via string, at time.Time) bool {
	gap := at.Sub(m.at)
	if key == m.key && via != m.via && gap.Abs() < samePress {
		m.key = 0 // the pair is complete: a third report is another press
		return false
	}
	m.key, m.via, m.at = key, via, at
	return true
}
