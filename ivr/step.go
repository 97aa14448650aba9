package ivr

import (
	"context"
	"strings"
)

// step is what a node does. A new kind is one file that implements it and one
// line in newStep.
type step interface {
	// settle checks the values that the file gave and fills in the defaults.
	settle(s *settling)
	// exits lists every way on; an exit with no target ends the flow.
	exits() []exit
	// sounds lists the prompts and the music that it may play.
	sounds() []soundRef
	// summary says what it is in the timeline.
	summary() string
	// run does it and returns the next node, or "" where the flow is over. An
	// error is what the Caller returned.
	run(ctx context.Context, r *runner) (next string, err error)
}

// kinds is the table of nodes, in the order in which a call meets them. early: a
// call that is not answered yet may stay so there; the others answer it.
var kinds = []struct {
	name  string
	make  func() step
	early bool
}{
	{"answer", func() step { return new(answerStep) }, false},
	{"early", func() step { return new(earlyStep) }, true},
	{"ring", func() step { return new(ringStep) }, true},
	{"play", func() step { return new(playStep) }, true},
	{"say", func() step { return new(sayStep) }, true},
	{"hours", func() step { return new(hoursStep) }, true},
	{"language", func() step { return new(languageStep) }, true},
	{"consent", func() step { return new(consentStep) }, false},
	{"menu", func() step { return new(menuStep) }, true},
	{"collect", func() step { return new(collectStep) }, true},
	{"set", func() step { return new(setStep) }, true},
	{"branch", func() step { return new(branchStep) }, true},
	{"split", func() step { return new(splitStep) }, true},
	{"lookup", func() step { return new(lookupStep) }, true},
	{"queue", func() step { return new(queueStep) }, false},
	{"callback", func() step { return new(callbackStep) }, false},
	{"voicemail", func() step { return new(voicemailStep) }, false},
	{"agent", func() step { return new(agentStep) }, false},
	{"dial", func() step { return new(dialStep) }, false},
	{"stream", func() step { return new(streamStep) }, false},
	{"speech", func() step { return new(speechStep) }, false},
	{"message", func() step { return new(messageStep) }, true},
	{"survey", func() step { return new(surveyStep) }, false},
	{"studio", func() step { return new(studioStep) }, false},
	{"subflow", func() step { return new(subflowStep) }, true},
	{"return", func() step { return new(returnStep) }, true},
	{"echo", func() step { return new(echoStep) }, false},
	{"wait", func() step { return new(waitStep) }, true},
	{"goto", func() step { return new(gotoStep) }, true},
	{"hangup", func() step { return new(hangupStep) }, true},
}

// newStep returns an empty step of a kind, nil if there is no such kind.
func newStep(kind string) step {
	for _, k := range kinds {
		if k.name == kind {
			return k.make()
		}
	}
	return nil
}

// early tells whether a call that is not answered yet may stay so at a kind of node.
func early(kind string) bool {
	for _, k := range kinds {
		if k.name == kind {
			return k.early
		}
	}
	return false
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// exit is one way out of a node.
type exit struct {
	to word // the node; an empty text ends the flow
	// by says what the caller did to leave this way, for a path: "key 1
	// (Sales)", "silence"; "" for the only way on.
	by string
	// quiet is true if a caller who presses nothing may leave this way.
	quiet bool
}

// end is the exit of a step that ends the flow.
func end() []exit { return []exit{{quiet: true}} }

// soundRef is a prompt or a piece of music that a flow names.
type soundRef struct {
	word
	music bool
}

// refs makes references of the prompts of a node.
func refs(ws words) []soundRef {
	list := make([]soundRef, len(ws))
	for i, w := range ws {
		list[i] = soundRef{word: w}
	}
	return list
}

// split parts "zh/press_nine" into its language and id; without a language the
// prompt is played in the caller's.
func split(ref string) (lang, id string) {
	lang, id, fixed := strings.Cut(ref, "/")
	if !fixed {
		return "", ref
	}
	return lang, id
}
