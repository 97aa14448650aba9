// Package crm tells other systems what happens in calls: webhooks, an outbox
// that survives a restart, and signatures by which they know that it was us; and
// it knows the page of theirs that belongs to a call.
package crm

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"callfloor/contact"
)

// Config is what other systems are told, and by what way.
type Config struct {
	Webhooks []Webhook `yaml:"webhooks"`
	// Page is shown to the agent.
	Page Page `yaml:"page"`
}

// Webhook is one address that events are sent to.
type Webhook struct {
	// Name is what people and the deliveries call it: a-z, 0-9, - and _.
	Name string `yaml:"name"`
	// URL is https; http only where the host is an address in lookups.private.
	URL string `yaml:"url"`
	// Secret is whsec_ and the base64 of 24 to 64 octets.
	Secret string `yaml:"secret"`
	// Events are the kinds that are sent; none are DefaultEvents.
	Events []contact.Kind `yaml:"events"`
	// Numbers sends customers' numbers whole; else they are masked.
	Numbers bool `yaml:"numbers"`
}

// DefaultConfig returns the defaults of callfloor.example.yaml.
func DefaultConfig() Config {
	return Config{Webhooks: []Webhook{}, Page: Page{Open: OpenBeside, Number: NumberMasked}}
}

// EventTest is the kind of what the administrator's test button sends.
const EventTest contact.Kind = "test"

// DefaultEvents are sent to a webhook that names none: it rings, is answered,
// is over, its wrap-up is done.
func DefaultEvents() []contact.Kind {
	return []contact.Kind{contact.KindOffer, contact.KindAnswer, contact.KindEnd, contact.KindWrapUp}
}

// Events are the kinds that a webhook may ask for: all of a timeline but what is
// of the network alone.
func Events() []contact.Kind {
	return []contact.Kind{
		contact.KindIdentity, contact.KindFlow, contact.KindConsent, contact.KindQueue, contact.KindOffer, contact.KindDial, contact.KindAnswer,
		contact.KindHold, contact.KindResume, contact.KindConsult, contact.KindListen, contact.KindRecording, contact.KindEnd, contact.KindWrapUp,
	}
}

// Wants says whether the webhook is told of events of a kind.
func (w Webhook) Wants(k contact.Kind) bool {
	if len(w.Events) == 0 {
		return slices.Contains(DefaultEvents(), k)
	}
	return slices.Contains(w.Events, k)
}

// secretPrefix begins every secret (Standard Webhooks).
const secretPrefix = "whsec_"

// key returns the octets of the secret.
func (w Webhook) key() ([]byte, error) {
	text, ok := strings.CutPrefix(w.Secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("it is no secret of a webhook; write whsec_ and the base64 of 24 to 64 random octets, such as `echo whsec_$(openssl rand -base64 32)` makes")
	}
	return key, nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Problem is one thing that is wrong with the configuration, at a key such as
// webhooks[0].url.
type Problem struct{ Key, Message string }

// Problems returns what is wrong; private are the networks to which plain HTTP
// may go. No message has a secret in it.
func (c Config) Problems(private []netip.Prefix) []Problem {
	all := c.Page.problems()
	names := map[string]bool{}
	for i, w := range c.Webhooks {
		wrong := func(key, format string, args ...any) {
			all = append(all, Problem{fmt.Sprintf("webhooks[%d].%s", i, key), fmt.Sprintf(format, args...)})
		}
		switch {
		case !namePattern.MatchString(w.Name):
			wrong("name", "%q cannot name a webhook; take 1 to 32 of a-z, 0-9, - and _", w.Name)
		case names[w.Name]:
			wrong("name", "there is a webhook %q already; give each its own name", w.Name)
		}
		names[w.Name] = true
		if err := checkURL(w.URL, private); err != nil {
			wrong("url", "%v", err)
		}
		if _, err := w.key(); err != nil {
			wrong("secret", "%v", err)
		}
		for n, k := range w.Events {
			if !slices.Contains(Events(), k) {
				wrong(fmt.Sprintf("events[%d]", n), "no event is called %q; there are %v", k, Events())
			}
		}
	}
	return all
}

// checkURL refuses what would send customers' data in the clear over the
// internet.
func checkURL(text string, private []netip.Prefix) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("it is no address; write one such as https://crm.example.org/calls")
	}
	if u.Scheme == "https" {
		return nil
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && slices.ContainsFunc(private, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }) {
		return nil
	}
	return errors.New("it is not https; plain http goes only to an address that lookups.private lists")
}
