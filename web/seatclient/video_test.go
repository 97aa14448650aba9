package seatclient_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// film is a camera whose VP8 is no picture, but marked: three packets a frame, a
// key frame first and whenever one is asked for.
type film struct {
	*media.Camera
	keys atomic.Int32 // key frames asked for
	key  atomic.Bool
}

func (f *film) KeyFrame()    { f.keys.Add(1); f.key.Store(true) }
func (f *film) Limit(uint64) {}

// roll shoots 50 frames a second until the test is over.
func roll(t *testing.T, mark byte) *film {
	f := &film{Camera: media.NewCamera("film")}
	f.SetLens(f)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var seq uint16
		for ts := uint32(0); ; ts += 1800 {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				inter := byte(1)
				if f.key.Swap(false) {
					inter = 0
				}
				for i := range 3 {
					payload := make([]byte, 900)
					payload[0], payload[1], payload[2] = 0, inter, mark
					if i == 0 {
						payload[0] = 0x10
					}
					f.Source().Emit(&media.Packet{Codec: codec.VP8, Marker: i == 2, Seq: seq, Timestamp: ts, SSRC: uint32(mark), Payload: payload, Arrival: now})
					seq++
				}
			}
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return f
}

// viewer checks what comes on a track: one stream without a hole, of one mark
// after the other, each beginning with a key frame.
type viewer struct {
	t *testing.T

	mu      sync.Mutex
	packets map[byte]int
	last    byte
	next    uint16
	ts      uint32
	change  chan struct{}
}

func watch(t *testing.T, s *media.Source) *viewer {
	v := &viewer{t: t, packets: map[byte]int{}, change: make(chan struct{})}
	s.Attach(v)
	t.Cleanup(func() { s.Detach(v) })
	return v
}

func (v *viewer) WritePacket(p *media.Packet) {
	v.mu.Lock()
	defer v.mu.Unlock()
	mark := p.Payload[2]
	if mark != v.last && !media.KeyFrame(p.Codec, p.Payload) {
		v.t.Errorf("the first packet of %d is not of a key frame", mark)
	}
	if v.last != 0 && (p.Seq != v.next || int32(p.Timestamp-v.ts) < 0) {
		v.t.Errorf("number %d and time %d came after %d and %d", p.Seq, p.Timestamp, v.next-1, v.ts)
	}
	v.last, v.next, v.ts = mark, p.Seq+1, p.Timestamp
	v.packets[mark]++
	close(v.change)
	v.change = make(chan struct{})
}

func (v *viewer) count(mark byte) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.packets[mark]
}

func (v *viewer) await(mark byte, n int) {
	v.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		v.mu.Lock()
		have, change := v.packets[mark], v.change
		v.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-change:
		case <-deadline:
			v.t.Fatalf("%d packets of %d came, want %d", have, mark, n)
		}
	}
}

func (f *floor) dialVideo(user string) *seatclient.Client {
	f.t.Helper()
	c, err := f.tryDial(seatclient.Options{URL: f.url, Token: user, Tab: user, Pacer: f.pacer, Video: true})
	if err != nil {
		f.t.Fatal(err)
	}
	waitMedia(f.t, c)
	f.house.await(f.t, "media "+user+" ready", 1)
	return c
}

// Two people see each other; each camera is switched on by itself, a key frame
// opens it, and one that the looker asks for goes all the way back.
func TestPicturesBetweenSeats(t *testing.T) {
	f := newFloor(t)
	alice, bob := f.dialVideo("alice"), f.dialVideo("bob")
	first, second := roll(t, 1), roll(t, 2)
	f.seat("bob").View(web.TrackThird).Show(f.seat("alice").Camera())
	f.seat("alice").View(web.TrackThird).Show(f.seat("bob").Camera())
	atBob, atAlice := watch(t, bob.Picture(web.TrackThird)), watch(t, alice.Picture(web.TrackThird))
	alice.Show(first.Camera)
	atBob.await(1, 30)
	bob.Show(second.Camera)
	atAlice.await(2, 30)

	asked := first.keys.Load()
	deadline := time.Now().Add(10 * time.Second)
	for first.keys.Load() == asked && time.Now().Before(deadline) {
		bob.AskPicture(web.TrackThird)
		time.Sleep(50 * time.Millisecond)
	}
	if first.keys.Load() == asked {
		t.Error("the request for a key frame did not reach the camera")
	}

	// Another camera on the same track: the numbering goes on, nothing of it comes
	// before its key frame, nothing of the old one after it.
	f.seat("bob").View(web.TrackThird).Show(f.seat("bob").Camera())
	atBob.await(2, 30)
	f.seat("bob").View(web.TrackThird).Show(f.seat("alice").Camera())
	atBob.await(1, atBob.count(1)+30)
	if atAlice.count(1) != 0 {
		t.Error("alice saw herself")
	}
}

// A network that brings less than is sent makes the camera send less; one that
// brings too little is named, so that the pictures can be given up.
func TestPicturesFollowTheNetwork(t *testing.T) {
	f := newFloor(t)
	alice, bob := f.dialVideo("alice"), f.dialVideo("bob")
	cam := roll(t, 1) // more than 1 Mbit/s
	f.seat("bob").View(web.TrackThird).Show(f.seat("alice").Camera())
	atBob := watch(t, bob.Picture(web.TrackThird))
	alice.Show(cam.Camera)
	atBob.await(1, 300)
	deadline := time.Now().Add(20 * time.Second)
	for !f.seat("bob").View(web.TrackThird).Weak() && time.Now().Before(deadline) {
		bob.Estimate(web.TrackThird, 90_000)
		time.Sleep(100 * time.Millisecond)
	}
	if !f.seat("bob").View(web.TrackThird).Weak() {
		t.Error("a network of 90 kbit/s is not called weak")
	}
	if limit := alice.PictureLimit(); limit == 0 || limit > 100_000 {
		t.Errorf("the camera may send %d bit/s", limit)
	}
}

// A page without video sections costs nothing and gets nothing.
func TestSeatWithoutPictures(t *testing.T) {
	f := newFloor(t)
	alice := f.dial("alice", "one")
	waitMedia(t, alice)
	bob := f.dialVideo("bob")
	if f.seat("alice").CanSee() || !f.seat("bob").CanSee() {
		t.Error("alice's page has no video, bob's has")
	}
	bob.Show(roll(t, 1).Camera)
	f.seat("alice").View(web.TrackThird).Show(f.seat("bob").Camera())
	if got := f.seat("alice").View(web.TrackThird).Stats().Packets; got != 0 {
		t.Errorf("%d packets were sent to a page without video", got)
	}
}
