package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// demoPassword is the password of all people of the demo; they exist only while
// every listener is on loopback.
const demoPassword = "demo"

// demoAddresses are the keys whose host the demo turns into 127.0.0.1 where
// nothing was set.
var demoAddresses = [...]struct{ key, value string }{
	{"http.listen", "127.0.0.1:8080"},
	{"sip.listen", "127.0.0.1:5060"},
	{"webrtc.listen", "127.0.0.1:8090"},
}

// demoDefaults is Default with loopback addresses and the demo's people.
func demoDefaults() Config {
	c := Default()
	c.Demo = true
	c.HTTP.Listen, c.SIP.Listen, c.WebRTC.Listen = demoAddresses[0].value, demoAddresses[1].value, demoAddresses[2].value
	c.People = []api.Person{
		{User: "alice", Name: "Alice", Role: contact.RoleAgent, Password: demoPassword},
		{User: "bob", Name: "Bob", Role: contact.RoleAgent, Password: demoPassword},
		{User: "sam", Name: "Sam", Role: contact.RoleSupervisor, Password: demoPassword},
		{User: "ada", Name: "Ada", Role: contact.RoleAdmin, Password: demoPassword},
	}
	c.Outbound.Region, c.Outbound.CallsPerHour, c.Outbound.OtherRate = "CN", 0, 0
	return c
}

// DemoTrunk is the group, and the trunk, that leads back to the demo's own
// lines; the server fills in its address.
const DemoTrunk = "demo"

// addDemoTrunk makes a way out that needs no carrier: a line of the demo is
// that line, and every other number is the echo.
func (c *Config) addDemoTrunk() {
	if len(c.Trunks) == 0 && c.Outbound.EmergencyTrunks == "" {
		c.Outbound.EmergencyTrunks = DemoTrunk
	}
	c.Trunks = append(c.Trunks, sip.TrunkConfig{
		ID: DemoTrunk, Group: DemoTrunk, Hosts: []string{"127.0.0.1"}, From: []string{"127.0.0.1", "::1"}, Caller: "13812341234",
		Rewrite: []sip.RewriteConfig{{Match: "^(10[0-9]{2})$", To: "$1"}, {Match: "^.*$", To: "1009"}},
	})
	c.Outbound.Rules = append(c.Outbound.Rules, outbound.RuleConfig{
		Lines: []string{"*"}, Purposes: []string{"*"}, Inbound: true, Countries: []string{"CN"}, Extensions: []string{"10xx"}, Trunks: DemoTrunk,
	})
}

// demoLines and demoQueues are the demo's own.
func demoLines() []Line {
	return []Line{
		{ID: "1000", Name: "Full menu", Flow: "full", Consent: ConsentAsk, Language: "en"},
		{ID: "1001", Name: "Announces recording", Flow: "announced", Consent: ConsentAnnounce, Language: "en"},
		{ID: "1002", Name: "Never records", Flow: "unrecorded", Consent: ConsentNever, Language: "en"},
		{ID: "1003", Name: "Rings and is never answered", Flow: "ringing", Consent: ConsentNever, Language: "en"},
		{ID: "1004", Name: "Answers and hangs up", Flow: "hangup", Consent: ConsentNever, Language: "en"},
		{ID: "1009", Name: "Echo", Flow: "echo", Consent: ConsentNever, Language: "en"},
	}
}

func demoQueues() []acd.QueueConfig {
	return []acd.QueueConfig{
		{ID: "sales", Name: "Sales", Agents: []string{"alice", "bob"}},
		{ID: "support", Name: "Support", Agents: []string{"alice", "bob"}},
	}
}

// noteReplaced notes the lines and queues of the file that the demo replaces by
// its own of the same name.
func (l *loader) noteReplaced() {
	note := func(key, kind, id string) {
		if l.origin[key] != "" {
			l.cfg.Replaced = append(l.cfg.Replaced, fmt.Sprintf("%s: %s: the demo has a %s %q of its own, and that counts", l.where(key), key, kind, id))
		}
	}
	for i, line := range l.cfg.Lines {
		if slices.ContainsFunc(demoLines(), func(d Line) bool { return d.ID == line.ID }) {
			note(fmt.Sprintf("lines[%d].id", i), "line", string(line.ID))
		}
	}
	for i, q := range l.cfg.Queues {
		if slices.ContainsFunc(demoQueues(), func(d acd.QueueConfig) bool { return d.ID == q.ID }) {
			note(fmt.Sprintf("queues[%d].id", i), "queue", string(q.ID))
		}
	}
}

// addDemo adds the demo's lines and queues; they win over the file's.
func (c *Config) addDemo() {
	lines, queues := demoLines(), demoQueues()
	for _, l := range c.Lines {
		if !slices.ContainsFunc(lines, func(d Line) bool { return d.ID == l.ID }) {
			lines = append(lines, l)
		}
	}
	for _, q := range c.Queues {
		if !slices.ContainsFunc(queues, func(d acd.QueueConfig) bool { return d.ID == q.ID }) {
			queues = append(queues, q)
		}
	}
	c.Lines, c.Queues = lines, queues
	c.addDemoTrunk()
}

// NotLoopbackError refuses the demo: its passwords are known to everybody.
type NotLoopbackError struct{ Key, Where, Value string }

// Error says which listener is in the way and what to do.
func (e *NotLoopbackError) Error() string {
	return fmt.Sprintf("--demo signs people in with a known password, so it listens on this machine only; %s is %q (%s): take it out, give it a 127.0.0.1 address, or start without --demo",
		e.Key, e.Value, e.Where)
}

// demoRefusal returns the first listener that is not on loopback.
func (c Config) demoRefusal(where func(key string) string) error {
	for _, l := range []struct{ key, value string }{
		{"http.listen", c.HTTP.Listen}, {"http.https", c.HTTP.HTTPS}, {"sip.listen", c.SIP.Listen}, {"sip.tls", c.SIP.TLS},
		{"sip.ws", c.SIP.WS}, {"sip.wss", c.SIP.WSS}, {"webrtc.listen", c.WebRTC.Listen}, {"webrtc.turn", c.WebRTC.TURN},
	} {
		if l.value != "" && !loopback(l.value) {
			return &NotLoopbackError{Key: l.key, Where: where(l.key), Value: l.value}
		}
	}
	return nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
