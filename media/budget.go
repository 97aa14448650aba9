package media

import "time"

// Rates of pictures, in bit/s.
const (
	// maxRate is what nobody needs to exceed: 720p at 30 pictures a second.
	maxRate = 2_500_000
	// weakRate is the least with which pictures are of use; below it they only
	// take the network away from the sound.
	weakRate = 150_000
	// leastRate is how far a limit falls.
	leastRate = 50_000
)

// weakFor is how long a network must be too weak until pictures are given up.
const weakFor = 4 * time.Second

// oneReport is less than what is between two reports, more than what is between
// two readings of the same one.
const oneReport = 200 * time.Millisecond

// Loss, in 1/256, as Google's congestion control has it (draft-ietf-rmcat-gcc
// §6): above lossHigh the rate falls by half of the loss, below lossLow it grows.
const (
	lossHigh = 26 // 10 %
	lossLow  = 5  // 2 %
)

// budget works out from the far end's reports what pictures to it may use, and
// when they must be given up. A far end's estimate counts only below the rate
// that is sent: above, it has not seen more and knows no better. The zero value
// has no limit. It is pure.
type budget struct {
	limit uint64 // 0: none yet
	grown time.Time
	short time.Time // since when it was too little; zero: it is not
	last  time.Time // of the last report
	lost  time.Time // of the last one of a loss
	weak  bool
}

// noteEstimate takes what the far end thinks that its network brings (REMB),
// while we sent rate.
func (b *budget) noteEstimate(bps, rate uint64, now time.Time) {
	if bps >= rate {
		b.grow(now)
	} else {
		b.set(bps, now)
	}
	b.judge(false, now)
}

// noteLoss takes a fraction of loss, in 1/256, while we sent rate (0: not known).
// A report may be told several times.
func (b *budget) noteLoss(fraction uint8, rate uint64, now time.Time) {
	if now.Sub(b.lost) < oneReport {
		return
	}
	b.lost = now
	switch {
	case fraction > lossHigh:
		from := b.ceiling()
		if rate > 0 {
			from = min(from, rate)
		}
		b.set(from-from*uint64(fraction)/512, now)
	case fraction < lossLow:
		b.grow(now)
	}
	b.judge(fraction > 2*lossHigh, now)
}

func (b *budget) ceiling() uint64 {
	if b.limit == 0 {
		return maxRate
	}
	return b.limit
}

func (b *budget) set(bps uint64, now time.Time) {
	b.limit = min(max(bps, leastRate), maxRate)
	b.grown = now
}

// grow raises the limit by 15 % a second.
func (b *budget) grow(now time.Time) {
	if b.limit == 0 {
		return
	}
	passed := min(now.Sub(b.grown), 5*time.Second)
	if passed < 100*time.Millisecond {
		return
	}
	b.set(b.limit+b.limit*uint64(passed.Milliseconds())*15/100_000, now)
}

// judge says that the network is too weak when it was all the time for weakFor.
// After a pause in the reports it begins anew.
func (b *budget) judge(lossy bool, now time.Time) {
	if now.Sub(b.last) > 3*weakFor {
		b.short = time.Time{}
	}
	b.last = now
	if !lossy && b.ceiling() >= weakRate {
		b.short = time.Time{}
		return
	}
	if b.short.IsZero() {
		b.short = now
	}
	b.weak = b.weak || now.Sub(b.short) >= weakFor
}
