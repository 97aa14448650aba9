package app

import (
	"callfloor/contact"
	"callfloor/ivr"
)

// figures are how a queue stands for a caller whose flow asks before it leads
// them there (ivr.Services).
func (h *House) figures(id contact.QueueID) (ivr.QueueFigures, bool) {
	q, open, ok := h.engine.QueueNow(id)
	if !ok {
		return ivr.QueueFigures{}, false
	}
	return ivr.QueueFigures{
		Waiting: float64(q.Waiting), Longest: waited(q.LongestSince), Expected: q.Expected.Seconds(),
		Staffed: float64(q.Staffed), Available: float64(q.Available), Open: open,
	}, true
}
