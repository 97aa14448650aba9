package outbound

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"callfloor/acd"
	"callfloor/contact"
)

// Config says which calls may leave the house.
type Config struct {
	// Region is where numbers without a plus are dialled from, CN for example;
	// "" takes only numbers with a plus and the country's code.
	Region string `yaml:"region"`
	// Emergency are numbers that are emergency numbers beside those of Region.
	Emergency []string `yaml:"emergency"`
	// EmergencyTrunks is the group of trunks for them; "" is "default".
	EmergencyTrunks string `yaml:"emergency_trunks"`
	// EmergencyCaller is the number shown to them; "" is the line's.
	EmergencyCaller string `yaml:"emergency_caller"`
	// Premium are prefixes (+86 …) that count as premium beside the known ones.
	Premium []string `yaml:"premium"`

	// MaxCalls are the calls out at once, CallsPerLine those of one line,
	// CallsPerContact those that one contact has beside itself (a consultation,
	// a flow's dial node); 0 is no limit.
	MaxCalls        int `yaml:"max_calls"`
	CallsPerLine    int `yaml:"calls_per_line"`
	CallsPerContact int `yaml:"calls_per_contact"`
	// CallsPerHour and SpendPerDay are each user's (of calls that no person
	// asks for: each line's); those of the house stop every call out when they
	// are reached.
	CallsPerHour      int     `yaml:"calls_per_hour"`
	SpendPerDay       float64 `yaml:"spend_per_day"`
	HouseCallsPerHour int     `yaml:"house_calls_per_hour"`
	HouseSpendPerDay  float64 `yaml:"house_spend_per_day"`
	// RefusalsAlarm refusals of one user or line within ten minutes block it
	// for an hour; 0 is never.
	RefusalsAlarm int `yaml:"refusals_alarm"`
	// Rates say what a minute costs, by the longest prefix that fits; what has
	// none costs OtherRate. Minutes that have begun count.
	Rates     []RateConfig `yaml:"rates"`
	OtherRate float64      `yaml:"other_rate"`

	// Rules are what is allowed; the first that fits a call decides where it
	// goes. None: no call leaves the house but to emergency numbers.
	Rules []RuleConfig `yaml:"rules"`
}

// RateConfig is the price of a call, in the currency of the spending caps.
type RateConfig struct {
	Prefix    string  `yaml:"prefix"` // +86
	PerMinute float64 `yaml:"per_minute"`
	PerCall   float64 `yaml:"per_call"`
}

// RuleConfig allows some calls.
type RuleConfig struct {
	// Lines, Purposes and Users are whose calls; "*" is all, and so is none for
	// users. Purposes: seat, api, callback, flow, transfer, refer, redirect.
	Lines    []string `yaml:"lines"`
	Purposes []string `yaml:"purposes"`
	Users    []string `yaml:"users"`
	// Inbound takes calls that belong to a contact who came in over a trunk;
	// without it there is no way from one trunk to another.
	Inbound bool `yaml:"inbound"`
	// Countries are two-letter codes, "*" is every country. Prefixes narrow
	// them down: +8610.
	Countries []string `yaml:"countries"`
	Prefixes  []string `yaml:"prefixes"`
	// Premium, Short and NoCountry allow these kinds of numbers too.
	Premium   bool `yaml:"premium"`
	Short     bool `yaml:"short"`
	NoCountry bool `yaml:"no_country"`
	// Extensions are numbers that the trunk knows and no country: 1009, 2xxx.
	Extensions []string `yaml:"extensions"`
	// Hours are when it holds; none is always. The time zone is routing's.
	Hours []acd.Hours `yaml:"hours"`
	// Trunks is the group of trunks; "" is "default".
	Trunks string `yaml:"trunks"`
}

// Purpose is what asks for a call to the outside.
type Purpose string

