package call

import (
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// announced is an announcement of n packets that ears know as the prompt.
func announced(n int, alone time.Duration) Announcement {
	return Announcement{Clips: []*media.Clip{markedClip(markPrompt, n)}, Alone: alone}
}

// connectTo gives the call, which was with nobody, to a seat.
func (h *house) connectTo(s Seat, a Announcement) {
	h.t.Helper()
	<-h.queues.join
	must(h.t, h.call.Connect(s, "sales", time.Second, a))
	synctest.Wait()
}

// TestAnnouncementEnds: it ends by itself, and a customer who waits for it is
// joined then, or when they have waited as long as they may.
func TestAnnouncementEnds(t *testing.T) {
	const second = 50 // packets
	talk, beside := alone(), alone("alice/third", "prompt")
	waits := heard{"customer": "music", "alice/third": "prompt", "recording/customer": "customer"}
	for _, tt := range []struct {
		name  string
		tell  Announcement
		after map[time.Duration]heard
	}{
		{"nothing", Announcement{}, map[time.Duration]heard{0: talk}},
		{"beside", announced(2*second, 0), map[time.Duration]heard{0: beside, time.Second: beside, 2 * time.Second: talk}},
		{"alone", announced(2*second, 5*time.Second), map[time.Duration]heard{0: waits, time.Second: waits, 2 * time.Second: talk}},
		{"alone for too long", announced(5*second, 2*time.Second), map[time.Duration]heard{time.Second: waits, 2 * time.Second: beside, 5 * time.Second: talk}},
	} {
		inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
			h.connectTo(h.alice, tt.tell)
			began := time.Now()
			for _, at := range []time.Duration{0, time.Second, 2 * time.Second, 5 * time.Second} {
				if want := tt.after[at]; want != nil {
					h.chat(time.Until(began.Add(at)))
					same(t, tt.name+" after "+at.String(), h.round(), want)
				}
			}
		})
	}
}

// TestAnnouncementEndsWithTheCall: nothing is left behind that plays or waits.
func TestAnnouncementEndsWithTheCall(t *testing.T) {
	for _, alone := range []time.Duration{0, time.Minute} {
		inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
			h.connectTo(h.alice, announced(3000, alone))
			h.chat(time.Second)
			h.leg.leave()
			<-h.call.Over()
			synctest.Wait()
			for _, e := range h.alice.ears {
				e.take()
			}
			time.Sleep(time.Second)
			for track, e := range h.alice.ears {
				if n := names(e.take()); n != "" {
					t.Errorf("after the end alice heard %s on %s", n, track)
				}
			}
		})
	}
}

// TestAnnouncementAtATelephone: it is mixed into the one ear, and nobody else
// hears it.
func TestAnnouncementAtATelephone(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connectTo(&deskSeat{"alice", h.outside}, announced(300, 2*time.Second))
		check := func(what, customer, alice, recorded string) {
			t.Helper()
			got := h.round()
			if got["customer"] != customer || got["outside"] != alice || got["recording/agent"] != recorded || got["recording/customer"] != "customer" {
				t.Errorf("%s: heard %v, want %q for the customer and %q at the telephone", what, got, customer, alice)
			}
		}
		check("alone", "music", "prompt", "")
		h.chat(2 * time.Second)
		check("beside", "outside", "customer+prompt", "outside")
		h.chat(5 * time.Second)
		check("over", "outside", "customer", "outside")
	})
}

// TestAnnouncementDoesNotBleed: while it begins, is cut short and ends, with
// everybody talking all the time, the agent alone hears it.
func TestAnnouncementDoesNotBleed(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		must(t, h.call.Listen(h.t.Context(), h.ada))
		during := [][]func() error{
			{func() error { return h.call.Hold("alice", true) }, func() error { return h.call.Hold("alice", false) }},
			{func() error { return h.supervise(Whisper) }, func() error { return h.supervise(Barge) }, func() error { return unlisten(h) }},
			{func() error { return h.call.Consult("alice", h.bob) }, func() error { return h.call.EndConsult("alice") }},
			{func() error { return h.call.Mute("alice", true) }, func() error { return h.call.Mute("alice", false) }},
			{func() error { time.Sleep(150 * time.Millisecond); return nil }}, // it ends by itself
		}
		heard := false
		for i := range 3 * len(during) {
			meanwhile(h.allSpeak, func() {
				h.call.HandOff("alice", nil)
				must(t, h.call.Connect(h.alice, "sales", time.Second, announced(8, time.Duration(i%3)*70*time.Millisecond)))
				for _, step := range during[i%len(during)] {
					time.Sleep(30 * time.Millisecond)
					must(t, step())
				}
				time.Sleep(10 * time.Millisecond)
			})
			synctest.Wait()
			heard = heard || h.alice.ears["third"].take()[markPrompt] > 0
		}
		if !heard {
			t.Error("the agent never heard the announcement")
		}
		if h.leg.ear.take()[markPrompt] > 0 {
			t.Error("the customer heard it")
		}
		for party, marks := range h.rec.take() {
			if marks[markPrompt] > 0 {
				t.Errorf("it is on the %s's track", party)
			}
		}
		for _, s := range []*fakeSeat{h.bob, h.sam, h.ada} {
			for track, e := range s.ears {
				if e.take()[markPrompt] > 0 {
					t.Errorf("%s heard it on %s", s.user, track)
				}
			}
		}
	})
}
