package app

import (
	"cmp"
	"slices"
	"strings"

	"callfloor/api"
	"callfloor/contact"
)

// maxTargets is how many agents a search answers; who looks for another one
// types more.
const maxTargets = 50

// targets is where a call of user can go now.
func (h *House) targets(user, q string) api.Targets {
	q = strings.ToLower(strings.TrimSpace(q))
	match := func(words ...string) bool {
		return q == "" || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), q) })
	}
	t := api.Targets{Agents: []api.TargetAgent{}, Queues: []api.TargetQueue{}, Numbers: []string{}, Outside: h.transfers.cfg.Numbers}
	for id, a := range h.engine.Agents() {
		name := h.personName(string(id))
		if a.State == contact.AgentOffline || string(id) == user || !h.transfers.cfg.AllowsAgent(string(id)) || !match(string(id), name) {
			continue
		}
		t.Agents = append(t.Agents, api.TargetAgent{
			User: string(id), Name: name, State: string(a.State), Reason: a.Reason, Since: when(a.Since),
			Free: a.Ready && (a.State == contact.AgentAvailable || takesSecond(a)),
		})
	}
	slices.SortFunc(t.Agents, func(a, b api.TargetAgent) int {
		if a.Free != b.Free {
			if a.Free {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	t.Agents = t.Agents[:min(len(t.Agents), maxTargets)]
	for id, queue := range h.engine.Queues() {
		if h.transfers.cfg.AllowsQueue(id) && match(string(id), h.queueName(id)) {
			t.Queues = append(t.Queues, api.TargetQueue{
				ID: string(id), Name: h.queueName(id), Waiting: queue.Waiting, Available: queue.Available, Staffed: queue.Staffed,
			})
		}
	}
	slices.SortFunc(t.Queues, func(a, b api.TargetQueue) int { return cmp.Compare(a.Name, b.Name) })
	if t.Outside {
		for _, n := range h.transfers.recentOf(user) {
			if match(n) {
				t.Numbers = append(t.Numbers, n)
			}
		}
	}
	return t
}

// recentOf are the numbers that a user called lately.
func (t *transfers) recentOf(user string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.recent[user])
}
