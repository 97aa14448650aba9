package sip

import (
	"errors"
	"strings"
)

// authorization are the parameters of an Authorization header.
type authorization struct {
	username, realm, nonce, uri, response, algorithm, qop, nc, cnonce string
}

var (
	errNotDigest = errors.New("no Digest authorization")
	errBadDigest = errors.New("malformed Digest authorization")
)

// maxAuthorization is how long an Authorization header may be, in octets.
const maxAuthorization = 2048

// parseAuthorization reads "Digest username="…", …" (RFC 3261 §25.1). Another
// scheme is errNotDigest; what is missing, there twice or too long,
// errBadDigest.
func parseAuthorization(v string) (c authorization, err error) {
	v = strings.TrimSpace(v)
	scheme, rest, _ := strings.Cut(v, " ")
	if !strings.EqualFold(scheme, "Digest") {
		return c, errNotDigest
	}
	if len(v) > maxAuthorization {
		return c, errBadDigest
	}
	all := map[string]string{}
	for rest = strings.TrimLeft(rest, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		var name, value string
		var ok bool
		name, value, rest, ok = digestParam(rest)
		if _, twice := all[name]; !ok || twice {
			return c, errBadDigest
		}
		all[name] = value
	}
	c = authorization{
		username: all["username"], realm: all["realm"], nonce: all["nonce"], uri: all["uri"], response: all["response"],
		algorithm: all["algorithm"], qop: all["qop"], nc: all["nc"], cnonce: all["cnonce"],
	}
	if c.username == "" || c.realm == "" || c.nonce == "" || c.uri == "" || c.response == "" {
		return c, errBadDigest
	}
	return c, nil
}

// digestParam takes one name=value or name="value" off the front of s.
func digestParam(s string) (name, value, rest string, ok bool) {
	name, s, ok = strings.Cut(s, "=")
	name = strings.ToLower(strings.TrimSpace(name))
	if !ok || name == "" || strings.ContainsAny(name, "\", \t") {
		return "", "", "", false
	}
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		value = strings.TrimSpace(value)
		return name, value, rest, value != "" && !strings.ContainsAny(value, "\" \t")
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			rest = strings.TrimLeft(s[i+1:], " \t")
			return name, b.String(), rest, rest == "" || rest[0] == ','
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", "", false
}

// answer is the response that is right for a HA1 (RFC 7616 §3.4.1).
func (c *authorization) answer(ha1, method, algorithm string) string {
	ha2 := digestHash(algorithm, method+":"+c.uri)
	if c.qop == "" { // RFC 2069
		return digestHash(algorithm, ha1+":"+c.nonce+":"+ha2)
	}
	return digestHash(algorithm, ha1+":"+c.nonce+":"+c.nc+":"+c.cnonce+":"+c.qop+":"+ha2)
}
