package app

import (
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/media"
	"callfloor/web"
)

func meView(h *House, who web.Identity, a acd.AgentStatus, notReady string) web.MeView {
	v := web.MeView{
		Dial: h.dialLines(who.User),
		User: who.User, Name: who.Name, Role: who.Role,
		State: a.State, Reason: a.Reason, Since: when(a.Since), Next: a.Next,
		Ready: notReady == "", NotReady: notReady,
		Dispositions: h.names.dispositions, AwayReasons: h.names.awayReasons, Queues: []string{},
	}
	v.Hand = h.desk.raised(contact.AgentID(who.User))
	v.CallWaiting = a.CallWaiting
	if h.names.page.URL != "" {
		v.CRM = h.names.page.Open
	}
	v.Telephone = h.phones.has(contact.AgentID(who.User))
	if v.State == "" {
		v.State = contact.AgentOffline
	}
	for _, q := range h.people.Queues(who.User) {
		v.Queues = append(v.Queues, string(q))
	}
	return v
}

func callView(h *House, s call.Snapshot, a acd.AgentStatus, offer acd.OfferTo, w wrap, coach *web.CoachView) web.CallView {
	v := web.CallView{
		Contact: s.ID, Phase: phase(a.State), Since: when(s.StageSince), Line: string(s.Line), From: contact.Mask(s.From),
		Queue: string(a.Queue), Name: h.queueName(a.Queue), Chosen: s.Chosen, Language: s.Language,
		Waited: s.Waited.Seconds(), Caller: callerView(s.Origin),
		Until: maybe(a.Until), Muted: s.Muted, Consent: s.Consent, Recording: s.Recording, RecordingWhy: s.RecordingWhy,
		PausedUntil: maybe(s.PausedUntil), Codec: s.Codec, Quality: quality(s.Quality), Own: quality(s.AgentQuality), Ended: s.Ended, Answered: maybe(s.Answered),
		Disposition: w.disposition, Note: w.note, Tags: w.tags, Coach: coach, Trouble: string(s.Trouble),
	}
	if v.Chosen == nil {
		v.Chosen = []string{}
	}
	v.Kind, v.Task = h.tasks.describe(s.ID)
	v.Told = told(s)
	v.AutoAnswer = offer.AutoAnswer && offer.Contact == s.ID
	for _, r := range offer.Reasons {
		if r.Chosen {
			v.Reason = r.Why
		}
	}
	if s.Stage == call.StageDialling {
		v.Phase, v.Progress = web.PhaseDialling, s.Progress
	}
	v.Outbound = s.Outbound
	v.WrapUp, v.WrapUpWanted = h.names.wrapUp(a.Queue).View(), a.WrapUpWanted
	switch v.Phase {
	case web.PhaseRinging:
		if offer.Contact == s.ID {
			v.Waited = offer.Waited.Seconds()
		}
	case web.PhaseWrapUp:
		v.Since = when(a.Since)
	}
	return v
}

// phase is where a seat's call stands, by the state of its agent.
func phase(s contact.AgentState) web.Phase {
	switch s {
	case contact.AgentOffered:
		return web.PhaseRinging
	case contact.AgentHold:
		return web.PhaseHold
	case contact.AgentWrapUp:
		return web.PhaseWrapUp
	default:
		return web.PhaseTalking
	}
}

func agentView(h *House, id contact.AgentID, a acd.AgentStatus, seat *web.Seat) web.AgentView {
	v := web.AgentView{
		User: string(id), Name: string(id), State: a.State, Reason: a.Reason, Since: when(a.Since), Ready: a.Ready,
		Contact: a.Contact, Queue: string(a.Queue), Queues: []string{},
		Other: a.Other.Contact, OtherState: a.Other.State,
	}
	if seat != nil {
		v.Name, v.Headset = seat.Identity().Name, seat.Headset()
	}
	for _, q := range h.people.Queues(string(id)) {
		v.Queues = append(v.Queues, string(q))
	}
	return v
}

func queueView(h *House, id contact.QueueID, q acd.QueueStatus) web.QueueView {
	return web.QueueView{
		ID: string(id), Name: h.queueName(id), Waiting: q.Waiting, LongestSince: maybe(q.LongestSince),
		Tasks: q.Tasks, Available: q.Available, Staffed: q.Staffed, Talking: q.Talking,
		Answered: q.Answered, AnsweredIn: q.AnsweredIn, ServiceLevel: h.names.serviceLevel.Seconds(), Abandoned: q.Abandoned, Expected: q.Expected.Seconds(), Door: string(q.Door),
	}
}

func floorCallView(s call.Snapshot, coach *web.CoachView) web.FloorCallView {
	v := web.FloorCallView{
		Contact: s.ID, Line: string(s.Line), From: contact.Mask(s.From), Stage: string(s.Stage),
		Started: when(s.Started), Since: when(s.StageSince), Queue: string(s.Queue), Agent: string(s.Agent),
		Consent: s.Consent, Second: secondView(s.Second), Recording: s.Recording, Quality: quality(s.Quality), Listeners: []string{},
		Coach: coach, Trouble: string(s.Trouble),
	}
	for _, w := range s.Watchers {
		v.Listeners = append(v.Listeners, w.User)
	}
	return v
}

func quality(q *media.Quality) *web.QualityView {
	if q == nil {
		return nil
	}
	v := &web.QualityView{LossPercent: q.LossPercent, JitterMS: q.JitterMS, RTTMS: q.RTTMS, Score: q.Score, InPercent: q.LossPercent, OutPercent: q.FarLossPercent}
	if q.FarLossPercent != nil {
		v.LossPercent = max(v.LossPercent, *q.FarLossPercent)
	}
	if q.FarJitterMS != nil {
		v.JitterMS = max(v.JitterMS, *q.FarJitterMS)
	}
	return v
}

func (h *House) queueName(id contact.QueueID) string {
	if n := h.names.queues[id]; n != "" {
		return n
	}
	return string(id)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return contact.Time(t)
}

func maybe(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := contact.Time(t)
	return &s
}
