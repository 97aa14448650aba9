package media

import (
	"time"

	"github.com/pion/rtcp"
)

// ntpEpoch is how many seconds NTP's era began before Unix time (RFC 5905).
const ntpEpoch = 2208988800

// maxRoundTrip is the longest round trip that is believed.
const maxRoundTrip = 10 * time.Second

// NTP returns t as a 64-bit NTP timestamp, as sender reports carry it (RFC 3550
// §4).
func NTP(t time.Time) uint64 {
	s := uint64(t.Unix() + ntpEpoch)
	return s<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// RoundTrip computes the round-trip time from a reception report about our
// stream that arrived at now (RFC 3550 §6.4.1). It returns false if the report
// answers no sender report or the result is not to be believed.
func RoundTrip(r rtcp.ReceptionReport, now time.Time) (time.Duration, bool) {
	if r.LastSenderReport == 0 {
		return 0, false
	}
	middle := uint32(NTP(now) >> 16)
	trip := int32(middle - r.LastSenderReport - r.Delay)
	if trip < 0 && trip > -66 { // within 1 ms: rounding on one machine
		trip = 0
	}
	d := time.Duration(trip) * time.Second / (1 << 16)
	return d, trip >= 0 && d <= maxRoundTrip
}
