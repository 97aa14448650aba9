package ivr

import (
	"slices"
	"strings"
)

// standing is where a caller stands: at a node of a flow, having met a consent
// node or not.
type standing struct {
	in      *calling
	node    string
	settled bool
}

// calling is a flow and how it was called: one for each chain of calls, so that
// standings compare.
type calling struct {
	flow *Flow
	up   *calling
	from string // the node of up's flow that called
}

// maxStandings bounds the walk: subflows that call subflows multiply.
const maxStandings = 50_000

// consentWalk looks for paths that break a line's policy.
type consentWalk struct {
	policy string
	bots   bool // they count as recording
	found  *findings
	calls  map[calling]*calling
	paths  map[standing][]string
	queue  []standing
}

// checkConsent walks every path a caller may take, through subflows and back,
// and finds those that break the line's policy.
func (f *Flow) checkConsent(o CheckOptions, found *findings) {
	policy := o.ConsentPolicy
	switch policy {
	case modeAsk, modeAnnounce, policyNever:
	default:
		found.add(at{1, 1}, "unknown consent policy %q of the line; it is ask, announce or never", policy)
		return
	}
	w := &consentWalk{policy: policy, bots: !o.BotsTalk, found: found, calls: map[calling]*calling{}, paths: map[standing][]string{}}
	w.visit(standing{in: w.called(calling{flow: f}), node: f.start}, []string{f.start})
	for len(w.queue) > 0 && len(w.paths) < maxStandings {
		here := w.queue[0]
		w.queue = w.queue[1:]
		w.leave(here, w.check(here))
	}
	if len(w.paths) >= maxStandings {
		found.add(at{1, 1}, "the flow and its subflows have more than %d ways through; call fewer subflows from subflows", maxStandings)
	}
}

func (w *consentWalk) called(c calling) *calling {
	if known, ok := w.calls[c]; ok {
		return known
	}
	w.calls[c] = &c
	return &c
}

func (w *consentWalk) visit(to standing, path []string) {
	if _, seen := w.paths[to]; seen || to.node == "" {
		return
	}
	w.paths[to] = path
	w.queue = append(w.queue, to)
}

// leave goes on from a standing on every way.
func (w *consentWalk) leave(here standing, settled bool) {
	path := w.paths[here]
	switch s := here.in.flow.nodes[here.node].step.(type) {
	case *subflowStep:
		into := w.called(calling{flow: s.sub, up: here.in, from: here.node})
		w.visit(standing{in: into, node: s.sub.start, settled: settled}, append(slices.Clone(path), w.name(into, s.sub.start)))
		return
	case *returnStep:
		up := here.in.up
		if up == nil {
			return
		}
		back := up.flow.nodes[here.in.from].step.(*subflowStep).to(s.As.text).text
		w.visit(standing{in: up, node: back, settled: settled}, append(slices.Clone(path), w.name(up, back)))
		return
	}
	for _, e := range here.in.flow.nodes[here.node].step.exits() {
		longer := slices.Clone(path)
		if e.by != "" {
			longer = append(longer, e.by)
		}
		w.visit(standing{in: here.in, node: e.to.text, settled: settled}, append(longer, w.name(here.in, e.to.text)))
	}
}

// name is a node in a path: with its file where it is not the line's own flow.
func (w *consentWalk) name(in *calling, node string) string {
	if in.up == nil {
		return node
	}
	return strings.TrimSuffix(in.flow.file, ".yaml") + "/" + node
}

// check looks at one node on one path and says whether consent is settled
// behind it.
func (w *consentWalk) check(here standing) bool {
	n, path := here.in.flow.nodes[here.node], w.paths[here]
	theirs := &findings{file: here.in.flow.file, list: w.found.list}
	defer func() { w.found.list = theirs.list }()
	switch s := n.step.(type) {
	case *consentStep:
		if s.Mode.text == w.policy {
			return true
		}
		if w.policy == policyNever {
			theirs.addOnce(n.at, path, "the line never records, but a caller reaches the consent node %q; remove it, or give the line the policy %s", n.id, s.Mode.text)
		} else {
			theirs.addOnce(n.at, path, "the line's consent policy is %s, but the consent node %q has mode %s; make them agree", w.policy, n.id, s.Mode.text)
		}
		return true // the queue behind it would be the same fault again
	case *voicemailStep:
		if w.policy == policyNever {
			theirs.addOnce(n.at, path, "the line never records, but a caller reaches the voicemail node %q; remove it, or give the line another policy", n.id)
		}
	case *streamStep:
		switch {
		case !w.bots || here.settled:
		case w.policy == policyNever:
			theirs.addOnce(n.at, path, "the line never records, and what a bot hears counts as recorded, but a caller reaches the bot %q; give the line bots: talk, or another policy", n.id)
		default:
			theirs.addOnce(n.at, path, "a caller reaches the bot %q, which counts as recording, without a consent node of mode %s; put one on this path, or give the line bots: talk", n.id, w.policy)
		}
	case *agentStep:
		if !here.settled && w.policy != policyNever {
			theirs.addOnce(n.at, path, "a caller reaches the agent of the node %q without a consent node of mode %s, which the line requires; put one on this path", n.id, w.policy)
		}
	case *queueStep:
		if !here.settled && w.policy != policyNever {
			theirs.addOnce(n.at, path, "a caller reaches the queue %q without a consent node of mode %s, which the line requires; put one on this path", s.Queue.text, w.policy)
		}
	}
	return here.settled
}

// addOnce adds a problem with a path unless the place has the same one: the
// first, shortest path is enough.
func (f *findings) addOnce(where at, path []string, format string, args ...any) {
	before := len(f.list)
	f.once(where, format, args...)
	if len(f.list) > before {
		f.list[before].Path = path
	}
}
