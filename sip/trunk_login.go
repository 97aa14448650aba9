package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	gosip "github.com/emiago/sipgo/sip"
	godigest "github.com/icholy/digest"
)

// trunkLogin answers the challenges of one trunk (RFC 8760: MD5 and SHA-256).
// It is bound to the trunk's own addresses, which the caller checks, and to
// one realm: the configured one, else the first that took them.
type trunkLogin struct {
	user, password string

	mu    sync.Mutex // guards what follows
	realm string     // "": any, until one took them
	// chal is the challenge answered last, which may be answered again with
	// the next count, so that a request need not be refused first.
	chal   *godigest.Challenge
	header string // Authorization or Proxy-Authorization
	count  int
}

// errChallenge is a challenge that is not answered.
var errChallenge = errors.New("the challenge cannot be answered")

// maxChallenges bounds what is read of one response.
const maxChallenges = 8

// sign puts the answer to the challenge known so far on a request; nothing if
// there is none.
func (c *trunkLogin) sign(req *gosip.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chal != nil {
		_ = c.add(req) // refused then, and challenged again
	}
}

// add signs req for c.chal. c.mu is held.
func (c *trunkLogin) add(req *gosip.Request) error {
	c.count++
	uri := req.Recipient.String()
	answer, err := godigest.Digest(c.chal, godigest.Options{
		Method: string(req.Method), URI: uri, Username: c.user, Password: c.password, Count: c.count,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errChallenge, err)
	}
	req.RemoveHeader("Authorization")
	req.RemoveHeader("Proxy-Authorization")
	req.AppendHeader(gosip.NewHeader(c.header, answer.String()))
	return nil
}

// answer takes the strongest challenge of a 401 or 407 that came from peer to
// a request sent to sentTo. again says that one was answered before, so that
// only a stale nonce is worth another try.
func (c *trunkLogin) answer(res *gosip.Response, sentTo netip.Addr, again bool) error {
	if c == nil || c.user == "" {
		return fmt.Errorf("%w: the trunk has no user and password", errChallenge)
	}
	if from, err := parseFlow(res.Source()); err != nil || sentTo.IsValid() && from.Addr() != sentTo {
		return fmt.Errorf("%w: it came from %s and not from the trunk", errChallenge, res.Source())
	}
	challenge, header := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		challenge, header = "Proxy-Authenticate", "Proxy-Authorization"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var best *godigest.Challenge
	for i, h := range res.GetHeaders(challenge) {
		if i == maxChallenges || len(h.Value()) > 4096 {
			break
		}
		chal, err := godigest.ParseChallenge(h.Value())
		if err != nil || strength(chal) == 0 || c.realm != "" && chal.Realm != c.realm {
			continue
		}
		if best == nil || strength(chal) > strength(best) {
			best = chal
		}
	}
	switch {
	case best == nil:
		return fmt.Errorf("%w: no digest with MD5 or SHA-256 for the trunk's realm is in it", errChallenge)
	case again && !best.Stale:
		c.chal = nil
		return fmt.Errorf("%w: the trunk does not take user and password", errChallenge)
	}
	c.chal, c.header, c.count = best, header, 0
	return nil
}

// took binds the trunkLogin to the realm that has taken them.
func (c *trunkLogin) took() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chal != nil && c.realm == "" {
		c.realm = c.chal.Realm
	}
}

// strength orders the algorithms; 0 is one that is not answered.
func strength(c *godigest.Challenge) int {
	if c.Nonce == "" || c.Realm == "" || len(c.QOP) > 0 && !c.SupportsQOP("auth") {
		return 0
	}
	switch strings.ToUpper(c.Algorithm) {
	case "SHA-256":
		return 2
	case "", "MD5":
		return 1
	}
	return 0
}
