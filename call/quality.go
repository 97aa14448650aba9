package call

import (
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// noteQuality writes each leg's figures into the timeline.
func (c *Call) noteQuality(at time.Time) {
	if c.flowPlayer == nil {
		return
	}
	c.noteLegQuality(at, legCustomer, c.Leg.Quality())
	if c.agent != nil {
		c.noteLegQuality(at, c.agent.leg, c.agent.quality())
	}
}

func (c *Call) noteLegQuality(at time.Time, leg contact.LegID, q media.Quality) {
	if c.Measured != nil {
		c.Measured(leg, q)
	}
	c.NoteAt(at, contact.KindQuality, leg,
		fmt.Sprintf("%d packets sent, %d received, %d lost, jitter %.1f ms, score %.1f", q.Sent, q.Received, q.Lost, q.JitterMS, q.Score),
		map[string]any{
			"codec": q.Codec, "sent": q.Sent, "received": q.Received, "lost": q.Lost, "loss_percent": q.LossPercent,
			"jitter_ms": q.JitterMS, "rtt_ms": q.RTTMS, "score": q.Score, "strangers": q.Strangers,
			"srtp": q.SRTP, "refused": q.Refused,
			"far_loss_percent": q.FarLossPercent, "far_jitter_ms": q.FarJitterMS, "far_score": q.FarScore,
			"concealed_percent": q.ConcealedPercent,
		})
}
