package sip

import (
	gosip "github.com/emiago/sipgo/sip"
)

// How a trunk's calls are handed to numbers outside.
const (
	transferBridge = "bridge" // we call the number and stay between the two
	transferRefer  = "refer"  // the trunk is asked to call it (REFER, RFC 3515), and we leave
)

// ReferTarget says whom to name in a REFER on leg so that n is called in our
// stead. ok is false where the leg is on no trunk, or on one that is not to be
// asked.
func (t *Trunks) ReferTarget(leg *Leg, n TrunkNumber) (target string, ok bool) {
	id := leg.Trunk()
	for _, k := range t.list {
		if k.cfg.ID != id || k.cfg.Transfer != transferRefer {
			continue
		}
		user := k.number(n)
		if user == "" {
			return "", false
		}
		u := gosip.Uri{Scheme: "sip", User: user, Host: k.cfg.domain()}
		return u.String(), true
	}
	return "", false
}
