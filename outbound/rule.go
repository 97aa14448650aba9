package outbound

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
)

// Why is why a call was refused, for records and metrics.
type Why string

// The reasons.
const (
	WhyRule      Why = "rule"       // no rule for this line, purpose and user
	WhyInbound   Why = "inbound"    // it came in over a trunk, and no rule lets such calls out
	WhyCountry   Why = "country"    // the country is in no rule
	WhyPrefix    Why = "prefix"     // the country is, but not this part of it
	WhyPremium   Why = "premium"    // premium, and no rule allows that
	WhyNoCountry Why = "no_country" // satellite and the like
	WhyShort     Why = "short"      // a short number
	WhyHours     Why = "hours"      // not at this time
	WhyEmergency Why = "emergency"  // an emergency number, and not from a seat
	WhyListed    Why = "listed"     // on the do-not-call list
	WhyStopped   Why = "stopped"    // all calls out are stopped
	WhyBlocked   Why = "blocked"    // this user or line is blocked
	WhyCalls     Why = "calls"      // too many calls at once
	WhyContact   Why = "contact"    // this contact has a call out
	WhyHour      Why = "hour"       // too many calls in this hour
	WhySpend     Why = "spend"      // too much spent today
)

// Whys lists the reasons, for metrics.
func Whys() []Why {
	return []Why{
		WhyRule, WhyInbound, WhyCountry, WhyPrefix, WhyPremium, WhyNoCountry, WhyShort, WhyHours, WhyEmergency,
		WhyListed, WhyStopped, WhyBlocked, WhyCalls, WhyContact, WhyHour, WhySpend,
	}
}

// RefusedError is a call that the rules do not allow. Its cause is a
// contact.Error with the code OutboundRefused and a sentence for people.
type RefusedError struct {
	Why   Why
	cause error
}

// Error is the sentence for people.
func (e *RefusedError) Error() string { return e.cause.Error() }

// Unwrap returns the contact.Error.
func (e *RefusedError) Unwrap() error { return e.cause }

func refused(why Why, format string, args ...any) error {
	return &RefusedError{Why: why, cause: contact.Errorf(contact.OutboundRefused, format, args...)}
}

// route finds the first rule that allows r and returns its group of trunks. If
// none does the refusal is of the rule that came nearest.
func (c Config) route(now time.Time, zone *time.Location, r Request) (group string, err error) {
	_, group, err = c.decide(now, zone, r)
	return group, err
}

// decide is route, and says which rule it was that allowed r or came nearest; -1
// is none.
func (c Config) decide(now time.Time, zone *time.Location, r Request) (decider int, group string, err error) {
	if r.Number.Kind == Emergency {
		if r.Purpose != Seat {
			return -1, "", refused(WhyEmergency, "emergency numbers can be called from a seat only")
		}
		return -1, groupOr(c.EmergencyTrunks), nil
	}
	decider = -1
	nearest, how := error(refused(WhyRule, "no rule allows calls out from line %s for this (%s)", r.Line, r.Purpose)), 0
	for i, rule := range c.Rules {
		if !rule.concerns(r) {
			continue
		}
		far, err := rule.allows(now.In(zone), r)
		switch {
		case err == nil && (r.Trunks == "" || r.Trunks == groupOr(rule.Trunks)):
			return i, groupOr(rule.Trunks), nil
		case err == nil:
			far, err = 7, refused(WhyRule, "no rule allows calls out from line %s over the trunks %q", r.Line, r.Trunks)
		}
		if far > how {
			decider, nearest, how = i, err, far
		}
	}
	return decider, "", nearest
}

// Concerns says whether any rule is about the one who asks.
func (c Config) Concerns(r Request) bool {
	return slices.ContainsFunc(c.Rules, func(rule RuleConfig) bool { return rule.concerns(r) })
}

// Group is the rule's group of trunks.
func (rule RuleConfig) Group() string { return groupOr(rule.Trunks) }

// concerns says whether a rule is about the one who asks.
func (rule RuleConfig) concerns(r Request) bool {
	in := func(list []string, word string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, word)
	}
	return in(rule.Lines, string(r.Line)) && in(rule.Purposes, string(r.Purpose)) &&
		(len(rule.Users) == 0 || in(rule.Users, r.By))
}

// allows looks at the number and the time; far says how far a refused call
// came.
func (rule RuleConfig) allows(now time.Time, r Request) (far int, err error) {
	n := r.Number
	if r.Inbound && !rule.Inbound {
		return 1, refused(WhyInbound, "no rule lets a call that came in over a trunk out again")
	}
	if n.Kind == Extension {
		if !slices.ContainsFunc(rule.Extensions, func(p string) bool { return fits(p, n.Dialled) }) {
			return 2, refused(WhyCountry, "no rule allows calls to %s", n.Dialled)
		}
		return rule.open(now)
	}
	switch kind := n.Kind; {
	case kind == NoCountry && !rule.NoCountry:
		return 2, refused(WhyNoCountry, "calls to satellite phones and international networks are not allowed")
	case kind != NoCountry && !slices.Contains(rule.Countries, "*") && !slices.Contains(rule.Countries, n.Country):
		return 3, refused(WhyCountry, "calls to %s are not allowed", country(n.Country))
	case kind == Premium && !rule.Premium:
		return 4, refused(WhyPremium, "calls to premium numbers are not allowed")
	case kind == Short && !rule.Short:
		return 4, refused(WhyShort, "calls to short numbers are not allowed")
	}
	if len(rule.Prefixes) > 0 && !slices.ContainsFunc(rule.Prefixes, func(p string) bool { return strings.HasPrefix(n.E164, p) }) {
		return 5, refused(WhyPrefix, "calls to this area are not allowed")
	}
	return rule.open(now)
}

func (rule RuleConfig) open(now time.Time) (int, error) {
	if len(rule.Hours) == 0 {
		return 0, nil
	}
	for _, h := range rule.Hours {
		if h.Covers(now) {
			return 0, nil
		}
	}
	return 6, refused(WhyHours, "calls out are not allowed at this time")
}

func country(code string) string {
	if code == "" {
		return "this country"
	}
	return fmt.Sprintf("this country (%s)", code)
}
