package call

import (
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// deskSeat is an agent at a telephone.
type deskSeat struct {
	user string
	leg  *fakeLeg
}

func (s *deskSeat) User() string                  { return s.user }
func (s *deskSeat) Mic() *media.Source            { return s.leg.Source() }
func (s *deskSeat) Track(string) *media.Sender    { panic("a telephone has no tracks") }
func (s *deskSeat) Measure() func() media.Quality { return s.leg.Quality }
func (s *deskSeat) Leg() Leg                      { return s.leg }

// TestHandedToATelephone: who was asked at their telephone speaks there with the
// customer when the call is theirs, out of a consultation and out of a conference.
func TestHandedToATelephone(t *testing.T) {
	for _, conference := range []bool{false, true} {
		inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
			h.connect()
			must(t, h.call.Consult("alice", &deskSeat{"bob", h.outside}))
			if conference {
				must(t, h.call.Merge("alice"))
			}
			must(t, h.call.Transfer("alice", agreed))
			synctest.Wait()
			select {
			case <-h.outside.Done():
				t.Error("the telephone was hung up")
			default:
			}
			got := h.round()
			if got["customer"] != "outside" || got["outside"] != "customer" || got["alice/customer"]+got["alice/third"] != "" {
				t.Errorf("conference %v: heard %v", conference, got)
			}
			if got["recording/agent"] != "outside" || got["recording/customer"] != "customer" {
				t.Errorf("conference %v: recorded %v", conference, got)
			}
		})
	}
}

// TestTelephone: an agent at a telephone hears and is heard as one in a browser,
// on one ear, and the customer never hears who coaches them.
func TestTelephone(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		<-h.queues.join
		must(t, h.call.Connect(&deskSeat{"alice", h.outside}, "sales", time.Second, Announcement{}))
		synctest.Wait()
		check := func(what, customer, alice string) {
			t.Helper()
			synctest.Wait()
			if got := h.round(); got["customer"] != customer || got["outside"] != alice {
				t.Errorf("%s: heard %v, want %q for the customer and %q at the telephone", what, got, customer, alice)
			}
		}
		check("talk", "outside", "customer")
		if got := h.round(); got["recording/agent"] != "outside" || got["recording/customer"] != "customer" {
			t.Errorf("recorded %v", got)
		}
		must(t, h.call.Hold("alice", true))
		check("hold", "music", "")
		must(t, h.supervise(Whisper))
		check("a coach while the customer is on hold", "music", "sam")
		must(t, h.call.Hold("alice", false))
		check("a coach", "outside", "customer+sam")
		must(t, h.call.Consult("alice", h.bob))
		must(t, h.call.Merge("alice"))
		check("a coach in a conference", "bob+outside", "customer+bob+sam")
		must(t, h.call.EndConsult("alice"))
		unlisten(h) //nolint:errcheck // it has none
		check("talk again", "outside", "customer")
		time.Sleep(10 * time.Second) // a telephone that sends nothing is not away
		check("after a silence", "outside", "customer")
		h.call.Requeue("alice", "sales")
		select {
		case <-h.outside.Done():
		case <-time.After(time.Minute):
			t.Error("the telephone is not hung up when its part in the call is over")
		}
	})
}
