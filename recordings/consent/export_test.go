package consent

// Live is how many grants the ledger knows, for its own tests.
func (l *Ledger) Live() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.live)
}
