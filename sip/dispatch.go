package sip

import (
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// dialogKey finds a leg: our tag is unguessable and ours alone, the far end's
// is compared by the leg.
type dialogKey struct{ callID, localTag string }

// dispatch hands a checked request to who serves it.
func (s *Server) dispatch(req *gosip.Request, tx gosip.ServerTransaction) {
	toTag, inDialog := req.To().Params.Get("tag")
	inDialog = inDialog && toTag != ""
	switch {
	case req.Method == gosip.CANCEL:
		s.onCancel(req, tx)
	case req.Method == gosip.REGISTER && s.registrar != nil:
		s.registrar.onRegister(req, tx)
	case !served[req.Method]:
		s.unserved(req, tx)
	case inDialog:
		s.inDialog(req, tx, toTag)
	case req.Method == gosip.ACK: // of a dialog that never was: nothing to say
	case req.Method == gosip.INVITE:
		s.onInvite(req, tx)
	case req.Method == gosip.OPTIONS:
		s.onOptions(req, tx, "")
	case req.Method == gosip.REFER: // only within a call: who may ask is known there
		s.refuse(req, tx, 403, "Forbidden")
	default: // BYE, INFO, UPDATE without a dialog
		s.refuse(req, tx, 481, "Call/Transaction Does Not Exist")
	}
}

func (s *Server) unserved(req *gosip.Request, tx gosip.ServerTransaction) {
	status, reason := 501, "Not Implemented"
	if known[req.Method] {
		status, reason = 405, "Method Not Allowed"
	}
	s.refuse(req, tx, status, reason, gosip.NewHeader("Allow", allow))
}

func (s *Server) inDialog(req *gosip.Request, tx gosip.ServerTransaction, toTag string) {
	s.mu.Lock()
	l := s.legs[dialogKey{req.CallID().Value(), toTag}]
	s.mu.Unlock()
	fromTag, _ := req.From().Params.Get("tag")
	if l == nil || !l.peerIs(fromTag) {
		if req.Method != gosip.ACK {
			s.refuse(req, tx, 481, "Call/Transaction Does Not Exist")
		}
		return
	}
	l.traceRequest(req, false)
	if req.Method != gosip.ACK { // one may be of anything
		l.present()
	}
	switch req.Method {
	case gosip.ACK:
		l.onAck(req)
	case gosip.BYE:
		l.onBye(req, tx)
	case gosip.INVITE, gosip.UPDATE:
		l.onModify(req, tx)
	case gosip.INFO:
		l.onInfo(req, tx)
	case gosip.PRACK:
		l.onPrack(req, tx)
	case gosip.REFER:
		l.onRefer(req, tx)
	case gosip.NOTIFY:
		l.onNotify(req, tx)
	case gosip.OPTIONS:
		s.onOptions(req, tx, toTag)
	}
}

// onOptions says what we can do (RFC 3261 §11.2).
func (s *Server) onOptions(req *gosip.Request, tx gosip.ServerTransaction, tag string) {
	if !s.accepting() && tag == "" {
		s.refuse(req, tx, 503, "Service Unavailable", gosip.NewHeader("Retry-After", "60"))
		return
	}
	res := response(req, 200, "OK", tag,
		gosip.NewHeader("Allow", allow),
		gosip.NewHeader("Accept", "application/sdp, application/dtmf-relay, application/dtmf"),
		gosip.NewHeader("Accept-Encoding", "identity"),
		gosip.NewHeader("Accept-Language", "en"),
		gosip.NewHeader("Supported", supported))
	if err := tx.Respond(res); err != nil {
		s.log.Debug("SIP response not sent", "status", 200, "error", err)
	}
}

// onCancel matches the INVITE that a CANCEL means by its branch (RFC 3261
// §9.2). A CANCEL that comes too late is answered 200 and changes nothing.
func (s *Server) onCancel(req *gosip.Request, tx gosip.ServerTransaction) {
	s.mu.Lock()
	l := s.invites[inviteKey(req)]
	s.mu.Unlock()
	if l == nil {
		s.refuse(req, tx, 481, "Call/Transaction Does Not Exist")
		return
	}
	l.traceRequest(req, false)
	l.cancelled(req, tx)
}

// inviteKey is the key of an INVITE transaction, also from its CANCEL (RFC
// 3261 §17.2.3).
func inviteKey(req *gosip.Request) string {
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	return strings.TrimSuffix(branch, cancelMark) + " " + via.SentBy() + " " + req.CallID().Value()
}

// initialKey is what merged requests share (RFC 3261 §8.2.2.2).
func initialKey(req *gosip.Request) string {
	tag, _ := req.From().Params.Get("tag")
	return req.CallID().Value() + " " + tag + " " + req.CSeq().Value()
}
