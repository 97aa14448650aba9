package sip

import (
	"strings"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media"
	"callfloor/media/dtmf"
)

// sameTone is how long after a key's tone was heard an INFO of the same key is
// about the same press: some phones send it when the key is let go.
const sameTone = 2 * time.Second

// keyFilter drops the second report of a press. Of a phone that was seen to send
// INFO the tones are not listened to any more.
type keyFilter struct {
	mu     sync.Mutex
	merger dtmf.Merger
	info   bool
	heard  media.Digit // the last one by its tones
}

func (f *keyFilter) fresh(d media.Digit) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch d.Via {
	case media.ViaInBand:
		if f.info {
			return false
		}
		f.heard = d
	case media.ViaInfo:
		first := !f.info
		f.info = true
		if first && d.Key == f.heard.Key && d.At.Sub(f.heard.At) < sameTone {
			return false
		}
	}
	return f.merger.Accept(d.Key, d.Via, d.At)
}

// usesInfo says whether the phone sends its keys by INFO.
func (f *keyFilter) usesInfo() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info
}

// digit hands a key on. When nobody reads, the oldest key is dropped.
func (l *Leg) digit(d media.Digit) {
	if !l.keys.fresh(d) {
		return
	}
	for {
		select {
		case l.digits <- d:
			return
		default:
		}
		select {
		case <-l.digits:
		default:
		}
	}
}

// onInfo takes digits by SIP INFO (application/dtmf-relay and
// application/dtmf). An INFO without a body is a keep-alive.
func (l *Leg) onInfo(req *gosip.Request, tx gosip.ServerTransaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == legEnded {
		l.respond(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	// The numbers of INFOs are not compared: sipgo hands requests on
	// concurrently, and a key that overtook another is still a key.
	l.dialog.remoteSeq = max(l.dialog.remoteSeq, req.CSeq().SeqNo)
	if len(req.Body()) == 0 {
		l.respond(tx, req, 200, "OK")
		return
	}
	kind, _, _ := strings.Cut(headerValue(req, "Content-Type"), ";")
	key, ok := infoKey(strings.ToLower(strings.TrimSpace(kind)), string(req.Body()))
	if !ok {
		l.respond(tx, req, 415, "Unsupported Media Type", gosip.NewHeader("Accept", "application/dtmf-relay, application/dtmf"))
		return
	}
	l.respond(tx, req, 200, "OK")
	if key != 0 {
		l.digit(media.Digit{Key: key, At: time.Now(), Via: media.ViaInfo})
	}
}

// infoKey reads the key of an INFO body; 0 if there is none that we know. ok
// is false for a type that we do not know.
func infoKey(kind, body string) (key rune, ok bool) {
	switch kind {
	case "application/dtmf-relay":
		for line := range strings.Lines(body) {
			name, val, found := strings.Cut(line, "=")
			if found && strings.EqualFold(strings.TrimSpace(name), "signal") {
				return keyOf(val), true
			}
		}
		return 0, true
	case "application/dtmf":
		return keyOf(body), true
	}
	return 0, false
}

// keyOf reads one key; RFC 4733's numbers 10 and 11 are * and #.
func keyOf(s string) rune {
	switch s = strings.ToUpper(strings.TrimSpace(s)); s {
	case "10":
		return '*'
	case "11":
		return '#'
	}
	if len(s) == 1 && strings.Contains("0123456789*#ABCD", s) {
		return rune(s[0])
	}
	return 0
}

// splitParams splits a header value at semicolons.
func splitParams(v string) []string {
	var out []string
	for f := range strings.SplitSeq(v, ";") {
		out = append(out, strings.ToLower(strings.TrimSpace(f)))
	}
	return out
}
