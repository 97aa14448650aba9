package ivr

import (
	"cmp"
	"slices"
	"strings"

	"callfloor/contact"
)

// CheckOptions is what a line asks of its flow.
type CheckOptions struct {
	// ConsentPolicy is ask, announce or never.
	ConsentPolicy string
	// Queues are the queues that there are.
	Queues []contact.QueueID
	// Skills says what is wrong with a condition on agents' skills; nil: not
	// looked at.
	Skills func(condition string) error
	// BotsTalk: on this line a bot is a talk like any other; else what it hears
	// counts as recorded.
	BotsTalk bool
	// Speech is true where the configuration has a speech command.
	Speech bool
}

// Check finds what is wrong with the flow on a line: queues that do not exist,
// texts that nobody can speak, and paths to a queue that lack the consent which
// the line requires, with the caller's path, through subflows too.
func (f *Flow) Check(o CheckOptions) []Problem {
	found := &findings{file: f.file}
	f.checkParts(o, found)
	f.checkReturns(found)
	f.checkEarly(found)
	f.checkConsent(o, found)
	return found.sorted()
}

// checkParts checks what needs no path: the flow and its subflows, each alone.
func (f *Flow) checkParts(o CheckOptions, found *findings) {
	f.eachSub(func(s *Flow) {
		theirs := &findings{file: s.file}
		s.checkQueues(o.Queues, theirs)
		s.checkSpeech(o.Speech, theirs)
		s.checkSkills(o.Skills, theirs)
		found.list = append(found.list, theirs.list...)
	})
}

func (f *Flow) checkSpeech(speech bool, found *findings) {
	for _, id := range f.order {
		if s, ok := f.nodes[id].step.(*sayStep); ok && !speech && s.needsSpeech() {
			found.add(f.nodes[id].at, "the node %q says a text, but the configuration has no speech command (speech.command); add one, or record a prompt and use play", id)
		}
	}
}

// checkReturns refuses a return with nothing to return to.
func (f *Flow) checkReturns(found *findings) {
	reached := f.walk()
	for _, id := range f.order {
		if _, ok := f.nodes[id].step.(*returnStep); ok && reached[id] != nil {
			found.addPath(f.nodes[id].at, reached[id], "the node %q returns, but the line's own flow has nothing to return to; write hangup, or call this flow with subflow", id)
		}
	}
}

func (f *Flow) checkQueues(queues []contact.QueueID, found *findings) {
	names := make([]string, len(queues))
	for i, q := range queues {
		names[i] = string(q)
	}
	asked := slices.Clone(f.asked)
	for _, id := range f.order {
		if q, ok := queueOf(f.nodes[id].step); ok {
			asked = append(asked, q)
		}
	}
	for _, q := range asked {
		if !slices.Contains(names, q.text) {
			found.add(q.at, "there is no queue %q; the configuration's queues are: %s%s", q.text,
				cmp.Or(strings.Join(names, ", "), "none"), nearest(q.text, names))
		}
	}
}

// queueOf is the queue that a step names.
func queueOf(s step) (word, bool) {
	switch s := s.(type) {
	case *queueStep:
		return s.Queue, true
	case *callbackStep:
		return s.Queue, true
	case *voicemailStep:
		return s.Queue, true
	case *agentStep:
		return s.Queue, true
	}
	return word{}, false
}

// checkSkills has what contacts require of agents read by who will read it.
func (f *Flow) checkSkills(read func(string) error, found *findings) {
	for _, id := range f.order {
		q, ok := f.nodes[id].step.(*queueStep)
		if !ok || read == nil || q.Skills.text == "" || strings.Contains(q.Skills.text, "{") {
			continue // with values in it, it is read when they are known
		}
		if err := read(q.Skills.text); err != nil {
			found.add(q.Skills.at, "skills: %v", err)
		}
	}
}

// checkGraph finds what is wrong with the flow on any line.
func (f *Flow) checkGraph(found *findings) {
	f.checkTargets(found)
	f.checkSounds(found)
	if len(found.list) > 0 {
		return // the graph has holes; walking it would repeat them
	}
	reached := f.walk()
	f.checkReached(reached, found)
	f.checkRings(reached, found)
	f.checkEnds(reached, found)
}

// readable lists the nodes whose bodies could be read.
func (f *Flow) readable() []string {
	return slices.DeleteFunc(slices.Clone(f.order), func(id string) bool { return f.nodes[id].step == nil })
}

