package sip

import (
	"errors"
	"net/netip"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// gate asks who sends a request, by digest, and slows who guesses. What it
// answers, and how long that takes, is the same for users that there are and
// that there are not, until the password is right.
type gate struct {
	s       *Server
	digest  *digestServer
	guesses *guesses
}

func newGate(s *Server, passwords Phones, algorithms []string, life time.Duration) gate {
	return gate{s: s, digest: newDigestServer(passwords, algorithms, life), guesses: newGuesses()}
}

// enter returns the user that a request proves to be from, or what to answer.
// claims says which user it must be; fits, where it is not nil, whether that user
// may come from there.
func (g gate) enter(req *gosip.Request, now time.Time, claims func(authorization) string, fits func(user string, from netip.Addr) bool) (string, verdict) {
	flow, err := parseFlow(req.Source())
	if err != nil {
		return "", verdict{status: 400, reason: "Bad Source"}
	}
	from := flow.Addr()
	c, found, err := ourAuthorization(req)
	switch {
	case err != nil:
		return "", verdict{status: 400, reason: "Bad Authorization"}
	case !found:
		return "", g.challenge(from, now, false)
	}
	user := claims(c)
	if g.guesses.locked(from, user, now) {
		g.s.front.bad(from, BannedPassword)
		return "", verdict{403, "Forbidden", []gosip.Header{gosip.NewHeader("Retry-After", "60")}}
	}
	own := c.username == user && (fits == nil || fits(user, from))
	switch g.digest.check(c, own, string(req.Method), from, now) {
	case digestRight:
		g.guesses.right(from, user)
		g.s.front.known.add(from)
		return user, verdict{}
	case digestStale:
		return "", g.challenge(from, now, true)
	case digestBroken:
		return "", verdict{status: 400, reason: "Bad Authorization"}
	}
	g.s.metrics.guesses.Inc()
	g.s.front.bad(from, BannedPassword)
	if g.guesses.wrong(from, user, now) {
		g.s.log.Warn("security: wrong SIP passwords; this address and user wait", "address", from, "user", printable(user, 32))
	}
	return "", g.challenge(from, now, false)
}

// ourAuthorization is what a request says in our realm; found is false if that
// is nothing.
func ourAuthorization(req *gosip.Request) (c authorization, found bool, err error) {
	for _, h := range req.GetHeaders("Authorization") {
		got, err := parseAuthorization(h.Value())
		switch {
		case errors.Is(err, errBadDigest):
			return authorization{}, false, err
		case err == nil && got.realm == Realm && !found:
			c, found = got, true
		}
	}
	return c, found, nil
}

func (g gate) challenge(peer netip.Addr, now time.Time, stale bool) verdict {
	v := verdict{status: 401, reason: "Unauthorized"}
	for _, c := range g.digest.challenges(peer, now, stale) {
		v.headers = append(v.headers, gosip.NewHeader("WWW-Authenticate", c))
	}
	return v
}
