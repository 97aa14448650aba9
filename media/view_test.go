package media

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"pgregory.net/rapid"

	"callfloor/media/codec"
)

// shot is a camera for tests: its pictures are marked and all of one packet but
// for key frames, which have two.
type shot struct {
	*Camera
	mark   byte
	seq    uint16
	ts     uint32
	asked  int
	limits []uint64
}

func newShot(mark byte, seq uint16, ts uint32) *shot {
	s := &shot{Camera: NewCamera("shot"), mark: mark, seq: seq, ts: ts}
	s.SetLens(s)
	return s
}

func (s *shot) KeyFrame()        { s.asked++ }
func (s *shot) Limit(bps uint64) { s.limits = append(s.limits, bps) }

func (s *shot) packet(key, first bool, at time.Time) *Packet {
	payload := []byte{0x00, 0x01, s.mark, byte(s.seq >> 8), byte(s.seq)}
	if first {
		payload[0] = 0x10
	}
	if key && first {
		payload[1] = 0
	}
	return &Packet{From: s.source, Codec: codec.VP8, Seq: s.seq, Timestamp: s.ts, SSRC: uint32(s.mark), Payload: payload, Arrival: at}
}

// viewed is what a view wrote.
type viewed struct {
	header  rtp.Header
	payload []byte
	raw     []byte // all of it, as it is encrypted
}

func record(v *View) *[]viewed {
	var all []viewed
	v.SetOutput(Output{SSRC: 7, PayloadTypes: map[codec.ID]uint8{codec.VP8: 96}, SendTime: 2, Write: func(h *rtp.Header, p []byte) error {
		raw, err := h.Marshal()
		all = append(all, viewed{*h, bytes.Clone(p), append(raw, p...)})
		if err != nil {
			return err
		}
		return nil
	}})
	return &all
}

// However cameras are switched, and whatever they send: the numbers are
// contiguous, times never go back, each camera begins with a key frame, and
// nothing comes of one that is not shown.
func TestViewIsOneStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := NewView("view")
		defer v.Close()
		out := record(v)
		shots := []*shot{
			newShot(1, uint16(rapid.Uint32().Draw(t, "seq")), rapid.Uint32().Draw(t, "ts")),
			newShot(2, uint16(rapid.Uint32().Draw(t, "seq")), rapid.Uint32().Draw(t, "ts")),
		}
		now := time.Now()
		var shown *shot
		var last byte
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "ms")) * time.Millisecond)
			before := len(*out)
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				shown, last = nil, 0
				v.Show(nil)
			case 1, 2:
				next := shots[rapid.IntRange(0, 1).Draw(t, "camera")]
				if next != shown {
					shown, last = next, 0
					v.Show(next.Camera)
				}
			default:
				s := shots[rapid.IntRange(0, 1).Draw(t, "camera")]
				key := rapid.IntRange(0, 4).Draw(t, "key") == 0
				s.ts += 3000
				for i := range 2 {
					p := s.packet(key, i == 0, now)
					if rapid.IntRange(0, 9).Draw(t, "padding") == 0 && i == 1 {
						p.Payload = nil
					}
					s.seq++
					s.source.Emit(p)
				}
			}
			for i, k := range (*out)[before:] {
				if shown == nil || k.payload[2] != shown.mark {
					t.Fatalf("a packet of camera %d while another is shown", k.payload[2])
				}
				if last == 0 && !KeyFrame(codec.VP8, k.payload) {
					t.Fatal("the first packet of a camera is not of a key frame")
				}
				last = k.payload[2]
				if n := before + i; n > 0 {
					prior := (*out)[n-1].header
					if k.header.SequenceNumber != prior.SequenceNumber+1 || int32(k.header.Timestamp-prior.Timestamp) < 0 {
						t.Fatalf("number %d, time %d after %d and %d", k.header.SequenceNumber, k.header.Timestamp, prior.SequenceNumber, prior.Timestamp)
					}
				}
				if k.header.SSRC != 7 || k.header.PayloadType != 96 || len(k.header.GetExtension(2)) != 3 {
					t.Fatalf("header %+v", k.header)
				}
			}
		}
	})
}

// The time of sending goes under any number that may be agreed on (RFC 8285 §4.2,
// §4.3).
func TestTimeOfSendingUnderAnyNumber(t *testing.T) {
	for _, number := range []uint8{1, 14, 15, 16, 255} {
		v := NewView("view")
		var raw []byte
		v.SetOutput(Output{SSRC: 7, PayloadTypes: map[codec.ID]uint8{codec.VP8: 96}, SendTime: number, Write: func(h *rtp.Header, p []byte) (err error) {
			raw, err = (&rtp.Packet{Header: *h, Payload: p}).Marshal()
			return err
		}})
		s := newShot(1, 0, 0)
		v.Show(s.Camera)
		s.source.Emit(s.packet(true, true, time.Now()))
		if got := headerExtension(raw, number); !bytes.Equal(got, v.stamp[:]) {
			t.Errorf("number %d: %x, want %x in %x", number, got, v.stamp, raw)
		}
		v.Close()
	}
}

