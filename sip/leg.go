package sip

import (
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// legState is where a leg stands; see the package's picture.
type legState int

const (
	legNew legState = iota
	legRinging
	legAnswered // 200 sent, not yet acknowledged
	legConfirmed
	legEnded
)

var legMoves = map[legState][]legState{
	legNew:       {legRinging, legAnswered, legConfirmed, legEnded},
	legRinging:   {legAnswered, legConfirmed, legEnded},
	legAnswered:  {legConfirmed, legEnded},
	legConfirmed: {legEnded},
}

// Leg is one call's SIP end: its dialog and its media. All methods may be
// called from any goroutine.
type Leg struct {
	s   *Server
	log *slog.Logger

	// Static after construction.
	outbound   bool
	localTag   string
	called     string
	caller     string
	callerName string
	who        callerID
	trusted    bool           // it came from a trusted peer
	from       *trunk         // that it came in over; nil: none
	first      *gosip.Request // the INVITE that it began with; nil if outbound
	traceID    string         // its Call-ID at the collector
	invited    time.Time
	invite     *gosip.Request          // the initial INVITE
	tx         gosip.ServerTransaction // its transaction; nil if outbound
	offer      *sdp.Session            // theirs, nil for a late offer
	source     netip.Addr              // for the budget of half-open calls
	bindIP     netip.Addr
	digits     chan media.Digit
	done       chan struct{} // closed by end
	gone       chan struct{} // closed when nothing of the leg is left
	wake       chan struct{} // size 1: run looks again

	// Of an outbound leg.
	wants DialOptions
	uri   gosip.Uri   // that was dialled,
	path  []gosip.Uri // and the way there

	// Guarded by the server's lock: counted as half-open, as from a stranger.
	half, strange bool
	answeredAt    atomic.Int64 // when we sent 200 first, as UnixNano; 0: not yet

	trace tracer
	keys  keyFilter

	mu         sync.Mutex // guards what follows
	state      legState
	dialog     dialog
	cause      contact.EndCause
	sendBye    bool   // the end owes the far side a BYE
	crossed    func() // ends the wait for the answer to ours; nil before it went out
	media      Media
	noMedia    *placeholders
	agreed     sdp.Agreed
	local      sdp.Local
	lastAnswer []byte // the description we last sent
	lastOrigin string // o= of the description they last sent
	pending    *pending
	calling    bool                    // our INVITE has no final response yet
	forks      map[string]*earlyDialog // of our INVITE, by their tag
	strays     map[string]bool         // tags of further answers, ended already
	challenged bool                    // our INVITE, once
	trunk      string                  // that it came in or is out over
	reliable   *reliable               // a provisional response of ours that waits for its PRACK
	rseq       uint32                  // number of the last one
	// hollow: another leg has taken its far end; parted: the dialog it has left is
	// over. See Become.
	hollow, parted bool
	// early: the caller hears us before the answer. answeredEarly: offer and answer
	// are exchanged before the 200, by a PRACK. earlyAnswer is our answer, which the
	// 200 repeats; nil once another one is good. proveBy is when a stranger must have
	// shown to be there; zero: need not.
	early, answeredEarly bool
	earlyAnswer          []byte
	proveBy              time.Time
	offering             bool // an offer of ours is on its way (glare)
	timer                sessionTimer
	ringAgain            time.Time
	ringUntil            time.Time
	onHold               func(bool)
	onCodec              func(codec.ID)
	recodecs             []codec.ID     // what onCodec has not been told yet
	subscription         chan sipfrag   // what became of our REFER; nil: there is none
	referral             *Referral      // theirs that is under way
	infos                []infoKeyPress // keys that wait to be sent by INFO
	sendsInfo            bool
	holds                []bool // what onHold has not been told yet
	onSilence            func(time.Duration)
	onAnother            func()
	another              bool // onAnother is to be told
	peerHolds            bool
	quality              media.Quality
	qualityKept          bool
}

// placeholders stand for the media of a leg that has none (no port was free),
// so that its user need not ask for nil.
type placeholders struct {
	source *media.Source
	sender *media.Sender
}

// Called is the user part of the request URI: the line that was dialled.
func (l *Leg) Called() string { return l.called }

// Caller is the caller's number, "" or "anonymous" if withheld: what a trusted
// peer asserts, else the user part of From. Vouch says how far to believe it.
func (l *Leg) Caller() string { return l.caller }

// CallerName is the display name beside it, without control characters.
func (l *Leg) CallerName() string { return l.callerName }

// CallID is the Call-ID.
func (l *Leg) CallID() string { return l.dialog.callID }

// RemoteAddr is where the INVITE came from, or went to.
func (l *Leg) RemoteAddr() netip.AddrPort {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialog.flow
}

// Invited is when the INVITE came in, or was sent.
func (l *Leg) Invited() time.Time { return l.invited }

// Done is closed when the leg has ended, by whichever side.
func (l *Leg) Done() <-chan struct{} { return l.done }

// Cause says why the leg ended; the zero value before Done.
func (l *Leg) Cause() contact.EndCause {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// Codec is the audio format agreed; None before the answer, or before Early.
func (l *Leg) Codec() codec.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.agreed.Codec
}

// Source is what the far end says. It is there from the beginning and the
// same for the leg's life.
func (l *Leg) Source() *media.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.openMedia(); m != nil {
		return m.Source()
	}
	return l.stand().source
}

