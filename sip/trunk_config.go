package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// TrunkConfig is one carrier, or one PBX: where calls go out, and what marks
// those that come in.
type TrunkConfig struct {
	ID string `yaml:"id"`
	// Group is what rules name; "" is "default".
	Group string `yaml:"group"`
	// Order and Weight choose within a group: the lowest order first, and
	// among those of one order by weight, at random. Weight 0 is 1.
	Order  int `yaml:"order"`
	Weight int `yaml:"weight"`
	// Hosts are names or addresses, HOST or HOST:PORT. A name without a port is
	// looked up by NAPTR and SRV first (RFC 3263).
	Hosts []string `yaml:"hosts"`
	// Transport is udp, tcp or tls; "": what NAPTR says, else udp.
	Transport string `yaml:"transport"`
	// Domain is the host of From, To and the request URI; "": the first host.
	Domain string `yaml:"domain"`

	// User and the password, which stands in a variable or a file, answer the
	// trunk's challenges; Realm, if set, is the only realm that they are for.
	User         string `yaml:"user"`
	PasswordEnv  string `yaml:"password_env"`
	PasswordFile string `yaml:"password_file"`
	Realm        string `yaml:"realm"`
	// Register registers with the trunk and asks for Expires (0: 1 h).
	Register bool          `yaml:"register"`
	Expires  time.Duration `yaml:"expires"`

	// From are the networks whose calls are this trunk's: what they say of
	// their callers is believed. With a login that is not enough.
	From []string `yaml:"from"`
	// Login is what the trunk proves with that a call is its own (401, digest),
	// from its networks or, where it has none, from anywhere.
	Login LoginConfig `yaml:"login"`
	// Line is what calls to our registered contact ring; "": as dialled.
	Line string `yaml:"line"`

	Codecs []string `yaml:"codecs"` // none: those of sip.codecs
	// SRTP is whether calls to the trunk are encrypted (SDES): off (""); optional,
	// which offers keys with plain RTP and takes what the trunk answers (RFC 8643);
	// require.
	SRTP sdp.Policy `yaml:"srtp"`

	// Format is how the trunk wants numbers: "plus" (+8613812345678, the
	// default), "e164" (without the plus), "national" (013812345678 where the
	// country writes a 0), or "dialled". Then Rewrite's first match is
	// replaced, Strip taken off the front, and Add put before it.
	Format  string          `yaml:"format"`
	Rewrite []RewriteConfig `yaml:"rewrite"`
	Strip   string          `yaml:"strip"`
	Add     string          `yaml:"add"`
	// Caller is the number shown where the line has none.
	Caller string `yaml:"caller"`

	// MaxCalls are the trunk's calls out at once, CallsPerSecond how many may
	// begin in a second; 0 is no limit.
	MaxCalls       int `yaml:"max_calls"`
	CallsPerSecond int `yaml:"calls_per_second"`
	// MaxCallsIn are the calls that it may have brought in at once; further ones
	// get 486, and so does the carrier's customer. 0 is no limit.
	MaxCallsIn int `yaml:"max_calls_in"`
	// OptionsEvery is how often the trunk is asked whether it is there; 0 is
	// 30 s. After three answers that do not come it is down.
	OptionsEvery time.Duration `yaml:"options_every"`

	// Transfer is how an agent hands a call of this trunk to a number outside:
	// "bridge" ("", the default): we call it and stay between the two; "refer":
	// the trunk is asked to call it (REFER), and where it does not, we bridge.
	Transfer string `yaml:"transfer"`
}

// RewriteConfig replaces numbers that match a regular expression; $1 is its
// first group.
type RewriteConfig struct {
	Match string `yaml:"match"`
	To    string `yaml:"to"`
}

// LoginConfig is a user of ours that a trunk calls with.
type LoginConfig struct {
	User         string `yaml:"user"` // "": the trunk has no login
	PasswordEnv  string `yaml:"password_env"`
	PasswordFile string `yaml:"password_file"`
}

func (c LoginConfig) secret() secret { return secret{c.PasswordEnv, c.PasswordFile} }

func (c LoginConfig) validate(bad func(field, format string, args ...any)) {
	c.secret().validate(bad, "login.")
	switch {
	case c.User == "" && !c.secret().none():
		bad("login.user", "there is a password but no user")
	case c.User != "" && c.secret().none():
		bad("login.password_env", "the password is missing; name the variable, or the password_file, that it stands in")
	case strings.ContainsAny(c.User, "\":,\r\n") || len(c.User) > 64:
		bad("login.user", "%q cannot name a user; take up to 64 characters without colon, comma and quotes", c.User)
	}
}

// secret is where the password stands that answers the trunk's challenges.
func (c TrunkConfig) secret() secret { return secret{c.PasswordEnv, c.PasswordFile} }

// Defaults of a trunk.
const (
	defaultGroup   = "default"
	defaultExpires = time.Hour
	optionsEvery   = 30 * time.Second
)

// Name of a trunk's group.
func (c TrunkConfig) group() string {
	if c.Group == "" {
		return defaultGroup
	}
	return c.Group
}

// security is what the trunk's SRTP makes of our offers and of its answers.
func (c TrunkConfig) security() (sdp.Method, sdp.Policy) {
	switch c.SRTP {
	case sdp.Require:
		return sdp.SDES, sdp.Require
	case sdp.Optional:
		return sdp.Either, sdp.Optional
	}
	return "", sdp.Off
}