// The purposes.
const (
	Seat     Purpose = "seat"     // an agent dials
	API      Purpose = "api"      // a program asks
	Callback Purpose = "callback" // a customer asked to be called back
	Flow     Purpose = "flow"     // a flow's dial node
	Transfer Purpose = "transfer" // an agent hands a call to a number
	Refer    Purpose = "refer"    // a phone's REFER
	Redirect Purpose = "redirect" // a carrier's 3xx to our INVITE
)

// begins says that the call is its contact itself, and not a further one that
// the contact has.
func (p Purpose) begins() bool { return p == Seat || p == API || p == Callback }

// Purposes lists them.
func Purposes() []Purpose {
	return []Purpose{Seat, API, Callback, Flow, Transfer, Refer, Redirect}
}

// DefaultConfig allows nothing but emergency calls; its caps are those for
// when there are rules.
func DefaultConfig() Config {
	return Config{
		Emergency: []string{}, Premium: []string{}, Rates: []RateConfig{}, Rules: []RuleConfig{},
		MaxCalls: 30, CallsPerContact: 1, CallsPerHour: 20, SpendPerDay: 50, HouseCallsPerHour: 1000, HouseSpendPerDay: 500,
		RefusalsAlarm: 10, OtherRate: 1,
	}
}

// FieldError is what is wrong with one setting.
type FieldError struct {
	Field string // "rules[0].countries[1]"
	Err   error
}

// Error is the reason alone.
func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

var (
	prefixPattern    = regexp.MustCompile(`^\+[0-9]{1,15}$`)
	digitsPattern    = regexp.MustCompile(`^[0-9]{2,8}$`)
	extensionPattern = regexp.MustCompile(`^[0-9x]{2,15}$`)
)

// Validate says what is wrong, as joined *FieldErrors. groups are the groups of
// trunks that there are, lines the lines.
func (c Config) Validate(groups, lines []string) error {
	v := validator{groups: groups, lines: lines}
	if c.Region != "" && !phonenumbers.GetSupportedRegions()[c.Region] {
		v.bad("region", "%q is no country; write two letters like CN, or \"\"", c.Region)
	}
	for i, n := range c.Emergency {
		if !digitsPattern.MatchString(n) {
			v.bad(fmt.Sprintf("emergency[%d]", i), "%q is no emergency number; write two to eight digits", n)
		}
	}
	v.group("emergency_trunks", c.EmergencyTrunks, false)
	v.prefixes("premium", c.Premium)
	for _, n := range []struct {
		field string
		value float64
	}{
		{"max_calls", float64(c.MaxCalls)}, {"calls_per_line", float64(c.CallsPerLine)}, {"calls_per_contact", float64(c.CallsPerContact)},
		{"calls_per_hour", float64(c.CallsPerHour)}, {"spend_per_day", c.SpendPerDay}, {"house_calls_per_hour", float64(c.HouseCallsPerHour)},
		{"house_spend_per_day", c.HouseSpendPerDay}, {"refusals_alarm", float64(c.RefusalsAlarm)}, {"other_rate", c.OtherRate},
	} {
		if n.value < 0 {
			v.bad(n.field, "%v is less than nothing; write 0 for no limit", n.value)
		}
	}
	for i, r := range c.Rates {
		if !prefixPattern.MatchString(r.Prefix) {
			v.bad(fmt.Sprintf("rates[%d].prefix", i), "%q is no prefix; write + and digits, like +86", r.Prefix)
		}
		if r.PerMinute < 0 || r.PerCall < 0 {
			v.bad(fmt.Sprintf("rates[%d].per_minute", i), "a price is less than nothing")
		}
	}
	for i, r := range c.Rules {
		v.rule(fmt.Sprintf("rules[%d].", i), r)
	}
	return errors.Join(v.errs...)
}

type validator struct {
	groups, lines []string
	errs          []error
}

func (v *validator) bad(field, format string, args ...any) {
	v.errs = append(v.errs, &FieldError{Field: field, Err: fmt.Errorf(format, args...)})
}

