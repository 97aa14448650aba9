// Package config is the one configuration of the server, made of the rooms' own
// small config structs. It is read in this order, each over the one before:
// defaults, the YAML file, the environment (CALLFLOOR_…), flags; then it is
// validated as a whole. Every error says where it stands, what is wrong and
// what would be right.
package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/crm"
	"callfloor/customers"
	"callfloor/outbound"
	"callfloor/recordings"
	"callfloor/sip"
	"callfloor/web"
)

// Config is everything that can be set. callfloor.example.yaml explains it.
type Config struct {
	// Data is the data folder: the database, captures, keys, run.json.
	Data string `yaml:"data"`
	Log  Log    `yaml:"log"`
	// Drain is how long running calls may go on after the first SIGTERM.
	Drain      time.Duration     `yaml:"drain"`
	HTTP       api.Config        `yaml:"http"`
	SIP        sip.Config        `yaml:"sip"`
	WebRTC     web.Config        `yaml:"webrtc"`
	Routing    acd.Config        `yaml:"routing"`
	Recordings recordings.Config `yaml:"recordings"`
	Transfers  call.Config       `yaml:"transfers"`
	// Flows is a folder with flows of the house's own; "" uses the built-in
	// ones only. A file there goes before a built-in flow of the same name.
	Flows string `yaml:"flows"`
	// Hours overrides the opening hours of every flow: open, closed, or "".
	Hours string `yaml:"hours"`
	// Speech is the program that speaks the texts of say nodes.
	Speech Speech `yaml:"speech"`
	// Lookups says what lookup nodes may ask.
	Lookups Lookups `yaml:"lookups"`
	// CustomerLookup is where another system says who is on the phone.
	CustomerLookup customers.Config `yaml:"customer_lookup"`
	// CRM is what other systems are told of calls.
	CRM crm.Config `yaml:"crm"`
	// Bots says which voice bots stream nodes may connect.
	Bots Bots `yaml:"bots"`
	// Messages is where message nodes send texts.
	Messages Messages `yaml:"messages"`
	// PromptCode is what staff type at studio nodes before they record prompts by
	// phone: 8 to 16 digits; "" keeps every one closed.
	PromptCode string            `yaml:"prompt_code"`
	Queues     []acd.QueueConfig `yaml:"queues"`
	// Agents are what routing knows of people: skills, weights, their queues.
	Agents []acd.AgentConfig `yaml:"agents"`
	Lines  []Line            `yaml:"lines"`
	// Trunks are the carriers; Outbound says which calls may go out over them.
	Trunks   []sip.TrunkConfig `yaml:"trunks"`
	Outbound outbound.Config   `yaml:"outbound"`
	// Promises are what agents promise customers, with their deadlines.
	Promises []tasks.PromiseConfig `yaml:"promises"`
	// Dispositions are what an agent chooses from in wrap-up.
	Dispositions []string `yaml:"dispositions"`
	// Tags are what an agent tags calls with in wrap-up, by group.
	Tags []contact.TagGroup `yaml:"tags"`
	// AwayReasons are what an agent chooses from when going away.
	AwayReasons []string `yaml:"away_reasons"`

	// Demo adds the lines and People of the demo. Only the flag --demo sets it.
	Demo bool `yaml:"-"`
	// Replaced says what of the file counts for nothing because the demo has its
	// own, with its place: for a warning at the start.
	Replaced []string     `yaml:"-"`
	People   []api.Person `yaml:"-"`
}

// Log is how the server logs.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// SlogLevel returns the level for log/slog; info if it is none.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// Speech is a program that speaks a text into a WAV file.
type Speech struct {
	// Command is the program and its arguments; {voice}, {file} and {text}
	// stand for what it is given. [] for none.
	Command []string `yaml:"command"`
	Voices  Voices   `yaml:"voices"`
	// URL is a server that speaks instead of the program; "" for none.
	URL string `yaml:"url"`
	// Recognise is a server that writes down what customers say; "" for none.
	Recognise string `yaml:"recognise"`
	// Authorization is the header that both servers get; "" for none.
	Authorization string `yaml:"authorization"`
	// Timeout is how long one text may take.
	Timeout time.Duration `yaml:"timeout"`
}

// Voices are what {voice} stands for, by language.
type Voices struct {
	En string `yaml:"en"`
	Zh string `yaml:"zh"`
}

// Of returns the voice of a language.
func (v Voices) Of(lang string) string {
	if lang == "zh" {
		return v.Zh
	}
	return v.En
}

// Lookups bounds what lookup nodes may ask.
type Lookups struct {
	// Private are the networks of the house's own that may be asked, like
	// 10.1.2.0/24 or 127.0.0.1; by default only public addresses may.
	Private []string `yaml:"private"`
}

