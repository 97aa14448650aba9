package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"callfloor/acd"
)

// routingNumbers are the settings of routing that are no times.
func (l *loader) routingNumbers() {
	r := l.cfg.Routing
	for _, n := range []struct {
		key             string
		value, min, max int
	}{
		{"vip_priority", r.VIPPriority, 0, 1000},
		{"missed_alert", r.MissedAlert, 0, 100},
		{"surge_percent", r.SurgePercent, 0, 100_000},
	} {
		if n.value < n.min || n.value > n.max {
			l.wrong("routing."+n.key, "%d is out of range; it is %d to %d", n.value, n.min, n.max)
		}
	}
	if _, err := time.LoadLocation(r.TimeZone); err != nil {
		l.wrong("routing.time_zone", "%q is no time zone; write one such as Asia/Shanghai, or \"\" for UTC", r.TimeZone)
	}
}

// queueRules fills in what queues leave out, and looks at what joins queues and
// agents; what acd says of them stands at the key that it names first.
func (l *loader) queueRules() {
	for i, q := range l.cfg.Queues {
		l.cfg.Queues[i] = withDefaults(q)
	}
	l.agents()
	for i, p := range l.cfg.Promises {
		if err := p.Validate(); err != nil {
			key, message, _ := strings.Cut(err.Error(), " is ")
			l.wrong(fmt.Sprintf("promises[%d].%s", i, key), "%s", message)
		}
	}
	if len(l.problems) > 0 {
		return
	}
	if err := l.cfg.ACD().Validate(); err != nil {
		key, message, _ := strings.Cut(err.Error(), " is ")
		l.wrong(key, "%s", message)
	}
}

// withDefaults fills in what a queue leaves out.
func withDefaults(q acd.QueueConfig) acd.QueueConfig {
	if q.Strategy == "" {
		q.Strategy = acd.LongestIdle
	}
	if q.Callback == "" {
		q.Callback = acd.AgentFirst
	}
	if q.AnnounceAgent.Language == "" {
		q.AnnounceAgent.Language = "en"
	}
	q.CallbackTries, q.CallbackSpacing = q.Tries(), q.Spacing()
	return q
}

func (l *loader) agents() {
	seen := map[string]bool{}
	for i, a := range l.cfg.Agents {
		key := fmt.Sprintf("agents[%d]", i)
		switch user := string(a.User); {
		case user == "":
			l.wrong(key+".user", "the user name of the agent is missing")
		case seen[user]:
			l.wrong(key+".user", "%q is there twice; join the two", user)
		default:
			seen[user] = true
		}
		switch a.Outbound {
		case acd.OutboundToo, acd.OutboundNever, acd.OutboundOnly:
		default:
			l.wrong(key+".outbound", "%q is no part in callbacks and voicemails; write never or only, or leave it out", a.Outbound)
		}
		if a.Weight < 0 || a.Weight > 1000 {
			l.wrong(key+".weight", "%d is out of range; it is 0 (the same as 1) to 1000", a.Weight)
		}
		for j, q := range a.Queues {
			if !slices.ContainsFunc(l.cfg.Queues, func(c acd.QueueConfig) bool { return c.ID == q.ID }) {
				l.wrong(fmt.Sprintf("%s.queues[%d].id", key, j), "there is no queue %q", q.ID)
			}
			if q.After < 0 || q.After > 24*time.Hour {
				l.wrong(fmt.Sprintf("%s.queues[%d].after", key, j), "%s is out of range; it is 0s to 24h", q.After)
			}
		}
	}
}
