package media

import (
	"math"

	"callfloor/media/codec"
)

// Quality is how well a leg's audio went.
type Quality struct {
	Codec       string   `json:"codec"`
	Sent        uint64   `json:"sent"`
	Received    uint64   `json:"received"`
	Lost        uint64   `json:"lost"`
	LossPercent float64  `json:"loss_percent"`
	JitterMS    float64  `json:"jitter_ms"`
	RTTMS       *float64 `json:"rtt_ms"` // nil until a report told it
	Score       float64  `json:"score"`
	// Strangers counts packets from addresses that are not the leg's.
	Strangers uint64 `json:"strangers"`
	// Refused counts packets of an encrypted leg that were not authentic or
	// came twice.
	Refused uint64 `json:"refused"`
	// SRTP says how the audio is encrypted, "AEAD_AES_128_GCM (SDES)"; nil:
	// not, or not yet.
	SRTP *string `json:"srtp"`
	// What the far end reports of what it hears of us (RTCP RR and XR); nil: it
	// did not.
	FarLossPercent *float64 `json:"far_loss_percent"`
	// FarLost is the count behind it, where the far end tells one.
	FarLost     *uint64  `json:"far_lost,omitempty"`
	FarJitterMS *float64 `json:"far_jitter_ms"`
	FarScore    *float64 `json:"far_score"`
	// ConcealedPercent is how much of what it plays of us the far end invents, since
	// no packet was there in time; nil: it did not say.
	ConcealedPercent *float64 `json:"concealed_percent"`
}

// The E-model's figures (ITU-T G.107 with all parameters at their defaults).
const (
	basicFactor = 93.2 // R of a perfect narrow-band connection
	// packetLossRobustness is Bpl of G.711 with packet loss concealment (G.113
	// table I.1), which every browser and phone of today has.
	packetLossRobustness = 25.1
	packetisationMS      = 20
)

// Score estimates how a listener would rate the connection, from 1.0 to 4.5, by
// the E-model (ITU-T G.107, G.113). delayMS is one way. Jitter counts twice as
// delay, since the listener's jitter buffer grows to about that. A codec that
// is none scores 1.
func Score(c codec.ID, lossPercent, jitterMS, delayMS float64) float64 {
	if !c.Audio() {
		return 1
	}
	return ratingToScore(rating(c, lossPercent, jitterMS, delayMS))
}

// rating is R, the E-model's transmission rating, 0 at least.
func rating(_ codec.ID, lossPercent, jitterMS, delayMS float64) float64 {
	loss := math.Min(math.Max(finite(lossPercent), 0), 100)
	delay := packetisationMS + math.Max(finite(delayMS), 0) + 2*math.Max(finite(jitterMS), 0)
	delayImpairment := 0.024 * delay
	if delay > 177.3 {
		delayImpairment += 0.11 * (delay - 177.3)
	}
	lossImpairment := 95 * loss / (loss + packetLossRobustness)
	return math.Max(0, basicFactor-delayImpairment-lossImpairment)
}

// ratingToScore is G.107 annex B.
func ratingToScore(r float64) float64 {
	switch {
	case r <= 6.5: // below it the polynomial falls under 1
		return 1
	case r >= 100:
		return 4.5
	default:
		return math.Max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
	}
}

func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}