// A view that looked away limits the camera no more, whenever its network's last
// report comes.
func TestLookingAwayEndsTheLimit(t *testing.T) {
	v := NewView("view")
	defer v.Close()
	record(v)
	s := newShot(1, 0, 0)
	for range 300 {
		v.Show(s.Camera)
		s.source.Emit(s.packet(true, true, time.Now()))
		s.seq++
		told := make(chan struct{})
		s.Camera.mu.Lock() // the report is at the camera's door when the view looks away
		go func() {
			defer close(told)
			v.NoteLoss(255, time.Now())
		}()
		for range 50 {
			runtime.Gosched()
		}
		s.Camera.mu.Unlock()
		v.Show(nil)
		<-told
		if len(s.Camera.limits) > 0 {
			t.Fatal("a view that does not look limits the camera")
		}
	}
}

// Holes too large to ask for each packet bring one request for a key frame, not
// one each.
func TestLargeHolesAskForFewKeyFrames(t *testing.T) {
	asked := 0
	r := NewVideoReceiver("camera", func() uint32 { return 1 }, func(all []rtcp.Packet) {
		if _, ok := all[0].(*rtcp.PictureLossIndication); ok {
			asked++
		}
	})
	r.Negotiated(map[uint8]codec.ID{96: codec.VP8}, 0)
	begin := time.Now()
	for i := range 100 { // a second
		raw := rawRTP(96, uint16(i*100), uint32(i*900), 5, []byte{0x10, 1, 0})
		if err := r.WriteRTP(raw, begin.Add(time.Duration(i)*10*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	if asked < 2 || asked > 4 {
		t.Errorf("asked for %d key frames in a second", asked)
	}
}

// A key frame is asked for when a camera is shown and until it comes, not more
// than every 300 ms, however many look and whatever they ask.
func TestKeyFramesAreAskedFor(t *testing.T) {
	a, b := NewView("a"), NewView("b")
	defer a.Close()
	defer b.Close()
	record(a)
	record(b)
	s := newShot(1, 0, 0)
	a.Show(s.Camera)
	b.Show(s.Camera)
	if s.asked != 1 {
		t.Errorf("asked %d times for two that begin to look", s.asked)
	}
	now := time.Now()
	for i := range 100 { // 2 s of pictures without one
		s.source.Emit(s.packet(false, true, now.Add(time.Duration(i)*20*time.Millisecond)))
		s.seq++
	}
	if s.asked < 5 || s.asked > 8 {
		t.Errorf("asked %d times in two seconds", s.asked)
	}
	s.source.Emit(s.packet(true, true, now.Add(3*time.Second)))
	asked := s.asked
	s.seq++
	s.source.Emit(s.packet(false, true, now.Add(4*time.Second)))
	if s.asked != asked {
		t.Error("asked for a key frame that is there")
	}
	b.KeyFrame(now.Add(5 * time.Second))
	if s.asked != asked+1 {
		t.Error("the far end's request did not reach the camera")
	}
}

// The one who can receive the least decides, and is forgotten when they look no
// more.
func TestLeastNetworkDecides(t *testing.T) {
	a, b := NewView("a"), NewView("b")
	defer a.Close()
	defer b.Close()
	s := newShot(1, 0, 0)
	s.limit(a, 900_000)
	s.limit(b, 300_000)
	s.limit(b, 305_000) // not worth a packet
	s.limit(a, 1_000_000)
	s.limit(b, 0)
	if want := []uint64{900_000, 300_000, 1_000_000}; len(s.limits) != 3 || s.limits[0] != want[0] || s.limits[1] != want[1] || s.limits[2] != want[2] {
		t.Errorf("told %v, want %v", s.limits, want)
	}
}

// pictureWay is all that a packet of a picture passes but the network: receiver
// with feedback, camera, view.
func pictureWay(tb testing.TB) func(i int) {
	camera := NewCamera("camera")
	r := NewVideoReceiver("camera", func() uint32 { return 1 }, func([]rtcp.Packet) {})
	r.Negotiated(map[uint8]codec.ID{96: codec.VP8}, 0)
	camera.SetLens(r)
	forward := SinkFunc(func(p *Packet) { camera.Source().Emit(p) })
	r.Source().Attach(&forward)
	v := NewView("view")
	tb.Cleanup(v.Close)
	v.SetOutput(Output{SSRC: 7, PayloadTypes: map[codec.ID]uint8{codec.VP8: 97}, SendTime: 2, Write: func(*rtp.Header, []byte) error { return nil }})
	v.Show(camera)
	raw := make([]byte, 1200)
	raw[0], raw[1], raw[12] = 0x80, 96, 0x10
	begin := time.Now()
	return func(i int) {
		raw[2], raw[3] = byte(i>>8), byte(i)
		if err := r.WriteRTP(raw, begin.Add(time.Duration(i)*5*time.Millisecond)); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestPicturesAllocateNothing(t *testing.T) {
	write := pictureWay(t)
	write(0)
	i := 1
	if n := testing.AllocsPerRun(1000, func() { write(i); i++ }); n != 0 {
		t.Errorf("%v allocations for a packet, want 0", n)
	}
}

func BenchmarkPicturePacket(b *testing.B) {
	write := pictureWay(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		write(i)
	}
}
