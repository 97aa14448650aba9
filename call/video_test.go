package call

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
)

// screenOf is a person's end with a camera that is always shot with, and eyes.
type screenOf struct {
	name   string
	mark   byte
	blind  atomic.Bool // its page takes no pictures
	camera *media.Camera
	views  map[string]*media.View
	seq    uint16

	mu   sync.Mutex
	seen map[string]map[byte]int
}

func newScreenOf(name string, mark byte) *screenOf {
	s := &screenOf{name: name, mark: mark, camera: media.NewCamera(name), views: map[string]*media.View{}, seen: map[string]map[byte]int{}}
	for i, track := range []string{trackCustomer, trackThird} {
		v := media.NewView(track)
		s.views[track] = v
		v.SetOutput(media.Output{SSRC: uint32(20 + i), PayloadTypes: map[codec.ID]uint8{codec.VP8: 96}, Write: func(_ *rtp.Header, p []byte) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.seen[track] == nil {
				s.seen[track] = map[byte]int{}
			}
			s.seen[track][p[2]]++
			return nil
		}})
	}
	return s
}

func (s *screenOf) CanSee() bool                  { return !s.blind.Load() }
func (s *screenOf) Camera() *media.Camera         { return s.camera }
func (s *screenOf) View(track string) *media.View { return s.views[track] }
func (s *screenOf) take() map[string]map[byte]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = map[string]map[byte]int{}
	return seen
}

// shoot emits a key frame.
func (s *screenOf) shoot() {
	s.camera.Source().Emit(&media.Packet{
		Codec: codec.VP8, Marker: true, Seq: s.seq, Timestamp: uint32(s.seq) * 3000, SSRC: uint32(s.mark), Payload: []byte{0x10, 0x00, s.mark}, Arrival: time.Now(),
	})
	s.seq++
}

// videoSeat and videoLeg are ends with pictures.
type videoSeat struct {
	*fakeSeat
	*screenOf
}

type videoLeg struct {
	*fakeLeg
	*screenOf
}

// gallery is a call in which everybody has a camera.
type gallery struct {
	*house
	screens map[byte]*screenOf
	alice   videoSeat
	bob     videoSeat
	sam     videoSeat
}

// inGallery runs f in a call of a customer who has a camera, if customer is set,
// and alice.
func inGallery(t *testing.T, customer bool, f func(g *gallery)) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		g := &gallery{house: h, screens: map[byte]*screenOf{}}
		screen := func(name string, mark byte) *screenOf {
			g.screens[mark] = newScreenOf(name, mark)
			return g.screens[mark]
		}
		g.alice = videoSeat{h.alice, screen("alice", markAlice)}
		g.bob = videoSeat{h.bob, screen("bob", markBob)}
		g.sam = videoSeat{h.sam, screen("sam", markSam)}
		if customer {
			leg := videoLeg{h.leg, screen("customer", markCustomer)}
			must(t, h.call.do(func() error { h.call.Leg = leg; return nil }))
		}
		<-h.queues.join
		must(t, h.call.Connect(g.alice, "sales", time.Second, Announcement{}))
		synctest.Wait()
		f(g)
		for _, s := range g.screens {
			for _, v := range s.views {
				v.Close()
			}
		}
	})
}

