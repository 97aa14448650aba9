package web

import (
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// Names of the outgoing tracks, in the order of the transceivers.
const (
	TrackCustomer = "customer"
	TrackThird    = "third"
	TrackCoach    = "coach"
)

var trackNames = [...]string{TrackCustomer, TrackThird, TrackCoach}

// videoNames are those of the outgoing pictures, likewise.
var videoNames = [...]string{TrackCustomer, TrackThird}

// What SeatMedia says is missing.
const (
	WhyConnection = "connection"
	WhyMicrophone = "microphone"
)

// Seat is a user's place: a document to look at, a microphone, three tracks to
// hear, a camera and two tracks to see. There is one for each user, from the first socket until
// SignOut or ten minutes without a socket; it survives reloads.
type Seat struct {
	server *Server
	log    *slog.Logger
	mic    *media.Source
	tracks [len(trackNames)]*track
	camera *media.Camera
	views  [len(videoNames)]*view

	notices notices

	// live is peer, for the packet path. micLock keeps the packets of an old
	// and a new peer connection apart; nothing waits for it but they.
	live    atomic.Pointer[peer]
	micLock sync.Mutex
	camLock sync.Mutex // likewise, for pictures

	mu       sync.Mutex
	identity Identity
	doc      *document
	tabs     []*socket
	phone    *socket // one of tabs, or nil
	phoneTab string  // the tab that is or was the phone
	// page counts the pages that were the phone; a peer connection of an
	// earlier one does not make the seat ready, though its audio goes on.
	page       int
	peer       *peer
	microphone string // of the last MediaReport of this page
	ready      bool
	why        string
	lastUsed   time.Time
	retired    bool
	sees       bool           // the page takes pictures
	past       counts         // of peer connections that are gone; sent stays 0
	headset    *HeadsetReport // of the last check; nil: none
	echo       *echo          // the last one; nil: none
}

func newSeat(s *Server, who Identity) *Seat {
	seat := &Seat{
		server: s, identity: who, doc: newDocument(), mic: media.NewSource("agent"),
		log: s.log.With("user", who.User), why: WhyConnection, lastUsed: time.Now(), camera: media.NewCamera("agent"),
	}
	for i, name := range trackNames {
		seat.tracks[i] = newTrack(s.opts.Pacer, name)
	}
	for i, name := range videoNames {
		seat.views[i] = &view{name: name, view: media.NewView(name)}
	}
	seat.notices.server = s
	return seat
}

// User returns the name that the person signed in with.
func (s *Seat) User() string { return s.Identity().User }

// Identity returns who sits here.
func (s *Seat) Identity() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

// Mic is what the person says. It stays the same source for the seat's life.
func (s *Seat) Mic() *media.Source { return s.mic }

// Track returns what the person hears as TrackCustomer, TrackThird or
// TrackCoach: one sender each for the seat's life; nil for another name.
func (s *Seat) Track(name string) *media.Sender {
	for i, n := range trackNames {
		if n == name {
			return s.tracks[i].sender
		}
	}
	return nil
}

// Online says whether the phone tab has a socket.
func (s *Seat) Online() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phone != nil
}

// MediaReady says whether the person can talk and hear: the phone tab's peer
// connection is up and, for an agent, its microphone works.
func (s *Seat) MediaReady() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

// CanSpeak says whether the person can be heard: media is ready and the
// microphone works. A supervisor's seat is ready without one.
func (s *Seat) CanSpeak() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready && (s.microphone == microphoneOK || s.microphone == microphoneSilent)
}

// Put sets a key of the document and tells every tab. A value that is the same
// as before is not sent again. v must be fit for json.Marshal; otherwise it is
// logged and nothing changes.
func (s *Seat) Put(key string, v any) {
	value, err := json.Marshal(v)
	if err != nil {
		s.log.Error("seat document: a value cannot be encoded", "key", key, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast(s.doc.put(key, value))
}

// Drop removes a key of the document and tells every tab.
func (s *Seat) Drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast(s.doc.drop(key))
}

// broadcast queues a frame for every tab that has the document, in the order of the numbers, since
// the caller holds the lock. nil is nothing.
func (s *Seat) broadcast(frame []byte) {
	if frame == nil {
		return
	}
	for _, k := range s.tabs {
		if k.welcomed {
			k.out.push(frame)
		}
	}
}

// judge works out whether the seat can talk, and tells the house if that
// changed. The caller holds the lock and calls notices.run after it.
func (s *Seat) judge() {
	ready, why := true, ""
	switch {
	case s.peer == nil || s.peer.page != s.page || !s.peer.up:
		ready, why = false, WhyConnection
	case s.identity.Role == contact.RoleAgent && s.microphone != microphoneOK && s.microphone != microphoneSilent:
		ready, why = false, WhyMicrophone
	}
	if ready == s.ready && why == s.why {
		return
	}
	s.ready, s.why = ready, why
	s.notices.add(func(h House) { h.SeatMedia(s, ready, why) })
}

// sweep says whether the seat was unused for so long that it can be forgotten.
// It closes a peer connection that failed and was not replaced, and the tabs of
// sessions that are over, but not in a call. The caller runs the notices after it.
func (s *Seat) sweep(now time.Time) (forget bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doc.values[KeyCall] == nil && s.doc.values[KeyOther] == nil {
		s.takeOut(func(who Identity) bool { return !who.Ends.IsZero() && !now.Before(who.Ends) })
	}
	if s.peer != nil && s.peer.failedFor(now) > failedKept {
		s.dropPeer()
	}
	return len(s.tabs) == 0 && now.Sub(s.lastUsed) > seatKept
}

// signOut ends the seat for good and tells its tabs why.
func (s *Seat) signOut() {
	s.mu.Lock()
	for _, k := range s.tabs {
		k.bye(contact.Unauthorized, "signed out", false)
	}
	s.mu.Unlock()
	s.retire()
}

// part takes out the tabs whose session is over, with their media.
func (s *Seat) part(over func(Identity) bool) {
	s.mu.Lock()
	s.takeOut(over)
	s.mu.Unlock()
	s.notices.run()
}

// takeOut is part for a caller that holds the lock and runs the notices after it.
// What such a tab still sends finds it in the seat no more.
func (s *Seat) takeOut(over func(Identity) bool) {
	for _, k := range slices.Clone(s.tabs) {
		if over(k.who) {
			s.remove(k)
			k.bye(contact.Unauthorized, "signed out", false)
		}
	}
	if s.peer != nil && over(s.peer.who) {
		s.dropPeer()
	}
}

// retire ends media; the seat cannot be joined any more.
func (s *Seat) retire() {
	s.mu.Lock()
	if s.retired {
		s.mu.Unlock()
		return
	}
	s.retired = true
	s.dropPeer()
	if s.phone != nil {
		s.phone = nil
		s.notices.add(func(h House) { h.SeatDown(s) })
	}
	s.mu.Unlock()
	for _, t := range s.tracks {
		t.sender.Close()
	}
	for _, v := range s.views {
		v.view.Close()
	}
	s.notices.run()
}
