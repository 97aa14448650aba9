package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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
	// their callers is believed.
	From []string `yaml:"from"`
	// Line is what calls to our registered contact ring; "": as dialled.
	Line string `yaml:"line"`

	Codecs []string   `yaml:"codecs"` // none: those of sip.codecs
	SRTP   sdp.Policy `yaml:"srtp"`   // off (""), optional is off too, require

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
	if !slices.Contains([]sdp.Policy{"", sdp.Off, sdp.Require}, c.SRTP) {
		bad("srtp", "%q is not known for a trunk; write off or require", c.SRTP)
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
	}{{"max_calls", c.MaxCalls}, {"calls_per_second", c.CallsPerSecond}} {
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
	if c.PasswordEnv != "" && c.PasswordFile != "" {
		bad("password_env", "the password stands in a file too; keep one of the two")
	}
	if c.Register && c.User == "" {
		bad("user", "a trunk that is registered with needs a user")
	}
	if (c.PasswordEnv != "" || c.PasswordFile != "") && c.User == "" {
		bad("user", "there is a password but no user")
	}
	if _, err := c.password(); err != nil {
		field := "password_env"
		if c.PasswordFile != "" {
			field = "password_file"
		}
		bad(field, "%w", err)
	}
	if c.Expires != 0 && (c.Expires < time.Minute || c.Expires > 24*time.Hour) {
		bad("expires", "%s is out of range; it is 1m to 24h", c.Expires)
	}
}

// password reads the password from where it stands.
func (c TrunkConfig) password() (string, error) {
	switch {
	case c.PasswordEnv != "":
		if v := os.Getenv(c.PasswordEnv); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the variable %s is empty; put the trunk's password into it", c.PasswordEnv)
	case c.PasswordFile != "":
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read the trunk's password: %w", err)
		}
		if len(b) > 1024 {
			return "", fmt.Errorf("%s has %d octets; a password has at most 1024", c.PasswordFile, len(b))
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return "", nil
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