func (f *Flow) checkTargets(found *findings) {
	for _, id := range f.readable() {
		for _, e := range f.nodes[id].step.exits() {
			if e.to.text == "" {
				continue
			}
			if _, ok := f.nodes[e.to.text]; !ok {
				found.once(e.to.at, "there is no node %q%s", e.to.text, nearest(e.to.text, f.order))
			}
		}
	}
}

func (f *Flow) checkSounds(found *findings) {
	for _, id := range f.readable() {
		for _, ref := range f.nodes[id].step.sounds() {
			if ref.text == "" {
				continue // its lack is reported already
			}
			if ref.music {
				if _, ok := f.prompts.looped(ref.text); !ok {
					found.once(ref.at, "there is no music %q; put %s.wav into music/", ref.text, ref.text)
				}
				continue
			}
			f.checkPrompt(ref, found)
		}
	}
}

func (f *Flow) checkPrompt(ref soundRef, found *findings) {
	lang, id := split(ref.text)
	languages := Languages()
	if lang != "" {
		languages = []string{lang}
	}
	for _, l := range languages {
		if _, ok := f.prompts.Lookup(id, l); !ok {
			found.once(ref.at, "there is no prompt %q in %q; add it to prompts.yaml and record it%s", id, l,
				nearest(id, f.prompts.IDs()))
			return
		}
	}
}

// once adds a problem unless the same one is there already (two exits may
// share one word of the file).
func (f *findings) once(where at, format string, args ...any) {
	f.add(where, format, args...)
	last := len(f.list) - 1
	for _, p := range f.list[:last] {
		if p.File == f.list[last].File && p.Line == f.list[last].Line && p.Col == f.list[last].Col && p.Message == f.list[last].Message {
			f.list = f.list[:last]
			return
		}
	}
}

// walk finds every node that a caller can reach, with a shortest path to each.
func (f *Flow) walk() map[string][]string {
	paths := map[string][]string{f.start: {f.start}}
	for queue := []string{f.start}; len(queue) > 0; queue = queue[1:] {
		id := queue[0]
		for _, e := range f.ways(id) {
			if _, seen := paths[e.to.text]; e.to.text == "" || seen {
				continue
			}
			paths[e.to.text] = lengthen(paths[id], e)
			queue = append(queue, e.to.text)
		}
	}
	return paths
}

// lengthen returns a path with one more exit and node at its end.
func lengthen(path []string, e exit) []string {
	longer := slices.Clone(path)
	if e.by != "" {
		longer = append(longer, e.by)
	}
	return append(longer, e.to.text)
}

func (f *Flow) checkReached(reached map[string][]string, found *findings) {
	for _, id := range f.order {
		if _, ok := reached[id]; !ok {
			found.add(f.nodes[id].at, "no caller can reach the node %q; lead to it or remove it", id)
		}
	}
}

// checkRings refuses ringing a call, and speaking early in one, that was answered.
func (f *Flow) checkRings(reached map[string][]string, found *findings) {
	for _, id := range f.order {
		path, ok := reached[id]
		if !ok || id == f.start {
			continue
		}
		switch f.nodes[id].step.(type) {
		case *ringStep:
			found.addPath(f.nodes[id].at, path, "the node %q rings, but the call is answered by then; ring can only be the start", id)
		case *earlyStep:
			found.addPath(f.nodes[id].at, path, "the node %q speaks before the answer, but the call is answered by then; early can only be the start", id)
		}
	}
}

// checkEnds refuses loops without an exit, and loops that a caller leaves only
// by pressing something.
func (f *Flow) checkEnds(reached map[string][]string, found *findings) {
	always, silent := f.ending(false), f.ending(true)
	for _, id := range f.order {
		path, ok := reached[id]
		switch {
		case !ok:
		case !always[id]:
			found.addPath(f.nodes[id].at, path, "from the node %q no caller ever comes to an end; lead out of the loop to a hangup or a queue", id)
			return // its neighbours in the loop have the same fault
		case !silent[id]:
			found.addPath(f.nodes[id].at, path, "a caller who presses nothing goes round for ever from the node %q; let silence lead to an end", id)
			return
		}
	}
}

// ending finds the nodes from which the flow can end; with quiet, for a caller
// who presses nothing.
func (f *Flow) ending(quiet bool) map[string]bool {
	ends := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, id := range f.order {
			if ends[id] {
				continue
			}
			for _, e := range f.nodes[id].step.exits() {
				if (!quiet || e.quiet) && (e.to.text == "" || ends[e.to.text]) {
					ends[id], changed = true, true
					break
				}
			}
		}
	}
	return ends
}
