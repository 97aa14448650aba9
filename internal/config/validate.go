package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"callfloor/acd"
)

// validate asks every room about its part and looks at what joins them.
func (l *loader) validate() {
	c := l.cfg
	l.log()
	l.section("http", c.HTTP, c.HTTP.Validate())
	l.section("sip", c.SIP, c.SIP.Validate())
	l.section("webrtc", c.WebRTC, c.WebRTC.Validate())
	l.section("recordings", c.Recordings, c.Recordings.Validate())
	l.section("transfers", c.Transfers, c.Transfers.Validate())
	l.section("customer_lookup", c.CustomerLookup, c.CustomerLookup.Validate())
	l.routing()
	l.routingNumbers()
	if c.Data == "" {
		l.wrong("data", "the data folder has no name; write one, like ./callfloor-data")
	}
	if c.Drain < 0 || c.Drain > 24*time.Hour {
		l.wrong("drain", "%s is out of range; it is 0s to 24h", c.Drain)
	}
	l.flows()
	l.queues()
	l.queueRules()
	l.lines()
	l.wayOut()
	l.words("dispositions", c.Dispositions)
	l.words("away_reasons", c.AwayReasons)
	l.tags()
}

// wrong notes a problem at the place where key was set.
func (l *loader) wrong(key, format string, args ...any) {
	l.problem(l.where(key), key, format, args...)
}

func (l *loader) log() {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.cfg.Log.Level) {
		l.wrong("log.level", "%q is not a level; write debug, info, warn or error", l.cfg.Log.Level)
	}
	if !slices.Contains([]string{"text", "json"}, l.cfg.Log.Format) {
		l.wrong("log.format", "%q is not a format; write text or json", l.cfg.Log.Format)
	}
}

var words = regexp.MustCompile(`[a-z][a-z0-9_]*`)

// section places what a room says about its part: at the first of the part's
// keys that the message names, else at the part itself.
func (l *loader) section(name string, part any, err error) {
	keys := keysOf(reflect.TypeOf(part))
	for _, e := range leaves(err) {
		message := strings.TrimPrefix(e.Error(), name+".")
		key := name
		for _, w := range words.FindAllString(message, -1) {
			if slices.Contains(keys, w) {
				key = name + "." + w
				message = strings.TrimPrefix(message, w+": ")
				break
			}
		}
		l.wrong(key, "%s", message)
	}
}

// leaves takes a joined error apart.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only errors.Join as such
		var all []error
		for _, e := range j.Unwrap() {
			all = append(all, leaves(e)...)
		}
		return all
	}
	return []error{err}
}

func (l *loader) routing() {
	r := l.cfg.Routing
	for _, d := range []struct {
		key      string
		value    time.Duration
		min, max time.Duration
	}{
		{"offer_timeout", r.OfferTimeout, time.Second, 10 * time.Minute},
		{"wrap_up_extension", r.WrapUpExtension, 0, time.Hour},
		{"seat_grace", r.SeatGrace, time.Second, 10 * time.Minute},
		{"same_agent", r.SameAgent, 0, time.Hour},
		{"reject_cool_down", r.RejectCoolDown, 0, time.Hour},
		{"service_level", r.ServiceLevel, time.Second, time.Hour},
		{"short_abandon", r.ShortAbandon, 0, time.Hour},
		{"priority_worth", r.PriorityWorth, 0, 24 * time.Hour},
		{"last_agent", r.LastAgent, 0, 366 * 24 * time.Hour},
		{"last_agent_wait", r.LastAgentWait, 0, time.Hour},
		{"redial", r.Redial, 0, 24 * time.Hour},
	} {
		if d.value < d.min || d.value > d.max {
			l.wrong("routing."+d.key, "%s is out of range; it is %s to %s", d.value, d.min, d.max)
		}
	}
	if err := r.HouseWrapUp().Validate(); err != nil {
		key, message, _ := strings.Cut(err.Error(), " is ")
		l.wrong("routing."+key, "%s", message)
	}
}

