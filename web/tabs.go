package web

import (
	"slices"
	"time"

	"callfloor/contact"
)

// join makes k one of the seat's tabs: Welcome, the document, and its role.
// The first tab is the phone. A tab that comes back (reload, lost network)
// replaces its own old socket and stays what it was; another tab becomes the
// phone only where no phone is, or where it says TakeOver.
func (s *Seat) join(k *socket, who Identity, h *Hello) error {
	s.mu.Lock()
	if s.retired {
		s.mu.Unlock()
		return contact.Errorf(contact.Busy, "the seat is being closed; try again")
	}
	old := s.byTab(h.Tab)
	if old == nil && len(s.tabs) >= s.server.cfg.MaxTabs {
		s.mu.Unlock()
		return contact.Errorf(contact.Conflict, "too many tabs are open; close one")
	}
	// A reload comes without the epoch; a page that only lost its socket says
	// it, and its peer connection may still be alive.
	samePage := h.Tab == s.phoneTab && h.Epoch == s.doc.epoch
	phone := s.phone == nil || s.phone == old || h.TakeOver
	k.seat, k.tab, k.who, s.identity = s, h.Tab, who, who
	if old != nil {
		s.drop(old)
		old.bye(contact.Conflict, "this tab was opened again", false)
	}
	s.tabs = append(s.tabs, k)
	if phone {
		s.makePhone(k, samePage)
	}
	s.lastUsed = time.Now()
	s.mu.Unlock()

	// The house fills the document before the browser gets its first look.
	s.notices.run()
	s.mu.Lock()
	s.welcome(k, h)
	s.mu.Unlock()
	return nil
}

// welcome sends k what it needs to begin and opens it for Changes, in one step
// with the document's number, so that none is lost or doubled.
func (s *Seat) welcome(k *socket, h *Hello) {
	k.out.push(encode(Welcome{
		Type: TypeWelcome, Protocol: ProtocolVersion, Epoch: s.doc.epoch, User: s.identity.User, Role: s.identity.Role,
		Now: contact.Time(time.Now()), ICEServers: s.server.iceServers(s.identity.User, k.host, time.Now()), Tracks: trackNames[:], Video: videoNames[:],
	}))
	if missed, ok := s.doc.since(h.Epoch, h.Seq); ok {
		for _, frame := range missed {
			k.out.push(frame)
		}
	} else {
		k.out.push(s.doc.snapshot())
	}
	k.out.push(encode(Tab{Type: TypeTab, Phone: s.phone == k}))
	k.welcomed = true
}

// makePhone gives the phone to k. The caller holds the lock.
func (s *Seat) makePhone(k *socket, samePage bool) {
	if s.phone != nil && s.phone != k && s.phone.welcomed {
		s.phone.out.push(encode(Tab{Type: TypeTab, Phone: false}))
	}
	s.phone, s.phoneTab = k, k.tab
	if !samePage {
		s.page++
		s.microphone = ""
	}
	s.notices.add(func(h House) { h.SeatUp(s) })
	s.judge()
}

// takeOver makes a tab that is here already the phone.
func (s *Seat) takeOver(k *socket) {
	s.mu.Lock()
	if s.phone != k && slices.Contains(s.tabs, k) {
		s.makePhone(k, false)
		k.out.push(encode(Tab{Type: TypeTab, Phone: true}))
	}
	s.mu.Unlock()
	s.notices.run()
}

// leave takes a socket out that is over.
func (s *Seat) leave(k *socket) {
	s.mu.Lock()
	s.remove(k)
	s.mu.Unlock()
	s.notices.run()
}

// remove takes a tab out, and the phone with it if that is the one. The caller
// holds the lock and runs the notices after it.
func (s *Seat) remove(k *socket) {
	s.drop(k)
	if s.phone == k {
		s.phone = nil
		s.notices.add(func(h House) { h.SeatDown(s) })
	}
	s.lastUsed = time.Now()
}

func (s *Seat) drop(k *socket) {
	s.tabs = slices.DeleteFunc(s.tabs, func(x *socket) bool { return x == k })
}

func (s *Seat) byTab(tab string) *socket {
	for _, k := range s.tabs {
		if k.tab == tab {
			return k
		}
	}
	return nil
}

// report takes what the phone tab says of its devices.
func (s *Seat) report(k *socket, m *MediaReport) {
	s.mu.Lock()
	if s.phone == k {
		s.microphone = m.Microphone
		if s.peer != nil && s.peer.page == s.page {
			s.peer.played, s.peer.concealed = max(s.peer.played, m.Samples), max(s.peer.concealed, m.Concealed)
		}
		s.judge()
	}
	s.mu.Unlock()
	s.notices.run()
}
