package app

import (
	"fmt"
	"log/slog"
	"strings"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/ivr"
	"callfloor/media"
)

// announcer says what an agent alone hears when a call comes to them.
type announcer struct {
	log     *slog.Logger
	queues  map[contact.QueueID]acd.Announce
	prompts func() *ivr.Prompts // those of now
}

func (a *App) announcer() *announcer {
	n := &announcer{log: a.log, queues: map[contact.QueueID]acd.Announce{}, prompts: a.shelf.present}
	for _, q := range a.cfg.Queues {
		n.queues[q.ID] = q.AnnounceAgent
	}
	return n
}

// of is what the agent hears of a call that their queue gave them: of one that the
// seat answered by itself always something.
func (n *announcer) of(c acd.Connect) call.Announcement {
	if n == nil || !c.Offered {
		return call.Announcement{}
	}
	q := n.queues[c.Queue]
	if !c.AutoAnswer && !q.Answered {
		return call.Announcement{}
	}
	var ids []string
	if q.Prompt != "" {
		ids = append(ids, q.Prompt)
	}
	if q.Wait {
		ids = append(ids, ivr.WaitedIDs(q.Language, c.Waited)...)
	}
	return call.Announcement{Beep: true, Clips: n.clips(q.Language, ids), Alone: q.Alone}
}

// clips are the sounds of prompts; one that is not there any more is left out.
func (n *announcer) clips(lang string, ids []string) []*media.Clip {
	prompts := n.prompts()
	var clips []*media.Clip
	for _, id := range ids {
		_, clip, ok := prompts.Sound(id, lang)
		if !ok {
			n.log.Error("a prompt of an announcement to an agent is missing", "prompt", id, "language", lang)
			continue
		}
		clips = append(clips, clip)
	}
	return clips
}

// announceProblems are the prompts that queues announce calls with and that are
// not there.
func announceProblems(cfg config.Config, p *ivr.Prompts) []string {
	var problems []string
	for _, q := range cfg.Queues {
		a := q.AnnounceAgent
		if a.Prompt == "" {
			continue
		}
		if _, _, ok := p.Sound(a.Prompt, a.Language); !ok {
			problems = append(problems, fmt.Sprintf("queue %s: announce_agent.prompt: there is no prompt %q in %q; record or upload it first", q.ID, a.Prompt, a.Language))
		}
	}
	return problems
}

// inUse says why a prompt of the house's own cannot be deleted: what plays it.
func (s *promptShelf) inUse(lang, id string) error {
	if flows := s.uses()[id]; len(flows) > 0 {
		return contact.Errorf(contact.Conflict, "the prompt %s/%s is played by %s; take it out of there first", lang, id, strings.Join(flows, ", "))
	}
	for _, q := range s.queues {
		if a := q.AnnounceAgent; a.Prompt == id && a.Language == lang {
			return contact.Errorf(contact.Conflict, "the prompt %s/%s announces the calls of the queue %s; take it out of the configuration first", lang, id, q.ID)
		}
	}
	return nil
}
