package app

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "0": 0, "-5": 0, "1.5": 0, "120": 2 * time.Minute, "99999999999": 0,
		"Mon, 23 Nov 2026 15:10:00 GMT":  10 * time.Minute,
		"Monday, 23-Nov-26 15:00:30 GMT": 30 * time.Second, // RFC 850
		"Mon Nov 23 15:00:05 2026":       5 * time.Second,  // asctime
		"Mon, 23 Nov 2026 14:00:00 GMT":  0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("Retry-After %q asks for %v, want %v", value, got, want)
		}
	}
}