// flows checks what flows need of the configuration.
func (l *loader) flows() {
	if !slices.Contains([]string{"", "open", "closed"}, l.cfg.Hours) {
		l.wrong("hours", "%q is no switch; write open, closed, or \"\" for the hours of the flows", l.cfg.Hours)
	}
	if s := l.cfg.Speech; len(s.Command) > 0 {
		for _, part := range []string{"{file}", "{text}"} {
			if !slices.ContainsFunc(s.Command, func(a string) bool { return strings.Contains(a, part) }) {
				l.wrong("speech.command", "it has no %s; write for example [espeak-ng, -v, \"{voice}\", -w, \"{file}\", \"{text}\"]", part)
			}
		}
		if strings.Contains(s.Command[0], "{") {
			l.wrong("speech.command", "the program itself must be written out")
		}
	}
	if t := l.cfg.Speech.Timeout; t < 100*time.Millisecond || t > time.Minute {
		l.wrong("speech.timeout", "%s is out of range; it is 100ms to 1m", t)
	}
	l.checkTalks()
	private, err := l.cfg.Lookups.Networks()
	if err != nil {
		l.wrong("lookups.private", "%v", err)
	}
	for _, p := range l.cfg.CRM.Problems(private) {
		l.wrong("crm."+p.Key, "%s", p.Message)
	}
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

func (l *loader) queues() {
	first := map[string]int{}
	for i, q := range l.cfg.Queues {
		key := fmt.Sprintf("queues[%d]", i)
		id := string(q.ID)
		if !idPattern.MatchString(id) {
			l.wrong(key+".id", "%q cannot name a queue; take 1 to 32 of a-z, 0-9, - and _", id)
		}
		if j, ok := first[id]; ok {
			l.wrong(key+".id", "there is a queue %q already (%s); give each its own id", id, l.where(fmt.Sprintf("queues[%d].id", j)))
		}
		first[id] = i
		if q.MaxWaiting < 0 {
			l.wrong(key+".max_waiting", "%d is less than nothing; write 0 for no limit", q.MaxWaiting)
		}
		if q.Name == "" {
			l.cfg.Queues[i].Name = id
		}
		l.announceAgent(q.AnnounceAgent, key+".announce_agent")
	}
}

// maxAlone is how long a customer may wait for an announcement to the agent.
const maxAlone = 10 * time.Second

// announceAgent checks what agents hear of calls; whether there is such a prompt is
// seen when the prompts are read.
func (l *loader) announceAgent(a acd.Announce, key string) {
	if !slices.Contains([]string{"", "en", "zh"}, a.Language) {
		l.wrong(key+".language", "%q is not a language of the prompts; write en or zh", a.Language)
	}
	if a.Alone < 0 || a.Alone > maxAlone {
		l.wrong(key+".alone", "%s is out of range; it is 0s (the voices are joined at once) to %s", a.Alone, maxAlone)
	}
}

var (
	linePattern = regexp.MustCompile(`^[+0-9A-Za-z][0-9A-Za-z._-]{0,31}$`)
	flowPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$`)
)

func (l *loader) lines() {
	first := map[string]int{}
	for i := range l.cfg.Lines {
		line := &l.cfg.Lines[i]
		key := fmt.Sprintf("lines[%d]", i)
		id := string(line.ID)
		if !linePattern.MatchString(id) {
			l.wrong(key+".id", "%q cannot name a line; write the number that customers dial, like 1000 or +861012345678", id)
		}
		if j, ok := first[id]; ok {
			l.wrong(key+".id", "there is a line %q already (%s); give each its own id", id, l.where(fmt.Sprintf("lines[%d].id", j)))
		}
		first[id] = i
		if name := strings.TrimSuffix(line.Flow, ".yaml"); flowPattern.MatchString(name) {
			line.Flow = name
		} else {
			l.wrong(key+".flow", "%q cannot name a flow; write the name of its file without .yaml, like full", line.Flow)
		}
		l.lineDefaults(line, key)
	}
}

// lineDefaults fills in what a line leaves out, and checks the rest.
func (l *loader) lineDefaults(line *Line, key string) {
	if line.Name == "" {
		line.Name = string(line.ID)
	}
	if line.Consent == "" {
		line.Consent = ConsentAsk
	}
	if line.Language == "" {
		line.Language = "en"
	}
	if !slices.Contains([]string{"", "record", BotsTalk}, line.Bots) {
		l.wrong(key+".bots", "%q is not what a bot counts as; write record or talk", line.Bots)
	}
	if !slices.Contains([]string{ConsentAsk, ConsentAnnounce, ConsentNever}, line.Consent) {
		l.wrong(key+".consent", "%q is not a policy; write ask, announce or never", line.Consent)
	}
	if line.MaxCalls < 0 {
		l.wrong(key+".max_calls", "%d is less than nothing; write 0 for no limit", line.MaxCalls)
	}
	if line.CallsPerSecond < 0 {
		l.wrong(key+".calls_per_second", "%d is less than nothing; write 0 for no limit", line.CallsPerSecond)
	}
	if !slices.Contains([]string{"en", "zh"}, line.Language) {
		l.wrong(key+".language", "%q is not a language of the prompts; write en or zh", line.Language)
	}
}

func (l *loader) words(key string, list []string) {
	seen := map[string]bool{}
	for i, w := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case strings.TrimSpace(w) == "":
			l.wrong(at, "it is empty; write a word or take the line out")
		case seen[w]:
			l.wrong(at, "%q is there twice; keep one", w)
		}
		seen[w] = true
	}
}