func (v *validator) prefixes(field string, list []string) {
	for i, p := range list {
		if !prefixPattern.MatchString(p) {
			v.bad(fmt.Sprintf("%s[%d]", field, i), "%q is no prefix; write + and digits, like +8610", p)
		}
	}
}

// group looks whether a group is there; must says that it is needed.
func (v *validator) group(field, name string, must bool) {
	if name == "" && !must {
		return
	}
	if !slices.Contains(v.groups, groupOr(name)) {
		v.bad(field, "there is no trunk in the group %q; trunks are in %s", groupOr(name), strings.Join(v.groups, ", "))
	}
}

func (v *validator) rule(at string, r RuleConfig) {
	if len(r.Lines) == 0 {
		v.bad(at+"lines", "it says for no line; write numbers of lines, or [\"*\"]")
	}
	for i, l := range r.Lines {
		if l != "*" && !slices.Contains(v.lines, l) {
			v.bad(fmt.Sprintf("%slines[%d]", at, i), "there is no line %q", l)
		}
	}
	if len(r.Purposes) == 0 {
		v.bad(at+"purposes", "it says for no purpose; write some of %v, or [\"*\"]", Purposes())
	}
	for i, p := range r.Purposes {
		if p != "*" && !slices.Contains(Purposes(), Purpose(p)) {
			v.bad(fmt.Sprintf("%spurposes[%d]", at, i), "%q is not known; write some of %v", p, Purposes())
		}
	}
	if len(r.Countries) == 0 && len(r.Extensions) == 0 && !r.NoCountry {
		v.bad(at+"countries", "it allows no number; write countries like [CN], or extensions")
	}
	for i, c := range r.Countries {
		if c != "*" && !phonenumbers.GetSupportedRegions()[c] {
			v.bad(fmt.Sprintf("%scountries[%d]", at, i), "%q is no country; write two letters like CN, or \"*\"", c)
		}
	}
	v.prefixes(at+"prefixes", r.Prefixes)
	for i, e := range r.Extensions {
		if !extensionPattern.MatchString(e) {
			v.bad(fmt.Sprintf("%sextensions[%d]", at, i), "%q is no extension; write digits, with x for any digit, like 2xxx", e)
		}
	}
	v.group(at+"trunks", r.Trunks, true)
}

// groupOr is the group's name, or that of the group without one.
func groupOr(name string) string {
	if name == "" {
		return "default"
	}
	return name
}

// Parse reads a number by the region, emergency numbers, extensions and premium
// prefixes of c.
func (c Config) Parse(text string) (Number, error) {
	var extensions []string
	for _, r := range c.Rules {
		extensions = append(extensions, r.Extensions...)
	}
	n, err := Parse(text, c.Region, c.Emergency, extensions)
	if err == nil && n.E164 != "" && slices.ContainsFunc(c.Premium, func(p string) bool { return strings.HasPrefix(n.E164, p) }) {
		n.Kind = Premium
	}
	return n, err //nolint:wrapcheck // a sentence for the one who dialled
}

// rate is what a call to n costs: for its beginning, and for each minute.
func (c Config) rate(n Number) (perCall, perMinute float64) {
	if n.Kind == Emergency || n.Kind == Extension {
		return 0, 0
	}
	best := -1
	perMinute = c.OtherRate
	for _, r := range c.Rates {
		if strings.HasPrefix(n.E164, r.Prefix) && len(r.Prefix) > best {
			best, perCall, perMinute = len(r.Prefix), r.PerCall, r.PerMinute
		}
	}
	return perCall, perMinute
}

// Request asks for one call.
type Request struct {
	Number  Number
	Line    contact.LineID
	Purpose Purpose
	By      string     // a user; "" where no person asks
	Contact contact.ID // "" if there is none yet
	Inbound bool       // the contact came in over a trunk
	Trunks  string     // a group to use; "" leaves it to the rule
	Listed  bool       // the number is on the do-not-call list
}

// subject is who the hourly and daily caps are for.
func (r Request) subject() string {
	if r.By != "" {
		return "user " + r.By
	}
	return "line " + string(r.Line)
}
