package ivr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"callfloor/contact"
)

// listed writes variables in the order of their names.
func listed(vars map[string]any) string {
	var b strings.Builder
	names := make([]string, 0, len(vars))
	for n := range vars {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(&b, ", %s=%s", n, plain(vars[n]))
	}
	return b.String()
}

// compare holds the end against what the scenario expects.
func (s *simulation) compare(cause contact.EndCause) {
	if one := s.step(); one != nil {
		s.fail(one.at, "%s", one.missed())
	}
	e := s.scenario.Expect
	csat := ""
	if e.CSAT.set {
		csat = plain(e.CSAT.n)
	}
	for _, c := range []struct {
		what, got string
		want      word
	}{
		{"the end", string(cause.Class), e.End}, {"the refusal", cmp.Or(refusalOf(int(cause.SIP)), "none"), e.Refused}, {"who ended it", string(cause.By), e.By}, {"the consent", string(s.consent), e.Consent},
		{"the language", s.language, e.Language}, {"the satisfaction", plain(s.csat), word{text: csat, at: e.CSAT.at}},
		{"the message that was sent", s.sent, e.Sent},
		{"the call back", cmp.Or(s.callback, "none"), e.Callback}, {"the message", cmp.Or(s.message, "none"), e.Message},
	} {
		if c.want.text != "" && c.got != c.want.text {
			s.fail(c.want.at, "%s is %s, want %s", c.what, c.got, c.want.text)
		}
	}
	for _, d := range e.Brief.differ(s.brief) {
		s.fail(s.scenario.at, "of what the agent is told %s", d)
	}
	for _, d := range e.Shown.differ(s.shown) {
		s.fail(s.scenario.at, "of what the agent sees %s", d)
	}
	for _, d := range e.Vars.differ(s.vars) {
		s.fail(s.scenario.at, "at the end %s", d)
	}
}

// missed says what did not happen.
func (one *scriptStep) missed() string {
	switch {
	case one.Hear.text != "":
		return "the caller never heard " + one.Hear.text
	case one.Says.text != "":
		return fmt.Sprintf("nobody said %q", one.Says.text)
	case one.Queue != nil:
		return "the caller never reached the queue " + one.Queue.Name.text
	case one.Bot != nil:
		return "the caller never reached a bot"
	case one.Dial != nil:
		return "no number outside was called"
	case one.Agent != nil:
		return "no agent was asked"
	case one.Words.text != "":
		return "the call ended before the caller said so"
	case one.Press.text != "":
		return "the call ended before the caller pressed " + one.Press.text
	default:
		return "the call ended before the caller did this"
	}
}
