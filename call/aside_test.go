package call

import (
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
)

// besides runs f with another customer's call beside that of h, on the same
// seats.
func (h *house) besides(f func(b *house)) {
	b := &house{t: h.t, leg: newFakeLeg(h.pacer), queues: newFakeQueues(), journal: h.journal, rec: &fakeRecording{}, alice: h.alice, pacer: h.pacer, ledger: h.ledger}
	h.voices[markOther] = &voiceOf{source: b.leg.source, mark: markOther}
	done := b.run(toQueue(contact.ConsentGranted))
	h.other = b
	f(b)
	b.leg.leave()
	<-done
	b.leg.sender.Close()
	delete(h.voices, markOther)
	h.other = nil
}

// turn sets one of alice's calls aside and turns to the other.
func turn(t *testing.T, from, to *house) {
	t.Helper()
	from.call.SetAside("alice")
	must(t, to.call.TurnTo("alice"))
	synctest.Wait()
}

// inFirst and inOther are who hears whom while alice is in one of her calls.
var (
	inFirst = heard{
		"customer": "alice", "alice/customer": "customer", "other": "music",
		"recording/customer": "customer", "recording/agent": "alice", "other's recording/customer": "other",
	}
	inSecond = heard{
		"other": "alice", "alice/customer": "other", "customer": "music",
		"recording/customer": "customer", "other's recording/agent": "alice", "other's recording/customer": "other",
	}
	inNeither = heard{"other": "music", "customer": "music", "recording/customer": "customer", "other's recording/customer": "other"}
)

// TestTwoCalls goes through what an agent with two calls does, and checks at
// each step who hears whom.
func TestTwoCalls(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		h.besides(func(b *house) {
			<-b.queues.join
			h.call.SetAside("alice")
			h.call.SetAside("alice") // twice is once
			must(t, b.call.Connect(h.alice, "sales", time.Second, Announcement{}))
			synctest.Wait()
			same(t, "the second one", h.round(), inSecond)
			for _, refused := range []error{h.call.Merge("alice"), h.call.HangupBy("alice"), h.call.Consult("alice", h.bob)} {
				if contact.ErrorCode(refused) != contact.Conflict {
					t.Errorf("in a call that is set aside: %v", refused)
				}
			}
			must(t, h.call.Hold("alice", false))
			synctest.Wait()
			same(t, "the first one, of which the engine knows nothing", h.round(), inSecond)
			turn(t, b, h)
			same(t, "the first one again", h.round(), inFirst)
			must(t, h.call.Hold("alice", true))
			synctest.Wait()
			same(t, "neither", h.round(), inNeither)
			turn(t, h, b)
			same(t, "from hold to the second one", h.round(), inSecond)
			b.call.SeatSuspect("alice", true)
			must(t, h.goAway())
			synctest.Wait()
			away := heard{"other": "music", "customer": "music", "recording/customer": "customer", "other's recording/customer": "other"}
			same(t, "the browser is gone", h.round(), away)
			must(t, h.comeBack())
			b.call.SeatSuspect("alice", false)
			synctest.Wait()
			same(t, "and back", h.round(), inSecond)
		})
		want := heard{"customer": "music", "recording/customer": "customer"}
		same(t, "the second one hung up", h.round(), want)
		must(t, h.call.TurnTo("alice"))
		synctest.Wait()
		same(t, "taken back", h.round(), alone())
	})
}

// TestOneThatIsSetAsideEnds: it leaves the ears of the other call alone.
func TestOneThatIsSetAsideEnds(t *testing.T) {
	for name, end := range map[string]func(h *house){
		"hung up":    func(h *house) { h.leg.leave(); <-h.call.Over() },
		"taken over": func(h *house) { must(h.t, h.takeOver("alice")) },
		"requeued":   func(h *house) { h.call.Requeue("alice", "sales"); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				h.besides(func(b *house) {
					<-b.queues.join
					h.call.SetAside("alice")
					must(t, b.call.Connect(h.alice, "sales", time.Second, Announcement{}))
					end(h)
					got := h.round()
					for ear, want := range map[string]string{"other": "alice", "alice/customer": "other", "alice/third": "", "other's recording/agent": "alice"} {
						if got[ear] != want {
							t.Errorf("%s hears %q, want %q (%v)", ear, got[ear], want, got)
						}
					}
				})
			})
		})
	}
}