// domain is the host that the trunk goes by.
func (c TrunkConfig) domain() string {
	if c.Domain != "" {
		return c.Domain
	}
	host, _, err := splitHost(c.Hosts[0])
	if err != nil {
		return c.Hosts[0]
	}
	return host
}

var trunkName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// FieldError is what is wrong with one setting of a trunk.
type FieldError struct {
	Field string // "hosts[0]"
	Err   error
}

// Error is the reason alone: the field is told by who knows where it stands.
func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// Validate says what is wrong with a trunk, as joined *FieldErrors.
func (c TrunkConfig) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &FieldError{Field: field, Err: fmt.Errorf(format, args...)})
	}
	if !trunkName.MatchString(c.ID) {
		bad("id", "%q cannot name a trunk; take 1 to 32 of a-z, 0-9, - and _", c.ID)
	}
	if c.Group != "" && !trunkName.MatchString(c.Group) {
		bad("group", "%q cannot name a group of trunks; take 1 to 32 of a-z, 0-9, - and _", c.Group)
	}
	if c.Weight < 0 || c.Weight > 1000 {
		bad("weight", "%d is out of range; it is 0 (the same as 1) to 1000", c.Weight)
	}
	if len(c.Hosts) == 0 || len(c.Hosts) > 8 {
		bad("hosts", "there are %d; write 1 to 8 names or addresses, like sip.example.com or 203.0.113.7:5060", len(c.Hosts))
	}
	for i, h := range c.Hosts {
		if _, _, err := splitHost(h); err != nil {
			bad(fmt.Sprintf("hosts[%d]", i), "%w", err)
		}
	}
	if !slices.Contains([]string{"", "udp", "tcp", "tls"}, c.Transport) {
		bad("transport", "%q is not known; write udp, tcp or tls", c.Transport)
	}
	c.validateSecrets(bad)
	for i, text := range c.From {
		if _, err := parseNetwork(text); err != nil {
			bad(fmt.Sprintf("from[%d]", i), "%w", err)
		}
	}
	for i, name := range c.Codecs {
		if !codec.Parse(name).Audio() {
			bad(fmt.Sprintf("codecs[%d]", i), "%q is not a codec; write PCMU, PCMA, G722 or opus", name)
		}
	}
	if !slices.Contains([]sdp.Policy{"", sdp.Off, sdp.Optional, sdp.Require}, c.SRTP) {
		bad("srtp", "%q is not known; write off, optional or require", c.SRTP)
	}
	if !slices.Contains([]string{"", transferBridge, transferRefer}, c.Transfer) {
		bad("transfer", "%q is not known; write bridge or refer", c.Transfer)
	}
	if !slices.Contains([]string{"", "plus", "e164", "national", "dialled"}, c.Format) {
		bad("format", "%q is not known; write plus, e164, national or dialled", c.Format)
	}
	for i, r := range c.Rewrite {
		if _, err := regexp.Compile(r.Match); err != nil || r.Match == "" {
			bad(fmt.Sprintf("rewrite[%d].match", i), "%q is no regular expression; write for example ^\\+86(.*)$", r.Match)
		}
	}
	for _, n := range []struct {
		field string
		value int
	}{{"max_calls", c.MaxCalls}, {"calls_per_second", c.CallsPerSecond}, {"max_calls_in", c.MaxCallsIn}} {
		if n.value < 0 {
			bad(n.field, "%d is less than nothing; write 0 for no limit", n.value)
		}
	}
	if c.OptionsEvery != 0 && (c.OptionsEvery < time.Second || c.OptionsEvery > time.Hour) {
		bad("options_every", "%s is out of range; it is 1s to 1h", c.OptionsEvery)
	}
	return errors.Join(errs...)
}

func (c TrunkConfig) validateSecrets(bad func(field, format string, args ...any)) {
	c.secret().validate(bad, "")
	c.Login.validate(bad)
	if c.Login.User != "" && c.Login.User == c.User && c.Login.secret() == c.secret() {
		bad("login.password_env", "it is the password that we answer the trunk's challenges with; take another, or whoever has one has both")
	}
	if c.Register && c.User == "" {
		bad("user", "a trunk that is registered with needs a user")
	}
	if !c.secret().none() && c.User == "" {
		bad("user", "there is a password but no user")
	}
	if c.Expires != 0 && (c.Expires < time.Minute || c.Expires > 24*time.Hour) {
		bad("expires", "%s is out of range; it is 1m to 24h", c.Expires)
	}
}

// splitHost parses HOST or HOST:PORT; port 0 is none.
func splitHost(s string) (host string, port int, err error) {
	host = strings.Trim(s, "[]")
	if _, err := netip.ParseAddr(host); err == nil {
		return host, 0, nil
	}
	if h, p, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("%q has the port %q; it must be a number from 1 to 65535", s, p)
		}
		host, port = h, int(n)
	}
	if host == "" || len(host) > 253 || strings.ContainsAny(host, " /;<>@:\"\r\n\t") {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", 0, fmt.Errorf("%q is no host; write sip.example.com or 203.0.113.7:5060, for example", s)
		}
	}
	return host, port, nil
}

// parseNetwork reads 203.0.113.0/24 or 203.0.113.7.
func parseNetwork(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, alone := netip.ParseAddr(text); err != nil && alone == nil {
		p, err = a.Unmap().Prefix(a.Unmap().BitLen())
	}
	if err != nil {
		return p, fmt.Errorf("%q is no network; write for example 203.0.113.0/24 or 203.0.113.7", text)
	}
	return p.Masked(), nil
}
