package web

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"callfloor/contact"
)

// Sizes of what a browser may send, in octets. A frame as a whole is limited
// by maxFrame.
const (
	maxFrame = 64 << 10
	maxToken = 4 << 10
	maxName  = 128 // tab, epoch, agent, reason of away, disposition
	maxNote  = 8 << 10
	// maxDialled bounds a number as people write it.
	maxDialled = 64
	maxSDP     = 48 << 10
	// maxCandidate is generous: the longest real ones have some 200 octets.
	maxCandidate = 1 << 10
)

// decode reads one frame of a browser: *Hello, *SDP, *Candidate, *MediaReport,
// *Command or *Ping. Fields that it does not know are ignored, so that a newer
// page can talk to an older server; what it knows must have the right type and
// a sane size. Errors are contact.Invalid and name the place, not the content.
func decode(frame []byte) (any, error) {
	var head struct {
		Type string `json:"type"`
	}
	if !utf8.Valid(frame) {
		return nil, contact.Errorf(contact.Invalid, "the message is not UTF-8")
	}
	if err := json.Unmarshal(frame, &head); err != nil {
		return nil, contact.Errorf(contact.Invalid, "the message is not a JSON object with a type")
	}
	m, check := target(head.Type)
	if m == nil {
		return nil, contact.Errorf(contact.Invalid, "there is no message type like that; see hello, offer, candidate, media, do, ping")
	}
	if err := json.Unmarshal(frame, m); err != nil {
		return nil, contact.Errorf(contact.Invalid, "the %s message has a field of the wrong type", head.Type)
	}
	if what := check(); what != "" {
		return nil, contact.Errorf(contact.Invalid, "the %s message has a bad field: %s", head.Type, what)
	}
	return m, nil
}

// target returns an empty message of a type and a function that names the
// first field of it that is out of bounds.
func target(kind string) (message any, check func() string) {
	switch kind {
	case TypeHello:
		m := new(Hello)
		return m, func() string {
			return first(field{"token", len(m.Token) > maxToken}, field{"tab", m.Tab == "" || len(m.Tab) > maxName}, field{"epoch", len(m.Epoch) > maxName})
		}
	case TypeOffer:
		m := new(SDP)
		return m, func() string { return first(field{"sdp", m.SDP == "" || len(m.SDP) > maxSDP}) }
	case TypeCandidate:
		m := new(Candidate)
		return m, func() string { return first(field{"candidate", len(m.Candidate) > maxCandidate}) }
	case TypeMedia:
		m := new(MediaReport)
		return m, func() string { return first(field{"microphone", !slices.Contains(microphones[:], m.Microphone)}) }
	case TypeDo:
		m := new(Command)
		return m, func() string {
			return first(field{"do", len(m.Do) > maxName}, field{"contact", len(m.Contact) > maxName}, field{"agent", len(m.Agent) > maxName},
				field{"state", len(m.State) > maxName}, field{"reason", len(m.Reason) > maxName}, field{"digit", len(m.Digit) > maxName},
				field{"disposition", len(m.Disposition) > maxName}, field{"note", len(m.Note) > maxNote}, field{"tags", !sane(m.Tags)},
				field{"to", m.To != nil && (len(m.To.ID) > maxName || len(m.To.Kind) > maxName)}, field{"door", len(m.Door) > maxName},
				field{"source", len(m.Source) > maxName})
		}
	case TypePing:
		return new(Ping), func() string { return "" }
	default:
		return nil, nil
	}
}

// maxTags bounds the groups of a command's tags, and the tags of each.
const maxTags = 32

// sane says whether tags have a size that a person could have chosen.
func sane(tags contact.Tags) bool {
	for group, chosen := range tags {
		if len(group) > maxName || len(chosen) > maxTags || slices.ContainsFunc(chosen, func(t string) bool { return len(t) > maxName }) {
			return false
		}
	}
	return len(tags) <= maxTags
}

// microphones are the values of MediaReport.Microphone.
var microphones = [...]string{microphoneOK, "denied", "missing", "ended", microphoneSilent}

// The states of a microphone with which a person can work. Silent is a warning
// that the page shows: a headset with a noise gate sends digital silence too.
const (
	microphoneOK     = "ok"
	microphoneSilent = "silent"
)

type field struct {
	name string
	bad  bool
}

func first(fields ...field) string {
	for _, f := range fields {
		if f.bad {
			return f.name
		}
	}
	return ""
}

// checkCommand returns an error that may be shown for a command that no house
// could carry out: an unknown verb, one that the role does not have, a digit
// that is none.
func checkCommand(role contact.Role, c *Command) error {
	switch c.Do {
	case DoState, DoHand, DoAnswer, DoDecline, DoHold, DoMute, DoHangup, DoWrapUpExtend, DoWrapUpNote, DoWrapUpDone, DoWrapUpWant:
	case DoDigit:
		if len(c.Digit) != 1 || !strings.Contains("0123456789*#ABCD", c.Digit) {
			return contact.Errorf(contact.Invalid, "a digit is one of 0-9, *, # and A-D")
		}
	case DoDial:
		if len(c.Number) > maxDialled || len(c.Line) > maxName || c.Number == "" && c.Contact == "" {
			return contact.Errorf(contact.Invalid, "a number to call is missing, or it is too long")
		}
	case DoVideo:
		if c.On && c.Source != VideoCamera && c.Source != VideoScreen {
			return contact.Errorf(contact.Invalid, "what is shown is camera or screen")
		}
	case DoEcho, DoHeadset:
		if err := checkHeadset(c); err != nil {
			return err
		}
	case DoConsult, DoTransfer, DoSwap, DoMerge, DoDrop, DoPark, DoPickUp, DoRecPause, DoWaiting:
	case DoListen, DoWhisper, DoBarge, DoTakeOver, DoUnlisten, DoForce, DoMove, DoPriority, DoTearDown, DoQueue:
		if role != contact.RoleSupervisor && role != contact.RoleAdmin {
			return contact.Errorf(contact.Forbidden, "only supervisors may do that")
		}
	default:
		return contact.Errorf(contact.Invalid, "there is no command like that")
	}
	if c.Contact != "" && !c.Contact.Valid() {
		return contact.Errorf(contact.Invalid, "that is not a contact's ID")
	}
	return nil
}

// encode turns one of our own messages into a frame. They consist of strings,
// numbers and RawMessages that were made by json.Marshal, so it cannot fail.
func encode(m any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("web: a message that cannot be encoded: " + err.Error())
	}
	return b
}