// look lets every camera shoot and returns who is seen by whom, but for those
// whom nobody shows.
func (g *gallery) look() string {
	synctest.Wait()
	for _, s := range g.screens {
		s.take()
	}
	for range 3 {
		for _, mark := range slices.Sorted(maps.Keys(g.screens)) {
			g.screens[mark].shoot()
		}
	}
	var all []string
	for _, s := range g.screens {
		for track, marks := range s.take() {
			for mark := range marks {
				all = append(all, s.name+"/"+track+"="+g.screens[mark].name)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (g *gallery) want(t *testing.T, what, want string) {
	t.Helper()
	if got := g.look(); got != want {
		t.Errorf("%s: seen %q, want %q", what, got, want)
	}
}

func (g *gallery) snapshot() (v Snapshot) {
	_ = g.call.do(func() error { v = g.call.view; return nil })
	return v
}

// Who sees whom in each scene; nobody sees or is seen who did not show
// themselves, and a supervisor neither looks nor is looked at.
func TestWhoSeesWhom(t *testing.T) {
	inGallery(t, true, func(g *gallery) {
		g.want(t, "nobody shows anything", "")
		must(t, g.call.Video("alice", ShowsCamera, ""))
		g.want(t, "alice alone", "customer/customer=alice")
		must(t, g.call.CustomerVideo(ShowsScreen, ""))
		both := "alice/customer=customer customer/customer=alice"
		g.want(t, "both", both)
		must(t, g.call.Mute("alice", true))
		g.want(t, "muted", both)
		must(t, g.call.Mute("alice", false))
		for m := range supervisions {
			must(t, g.call.Supervise(context.Background(), g.sam, m))
			g.want(t, m.String(), both)
		}
		g.call.Unlisten("sam")
		must(t, g.call.Hold("alice", true))
		g.want(t, "hold", "")
		must(t, g.call.Hold("alice", false))
		g.want(t, "after hold", both)

		must(t, g.call.Consult("alice", g.bob))
		g.want(t, "consult", "bob/third=alice")
		must(t, g.call.Video("bob", ShowsCamera, ""))
		g.want(t, "consult, both show", "alice/third=bob bob/third=alice")
		must(t, g.call.Swap("alice"))
		g.want(t, "swapped", both)
		must(t, g.call.Merge("alice"))
		g.want(t, "conference", "alice/customer=customer alice/third=bob bob/customer=customer bob/third=alice customer/customer=alice customer/third=bob")
		must(t, g.call.Video("alice", "", ""))
		g.want(t, "conference, alice stops", "alice/customer=customer alice/third=bob bob/customer=customer customer/third=bob")
		must(t, g.call.Transfer("alice", agreed))
		g.want(t, "handed on", "bob/customer=customer customer/customer=bob")
	})
}

// A customer with a mere telephone: only the agents see each other, and what one
// shows ends with the consultation, so that the next one who comes sees nothing
// that was not shown to them.
func TestPicturesOfAConsultation(t *testing.T) {
	inGallery(t, false, func(g *gallery) {
		if err := g.call.Video("alice", ShowsCamera, ""); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("showing to a telephone: %v", err)
		}
		if s := g.snapshot().Screens; s != nil {
			t.Errorf("screens %+v in a call with a telephone", s)
		}
		must(t, g.call.Consult("alice", g.bob))
		must(t, g.call.Video("alice", ShowsCamera, ""))
		must(t, g.call.Video("bob", ShowsScreen, ""))
		g.want(t, "consult", "alice/third=bob bob/third=alice")
		want := []Screen{
			{User: "alice", Source: ShowsCamera, State: VideoOn, SeenBy: []contact.AgentID{"bob"}, Seen: []Seen{{trackThird, "bob", ShowsScreen, VideoOn, ""}}},
			{User: "bob", Source: ShowsScreen, State: VideoOn, SeenBy: []contact.AgentID{"alice"}, Seen: []Seen{{trackThird, "alice", ShowsCamera, VideoOn, ""}}},
		}
		if got := g.snapshot().Screens; !slices.EqualFunc(got, want, Screen.equal) {
			t.Errorf("screens %+v, want %+v", got, want)
		}
		must(t, g.call.Swap("alice"))
		g.want(t, "bob waits", "")
		if s := g.snapshot().Screens; len(s) != 2 || s[0].State != VideoHeld || s[0].Seen[0].State != VideoHeld {
			t.Errorf("screens %+v while bob waits", s)
		}
		must(t, g.call.EndConsult("alice"))
		if s := g.snapshot().Screens; s != nil {
			t.Errorf("screens %+v after the consultation", s)
		}
		must(t, g.call.Consult("alice", g.bob))
		g.want(t, "another consult", "")
	})
}

// A page that takes no pictures, or one that goes away, is nobody to show to.
func TestPagesWithoutPictures(t *testing.T) {
	inGallery(t, true, func(g *gallery) {
		g.alice.blind.Store(true)
		time.Sleep(time.Second)
		if s := g.snapshot().Screens; s != nil {
			t.Errorf("screens %+v", s)
		}
		if err := g.call.CustomerVideo(ShowsCamera, ""); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("showing to a page without pictures: %v", err)
		}
		g.alice.blind.Store(false)
		time.Sleep(time.Second)
		if s := g.snapshot().Screens; len(s) != 2 {
			t.Errorf("screens %+v with a page that takes pictures", s)
		}
		must(t, g.call.Video("alice", ShowsCamera, ""))
		if err := g.call.Video("bob", ShowsCamera, ""); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("of somebody who is not in the call: %v", err)
		}
	})
}

// A network that cannot carry pictures leaves them to the sound, both sides are
// told whose it is, and switching on again tries anew.
func TestWeakNetworkDropsPictures(t *testing.T) {
	inGallery(t, true, func(g *gallery) {
		must(t, g.call.Video("alice", ShowsCamera, ""))
		must(t, g.call.CustomerVideo(ShowsCamera, ""))
		g.look()
		view := g.screens[markCustomer].views[trackCustomer]
		for range 12 { // the customer's network, as their browser sees it
			view.NoteLoss(200, time.Now())
			g.chat(500 * time.Millisecond)
		}
		g.chat(time.Second)
		g.want(t, "the customer's network is weak", "alice/customer=customer")
		for _, s := range g.snapshot().Screens {
			switch {
			case s.User == "alice" && (s.State != VideoWeak || len(s.SeenBy) != 0):
				t.Errorf("alice is told %+v", s)
			case s.User == "" && (s.Seen[0].State != VideoWeak || s.Seen[0].Weak != WeakOurs):
				t.Errorf("the customer is told %+v", s)
			}
		}
		must(t, g.call.Hold("alice", true))
		must(t, g.call.Hold("alice", false))
		g.want(t, "still weak after a hold", "alice/customer=customer")
		must(t, g.call.Video("alice", ShowsCamera, ""))
		g.want(t, "tried again", "alice/customer=customer customer/customer=alice")

		for range 12 { // alice's network, as the server sees what she sends
			g.screens[markAlice].camera.NoteLoss(200, time.Now())
			g.chat(500 * time.Millisecond)
		}
		g.chat(time.Second)
		g.want(t, "alice's network is weak", "alice/customer=customer")
		for _, s := range g.snapshot().Screens {
			if s.User == "" && s.Seen[0].Weak != WeakTheirs {
				t.Errorf("the customer is told %+v", s)
			}
		}
		kinds := map[string]int{}
		shown, err := g.journal.Show(context.Background(), g.call.ID)
		must(t, err)
		for _, e := range shown.Timeline {
			switch {
			case e.Kind != contact.KindVideo:
			case strings.Contains(string(e.Data), `"why":"network"`):
				kinds["weak"]++
			default:
				kinds["shown"]++
			}
		}
		if kinds["shown"] != 2 || kinds["weak"] != 2 {
			t.Errorf("the timeline has %v", kinds)
		}
	})
}

// Nobody sees a single packet that no row allows, whatever is switched while all
// cameras run.
func TestNotAPictureBleeds(t *testing.T) {
	inGallery(t, true, func(g *gallery) {
		must(t, g.call.Video("alice", ShowsCamera, ""))
		must(t, g.call.CustomerVideo(ShowsCamera, ""))
		steps := []func() error{
			func() error { return g.call.Hold("alice", true) }, func() error { return g.call.Hold("alice", false) },
			func() error { return g.call.Consult("alice", g.bob) }, func() error { return g.call.Swap("alice") },
			func() error { return g.call.Swap("alice") }, func() error { return g.call.EndConsult("alice") },
			func() error { return g.call.Supervise(context.Background(), g.sam, Whisper) }, func() error { return unlisten(g.house) },
		}
		allShoot := func() {
			for _, s := range g.screens {
				s.shoot()
			}
		}
		for range 4 {
			for _, step := range steps {
				meanwhile(allShoot, func() {
					time.Sleep(5 * time.Millisecond)
					must(t, step())
					time.Sleep(5 * time.Millisecond)
				})
			}
		}
		for _, s := range g.screens {
			for track, marks := range s.take() {
				for mark := range marks {
					seen := s.name + "/" + track + "=" + g.screens[mark].name
					if !slices.Contains([]string{"alice/customer=customer", "customer/customer=alice", "bob/third=alice"}, seen) {
						t.Errorf("seen: %s", seen)
					}
				}
			}
		}
	})
}