// TestPartedWhenItReturns: what parts an agent from a call is done when it
// returns, however busy the call is, so that it never silences the next one.
func TestPartedWhenItReturns(t *testing.T) {
	for name, part := range map[string]func(h *house){
		"set aside": func(h *house) { h.call.SetAside("alice") },
		"handed on": func(h *house) { h.call.HandOff("alice", nil) },
		"requeued":  func(h *house) { h.call.Requeue("alice", "sales") },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				busy, parted := make(chan struct{}), make(chan struct{})
				h.call.post(func() { <-busy })
				go func() { defer close(parted); part(h) }()
				synctest.Wait()
				select {
				case <-parted:
					t.Error("it returned before it was done")
				default:
				}
				close(busy)
				<-parted
				if got := h.round(); got["customer"] == "alice" || got["alice/customer"] != "" {
					t.Errorf("heard %v", got)
				}
			})
		})
	}
}

// TestSupervisedAside: a supervisor in a call that is set aside hears its
// customer's side only, and the agent does not hear the supervisor.
func TestSupervisedAside(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		h.besides(func(b *house) {
			<-b.queues.join
			for _, m := range []Supervision{Listen, Whisper, Barge} {
				must(t, h.supervise(m))
				h.call.SetAside("alice")
				if m == Listen {
					must(t, b.call.Connect(h.alice, "sales", time.Second, Announcement{}))
				} else {
					must(t, b.call.TurnTo("alice"))
				}
				synctest.Wait()
				same(t, m.String(), h.round(), inSecond)
				turn(t, b, h)
			}
		})
	})
}

// TestNothingBleedsBetweenTwoCalls: alice goes to and fro while everybody
// speaks all the time; no packet of one customer reaches the other, and alice
// is never heard in a call after it was set aside.
func TestNothingBleedsBetweenTwoCalls(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		h.besides(func(b *house) {
			<-b.queues.join
			h.call.SetAside("alice")
			must(t, b.call.Connect(h.alice, "sales", time.Second, Announcement{}))
			from, to := b, h
			meanwhile(h.allSpeak, func() {
				for range 50 {
					turn(t, from, to)
					from.leg.ear.take()
					time.Sleep(7 * time.Millisecond)
					if n := names(from.leg.ear.take()); n != "music" && n != "" {
						t.Fatalf("the customer of a call that was set aside heard %s", n)
					}
					from, to = to, from
				}
			})
			for who, marks := range map[string]map[byte]int{"customer": h.leg.ear.take(), "other": b.leg.ear.take()} {
				if marks[markCustomer]+marks[markOther] > 0 {
					t.Errorf("the %s heard a customer: %v", who, marks)
				}
			}
			for party, marks := range h.rec.take() {
				if marks[markOther] > 0 {
					t.Errorf("the other customer is on the first one's track of the %s", party)
				}
			}
			for party, marks := range b.rec.take() {
				if marks[markCustomer] > 0 {
					t.Errorf("the first customer is on the other one's track of the %s", party)
				}
			}
		})
	})
}

// TestPicturesEndWithSettingAside: in a call that is set aside nobody sees
// anything of its agent nor shows them anything, then and afterwards, and what
// the seat sees is left to the other call.
func TestPicturesEndWithSettingAside(t *testing.T) {
	inGallery(t, true, func(g *gallery) {
		must(t, g.call.Video("alice", ShowsCamera, ""))
		must(t, g.call.CustomerVideo(ShowsCamera, ""))
		if seen := g.look(); seen == "" {
			t.Fatal("nobody sees anybody before")
		}
		g.call.SetAside("alice")
		if seen := g.look(); seen != "" {
			t.Errorf("aside they see %s", seen)
		}
		others := g.bob.Camera() // of the other call
		g.alice.View(trackCustomer).Show(others)
		g.call.SeatSuspect("alice", false)
		if err := g.call.Video("alice", ShowsCamera, ""); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("alice shows herself where she is not: %v", err)
		}
		must(t, g.call.Mute("alice", true))
		must(t, g.call.Mute("alice", false))
		synctest.Wait()
		if g.alice.View(trackCustomer).Showing() != others {
			t.Error("the call that is set aside took the pictures of the other one away")
		}
		g.alice.View(trackCustomer).Show(nil)
		must(t, g.call.TurnTo("alice"))
		if seen := g.look(); seen != "" {
			t.Errorf("back they see %s, which nobody asked for", seen)
		}
	})
}
