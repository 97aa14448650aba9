package ivr

// standing is where a caller stands: at a node, having met a consent node or not.
type standing struct {
	node    string
	settled bool
}

// checkConsent walks every path a caller may take and finds those that break
// the line's policy.
func (f *Flow) checkConsent(policy string, found *findings) {
	switch policy {
	case modeAsk, modeAnnounce, policyNever:
	default:
		found.add(at{1, 1}, "unknown consent policy %q of the line; it is ask, announce or never", policy)
		return
	}
	first := standing{node: f.start}
	paths := map[standing][]string{first: {f.start}}
	for queue := []standing{first}; len(queue) > 0; queue = queue[1:] {
		here := queue[0]
		after := f.checkStanding(policy, here, paths[here], found)
		for _, e := range f.nodes[here.node].step.exits() {
			next := standing{node: e.to.text, settled: after}
			if _, seen := paths[next]; next.node == "" || seen {
				continue
			}
			paths[next] = lengthen(paths[here], e)
			queue = append(queue, next)
		}
	}
}

// checkStanding checks one node on one path and says whether consent is
// settled behind it.
func (f *Flow) checkStanding(policy string, here standing, path []string, found *findings) bool {
	n := f.nodes[here.node]
	switch s := n.step.(type) {
	case *consentStep:
		if s.Mode.text == policy {
			return true
		}
		if policy == policyNever {
			found.addOnce(n.at, path, "the line never records, but a caller reaches the consent node %q; remove it, or give the line the policy %s", n.id, s.Mode.text)
		} else {
			found.addOnce(n.at, path, "the line's consent policy is %s, but the consent node %q has mode %s; make them agree", policy, n.id, s.Mode.text)
		}
		return true // the queue behind it would be the same fault again
	case *queueStep:
		if !here.settled && policy != policyNever {
			found.addOnce(n.at, path, "a caller reaches the queue %q without a consent node of mode %s, which the line requires; put one on this path", s.Queue.text, policy)
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
