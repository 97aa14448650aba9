package crm

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"callfloor/contact"
)

// Page is the CRM's own page of a call, which the seat opens.
type Page struct {
	// URL is https, or http on localhost, with the placeholders that PageCall
	// fills in behind its host: {contact}, {line}, {queue}, {language}, {agent},
	// {number}. "" is no page.
	URL string `yaml:"url"`
	// Open says where: OpenBeside the call or in a window of its own (OpenWindow).
	Open string `yaml:"open"`
	// Number is what {number} becomes: NumberMasked or NumberFull.
	Number string `yaml:"number"`
}

// The words of Page.
const (
	OpenBeside   = "beside"
	OpenWindow   = "window"
	NumberMasked = "masked"
	NumberFull   = "full"
)

// PageCall is what a page is told of a call in its address.
type PageCall struct {
	Contact  contact.ID
	Line     contact.LineID
	Queue    contact.QueueID
	Language string
	Agent    contact.AgentID
	Number   string // whole; Page decides what of it is told
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// Address returns the page of a call; "" where there is none. Each value is
// escaped so that it stays one value, in a path as in a query.
func (p Page) Address(c PageCall) string {
	if p.URL == "" {
		return ""
	}
	if p.Number != NumberFull {
		c.Number = contact.Mask(c.Number)
	}
	values := map[string]string{
		"{contact}": string(c.Contact), "{line}": string(c.Line), "{queue}": string(c.Queue),
		"{language}": c.Language, "{agent}": string(c.Agent), "{number}": c.Number,
	}
	return placeholder.ReplaceAllStringFunc(p.URL, func(name string) string { return escape(values[name]) })
}

// escape is for a path and for a query: QueryEscape but for its plus, which a
// path would keep. Nothing hides the dots of ".." from a browser, and a caller
// names itself, so a value of dots alone is left out.
func escape(value string) string {
	if strings.Trim(value, ".") == "" {
		return ""
	}
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// hostPattern is what a browser's policy takes as a host; a name that is not
// ASCII is written as its xn--.
var hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)

// Origin returns the page's origin as browsers write it; "" where there is no
// page or its URL is none that Problems lets through.
func (p Page) Origin() string {
	scheme, rest, ok := strings.Cut(p.URL, "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	if !ok || !hostPattern.MatchString(host) || scheme != "https" && (scheme != "http" || !onThisMachine(host)) {
		return ""
	}
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	return scheme + "://" + host
}

func onThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// problems returns what is wrong with the page, at keys such as page.url.
func (p Page) problems() []Problem {
	if p == (Page{}) {
		return nil // none
	}
	var all []Problem
	if err := p.checkURL(); err != nil {
		all = append(all, Problem{"page.url", err.Error()})
	}
	if p.Open != OpenBeside && p.Open != OpenWindow {
		all = append(all, Problem{"page.open", fmt.Sprintf("%q is no place; take beside or window", p.Open)})
	}
	if p.Number != NumberMasked && p.Number != NumberFull {
		all = append(all, Problem{"page.number", fmt.Sprintf("%q is no way to tell a number; take masked or full", p.Number)})
	}
	return all
}

func (p Page) checkURL() error {
	if p.URL == "" {
		return nil
	}
	if p.Origin() == "" {
		return errors.New("it is no address of a page; write one such as https://crm.example.org/calls?id={contact}, with http only on localhost, and no placeholder in the host")
	}
	known := []string{"{contact}", "{line}", "{queue}", "{language}", "{agent}", "{number}"}
	for _, name := range placeholder.FindAllString(p.URL, -1) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("nothing is known as %s; there are %s", name, strings.Join(known, ", "))
		}
	}
	if _, err := url.Parse(placeholder.ReplaceAllString(p.URL, "x")); err != nil {
		return errors.New("it cannot be read as an address; write one such as https://crm.example.org/calls?id={contact}")
	}
	return nil
}
