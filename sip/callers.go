package sip

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// What becomes of INVITEs that no trusted network sends (Config.Strangers).
const (
	StrangersAnswered   = "answer"
	StrangersChallenged = "challenge"
)

// caller is who sends an INVITE, as far as the network or a password shows it.
type caller struct {
	trunk   *trunk // nil: no trunk
	trusted bool   // what it says of who calls is believed
}

// whoCalls finds who sends an INVITE, or what to answer. A trunk with a login,
// and with Config.Strangers everybody whom no network vouches for, must prove a
// password; the answer does not tell whether there is such a line or user.
func (s *Server) whoCalls(req *gosip.Request) (caller, verdict) {
	flow, err := parseFlow(req.Source())
	if err != nil {
		return caller{}, verdict{status: 400, reason: "Bad Source"}
	}
	t := s.trunks.Load()
	if k := t.of(flow.Addr()); k != nil {
		return caller{k, true}, verdict{}
	}
	if s.opt.Trusted != nil && s.opt.Trusted(flow) {
		return caller{trusted: true}, verdict{}
	}
	if s.cfg.Strangers != StrangersChallenged && t.at(flow.Addr()) == nil {
		return caller{}, verdict{}
	}
	user, bad := s.callers.enter(req, time.Now(), func(c authorization) string { return c.username }, t.loginFits)
	if bad.status != 0 {
		return caller{}, bad
	}
	if k := t.withLogin(user); k != nil {
		return caller{k, true}, verdict{}
	}
	return caller{}, verdict{} // a telephone of the house: it may call lines
}

// passwords are those of the trunks that prove who they are, and of telephones.
// A trunk's user goes before a telephone's of the same name.
type passwords struct{ s *Server }

// HA1 implements Phones.
func (p passwords) HA1(user, algorithm string) (ha1 string, ok bool) {
	if p.s.opt.Phones != nil {
		ha1, ok = p.s.opt.Phones.HA1(user, algorithm)
	}
	if k := p.s.trunks.Load().withLogin(user); k != nil {
		return k.loginHA1[algorithm], true
	}
	return ha1, ok
}

// at is the trunk whose network an address is in, whether that is enough or a
// password must show it; nil if none.
func (t *Trunks) at(ip netip.Addr) *trunk {
	if t == nil {
		return nil
	}
	i := slices.IndexFunc(t.list, func(k *trunk) bool { return k.covers(ip) })
	if i < 0 {
		return nil
	}
	return t.list[i]
}

// covers says whether an address is in a trunk's networks.
func (k *trunk) covers(ip netip.Addr) bool {
	return slices.ContainsFunc(k.from, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// withLogin is the trunk that calls us with a user name; nil if none.
func (t *Trunks) withLogin(user string) *trunk {
	if t == nil {
		return nil
	}
	return t.logins[user]
}

// loginFits says whether a user may call from an address: a trunk with networks
// from these alone.
func (t *Trunks) loginFits(user string, from netip.Addr) bool {
	k := t.withLogin(user)
	return k == nil || len(k.from) == 0 || k.covers(from)
}

// takeLogin makes a trunk's login ready, if it has one.
func (t *Trunks) takeLogin(k *trunk) error {
	user := k.cfg.Login.User
	if user == "" {
		return nil
	}
	if other := t.logins[user]; other != nil {
		return fmt.Errorf("its login %q is that of trunk %s too", user, other.cfg.ID)
	}
	password, err := k.cfg.Login.secret().password()
	if err != nil {
		return err
	}
	k.loginHA1 = map[string]string{MD5: HA1(MD5, user, password), SHA256: HA1(SHA256, user, password)}
	t.logins[user] = k
	return nil
}
