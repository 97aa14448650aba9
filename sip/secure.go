package sip

import (
	"crypto/rand"
	"errors"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip/sdp"
)

// security is what a leg does about encryption. A leg keeps the keys that it
// sends with, so that a refresh changes nothing.
func (s *Server) security() sdp.Security {
	keys := map[media.Suite]media.Key{}
	sec := sdp.Security{
		Policy:      s.cfg.SRTP,
		Fingerprint: s.identity.Fingerprint(),
		Key: func(suite media.Suite) media.Key { // the leg's lock is held
			if _, ok := keys[suite]; !ok {
				keys[suite] = media.GenerateKey(suite)
			}
			return keys[suite]
		},
	}
	if sec.Policy == sdp.Require {
		sec.Offer = sdp.SDES // the offers that we make ask for it too
	}
	return sec
}

// newICE are a leg's names for connectivity checks.
func newICE() sdp.ICE { return sdp.ICE{Ufrag: rand.Text()[:8], Pwd: rand.Text()} }

// methodOf is what a later offer of ours asks for, so that it keeps to what was
// agreed on; was is what the last one asked for.
func methodOf(p media.Protection, policy sdp.Policy, was sdp.Method) sdp.Method {
	switch {
	case p.DTLS != nil:
		return sdp.DTLS
	case was == sdp.Either:
		return was
	case p.Send.Valid(), policy == sdp.Require:
		return sdp.SDES
	}
	return ""
}

// insecure ends the leg: its media could not be secured. It is called on a
// goroutine of the media's.
func (l *Leg) insecure(err error) {
	cause := contact.EndCause{
		By: contact.System, Class: contact.EndFailed, Q850: 58, // bearer capability not presently available
		Why: "the phone's audio could not be encrypted: it made no DTLS handshake",
	}
	reason := "handshake"
	if errors.Is(err, media.ErrCertificate) {
		reason = "certificate"
		cause.Q850 = 57 // bearer capability not authorized
		cause.Why = "the phone's certificate is not the one that it announced; somebody may stand between"
	}
	l.s.metrics.insecure.WithLabelValues(reason).Inc()
	l.log.Warn("security: a call is ended because its audio is not safe", "reason", reason)
	l.Hangup(cause)
}

// incompatible is the refusal of an offer that nothing can be made of.
func incompatible(err error) verdict {
	warning := `305 callfloor "Incompatible media format"`
	if errors.Is(err, sdp.ErrNotSecure) {
		warning = `399 callfloor "No common way to encrypt the media"`
	}
	return verdict{488, "Not Acceptable Here", []gosip.Header{gosip.NewHeader("Warning", warning)}}
}