// Sender is what the far end hears. It is there from the beginning and the
// same for the leg's life; before the answer, or Early, it drops what it gets.
func (l *Leg) Sender() *media.Sender {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.openMedia(); m != nil {
		return m.Sender()
	}
	return l.stand().sender
}

// Digits are the keys that the far end presses, by RFC 4733 and by INFO, each
// press once. It holds 64; when nobody reads, the oldest is dropped. It is
// never closed: watch Done.
func (l *Leg) Digits() <-chan media.Digit { return l.digits }

// Quality is the leg's media so far, or at its end.
func (l *Leg) Quality() media.Quality {
	l.mu.Lock()
	m, kept, q := l.media, l.qualityKept, l.quality
	l.mu.Unlock()
	if m == nil || kept {
		return q
	}
	return m.Quality()
}

// SetHeld tells the media that our side holds the call, so that the far end's
// silence is no alarm. It sends no SIP.
func (l *Leg) SetHeld(on bool) {
	l.mu.Lock()
	m, theirs := l.media, l.peerHolds
	l.mu.Unlock()
	if m != nil {
		m.SetHeld(on || theirs)
	}
}

// OnHold calls fn when the far end puts us on hold and takes us back, by
// re-INVITE or UPDATE. It is called on the leg's goroutine and must not block.
// Set it before Answer.
func (l *Leg) OnHold(fn func(on bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onHold = fn
}

// OnCodec calls fn when the far end changes the codec in mid-call, by re-INVITE
// or UPDATE. It is called on the leg's goroutine and must not block. Set it
// before Answer.
func (l *Leg) OnCodec(fn func(codec.ID)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onCodec = fn
}

// OnAnother calls fn when another phone has become the far end: by Become, or by an
// INVITE with Replaces. Whoever is there now has agreed to nothing yet. It is called
// on the leg's goroutine and must not block.
func (l *Leg) OnAnother(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onAnother = fn
}

// OnSilence calls fn when the far end has sent nothing for
// Config.RTPSilenceWarn. At RTPSilenceEnd the leg ends by itself. fn must not
// block. Set it before Answer.
func (l *Leg) OnSilence(fn func(silent time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onSilence = fn
}

// move changes the state, or panics on a move that the picture does not have:
// callers check first. l.mu is held.
func (l *Leg) move(to legState) {
	for _, s := range legMoves[l.state] {
		if s == to {
			l.state = to
			return
		}
	}
	panic("sip: leg cannot go from " + l.state.String() + " to " + to.String())
}

// String names the state for logs.
func (s legState) String() string {
	return [...]string{"new", "ringing", "answered", "confirmed", "ended"}[s]
}

// openMedia opens the leg's media the first time; nil if that failed. l.mu is
// held.
func (l *Leg) openMedia() Media {
	if l.media != nil || l.noMedia != nil || l.state == legEnded {
		return l.media
	}
	m, err := l.s.opt.OpenMedia(MediaConfig{IP: l.bindIP, Name: "customer"})
	if err != nil {
		l.log.Error("no media for a call", "error", err)
		l.stand()
		return nil
	}
	l.media = m
	m.OnDigit(l.digit)
	m.OnInsecure(l.insecure)
	return m
}

// stand returns the placeholders. l.mu is held.
func (l *Leg) stand() *placeholders {
	if l.noMedia == nil {
		l.noMedia = &placeholders{media.NewSource("none"), media.NewSender(l.s.opt.Pacer, "none")}
	}
	return l.noMedia
}

// openSession is the default of Options.OpenMedia.
func (s *Server) openSession(c MediaConfig) (Media, error) {
	return media.OpenSession(media.SessionConfig{
		IP: c.IP, Ports: s.opt.Ports, Pacer: s.opt.Pacer, Engine: s.opt.Engine, Name: c.Name, Log: s.log,
		Identity: s.identity, DSCP: s.cfg.DSCPAudio,
	})
}

// apply makes a the leg's agreement and tells the media, and, by run, whoever
// waits for a hold. l.mu is held.
func (l *Leg) apply(a sdp.Agreed) {
	l.local.ICE.Offer = a.ICE != nil
	l.local.Security.Offer = methodOf(a.Protection, l.local.Security.Policy, l.local.Security.Offer)
	holds := !a.Theirs.Receives()
	changed := holds != l.peerHolds
	l.peerHolds = holds
	if was := l.agreed.Codec; was != codec.None && was != a.Codec && (l.state == legConfirmed || l.early) {
		l.recodecs = append(l.recodecs, a.Codec)
		l.poke()
	}
	l.agreed = a
	if changed {
		l.holds = append(l.holds, holds)
		l.poke()
	}
	if l.media == nil {
		return
	}
	l.media.SetRemote(media.Remote{
		Addr: a.Remote, RTCP: a.RTCP, Mux: a.Mux, Codec: a.Codec, PayloadType: a.PayloadType,
		Events: a.Events, EventsRate: a.EventsRate, PTimeMS: a.PTime, Sends: a.Theirs.Sends(), Receives: a.Theirs.Receives(),
		Protection: a.Protection, ICE: a.ICE,
	})
	if changed {
		l.media.SetHeld(holds)
	}
}

// tellChanges calls OnAnother's, OnHold's and OnCodec's functions, in order, on run's
// goroutine.
func (l *Leg) tellChanges() {
	l.mu.Lock()
	fn, holds, recoded, codecs := l.onHold, l.holds, l.onCodec, l.recodecs
	another := l.onAnother
	if !l.another {
		another = nil
	}
	l.holds, l.recodecs, l.another = nil, nil, false
	l.mu.Unlock()
	if another != nil {
		another()
	}
	for _, on := range holds {
		if fn != nil {
			fn(on)
		}
	}
	for _, c := range codecs {
		if recoded != nil {
			recoded(c)
		}
	}
}

// watchSilence arms the alarm. l.mu is held.
func (l *Leg) watchSilence() {
	fn := l.onSilence
	l.media.OnSilence(l.s.cfg.RTPSilenceWarn, l.s.cfg.RTPSilenceEnd, func(silent time.Duration, ended bool) {
		if ended {
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102,
				Why: "no audio came from the phone for " + silent.Round(time.Second).String()})
			return
		}
		if fn != nil {
			fn(silent)
		}
	})
}