// Networks returns Private as prefixes.
func (l Lookups) Networks() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range l.Private {
		p, err := netip.ParsePrefix(text)
		if a, alone := netip.ParseAddr(text); err != nil && alone == nil {
			p, err = a.Unmap().Prefix(a.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network; write for example 10.1.2.0/24 or 127.0.0.1", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// Bots bounds which voice bots stream nodes may connect.
type Bots struct {
	// Hosts, if there are any, are the only names of servers that may be asked.
	Hosts []string `yaml:"hosts"`
	// Private are the networks of the house's own in which bots may stand, also
	// without TLS; by default only public addresses may.
	Private []string `yaml:"private"`
}

// Networks returns Private as prefixes.
func (b Bots) Networks() ([]netip.Prefix, error) { return Lookups{Private: b.Private}.Networks() }

// Messages is the gateway of message nodes: a server that takes JSON with to,
// text, line and language.
type Messages struct {
	URL           string `yaml:"url"`
	Authorization string `yaml:"authorization"`
}

// Line is a number that customers dial and the flow that answers it.
type Line struct {
	ID   contact.LineID `yaml:"id"`
	Name string         `yaml:"name"`
	// Flow is the name of a flow without ".yaml".
	Flow string `yaml:"flow"`
	// Consent is what the line does about recording: ask, announce or never.
	Consent string `yaml:"consent"`
	// Bots is what a voice bot counts as here: record (only who agreed to be
	// recorded is given to one) or talk; "" is record.
	Bots string `yaml:"bots"`
	// Language is the one that the flow begins in: en or zh.
	Language string `yaml:"language"`
	// CallerID is the number that calls out from this line show; "" is the
	// line's own where that is a number (+861012345678), else the trunk's.
	CallerID string `yaml:"caller_id"`
	// MaxCalls is how many customers may be in calls of the line at once,
	// CallsPerSecond how many such calls may begin in a second; who comes beyond
	// is told that it is busy (486). 0 is no limit.
	MaxCalls       int `yaml:"max_calls"`
	CallsPerSecond int `yaml:"calls_per_second"`
}

// The consent policies of a line.
const (
	ConsentAsk      = "ask"
	ConsentAnnounce = "announce"
	ConsentNever    = "never"
)

// BotsTalk is a line's Bots where a bot is a talk like any other.
const BotsTalk = "talk"

// Default returns the configuration of a server that was told nothing.
func Default() Config {
	return Config{
		Data:           "./callfloor-data",
		Log:            Log{Level: "info", Format: "text"},
		Drain:          30 * time.Minute,
		HTTP:           api.DefaultConfig(),
		SIP:            sip.DefaultConfig(),
		WebRTC:         web.DefaultConfig(),
		Routing:        acd.DefaultConfig(),
		Recordings:     recordings.DefaultConfig(),
		Transfers:      call.DefaultConfig(),
		Speech:         Speech{Command: []string{}, Voices: Voices{En: "en-us", Zh: "cmn"}, Timeout: 5 * time.Second},
		Lookups:        Lookups{Private: []string{}},
		CustomerLookup: customers.DefaultConfig(),
		CRM:            crm.DefaultConfig(),
		Bots:           Bots{Hosts: []string{}, Private: []string{}},
		Queues: []acd.QueueConfig{
			withDefaults(acd.QueueConfig{ID: "sales", Name: "Sales", Agents: []string{"*"}}),
			withDefaults(acd.QueueConfig{ID: "support", Name: "Support", Agents: []string{"*"}}),
		},
		Agents:       []acd.AgentConfig{},
		Lines:        []Line{{ID: "1000", Name: "Main line", Flow: "full", Consent: ConsentAsk, Language: "en"}},
		Trunks:       []sip.TrunkConfig{},
		Outbound:     outbound.DefaultConfig(),
		Promises:     tasks.DefaultPromises(),
		Dispositions: []string{"Solved", "Order taken", "Call back", "Passed on", "Wrong number", "Other"},
		Tags:         contact.DefaultTagGroups(),
		AwayReasons:  []string{"Break", "Lunch", "Training", "Meeting", "Back office"},
	}
}

// QueueIDs returns the queues' names in their order.
func (c Config) QueueIDs() []contact.QueueID {
	ids := make([]contact.QueueID, len(c.Queues))
	for i, q := range c.Queues {
		ids[i] = q.ID
	}
	return ids
}

// ACD returns the routing configuration with the queues and agents in it.
func (c Config) ACD() acd.Config {
	r := c.Routing
	r.Queues, r.Agents = c.Queues, c.Agents
	return r
}

// Line finds a line by what was dialled.
func (c Config) Line(id contact.LineID) (Line, bool) {
	for _, l := range c.Lines {
		if l.ID == id {
			return l, true
		}
	}
	return Line{}, false
}

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	// Where is FILE:LINE:COL, a flag (--sip) or a variable (CALLFLOOR_…).
	Where string
	// Key is the setting, "sip.listen"; "" for the file as a whole.
	Key string
	// Message says what is wrong and what would be right.
	Message string
}

// String is one line: where, the key and the message.
func (p Problem) String() string {
	if p.Key == "" {
		return p.Where + ": " + p.Message
	}
	return fmt.Sprintf("%s: %s: %s", p.Where, p.Key, p.Message)
}

// ProblemsError is everything that is wrong, in the order of the file.
type ProblemsError struct{ Problems []Problem }

// Error lists the problems, one a line.
func (e *ProblemsError) Error() string {
	text := ""
	for i, p := range e.Problems {
		if i > 0 {
			text += "\n"
		}
		text += p.String()
	}
	return text
}
