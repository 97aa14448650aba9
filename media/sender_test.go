package media

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"callfloor/media/codec"
)

// sent is a packet as it went out.
type sent struct {
	rtp.Header
	at   time.Time
	data string
}

// wireTap keeps what a sender writes.
type wireTap struct {
	mu  sync.Mutex
	all []sent
}

func (w *wireTap) write(h *rtp.Header, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, sent{Header: *h, at: time.Now(), data: string(payload)})
	return nil
}

func (w *wireTap) take() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.all
	w.all = nil
	return got
}

func (w *wireTap) output() Output {
	return Output{SSRC: 77, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0, codec.PCMA: 8, codec.Opus: 111}, Events: 101, Write: w.write}
}

// newTapped returns a sender whose numbers begin at seq and ts.
func newTapped(t interface{ Cleanup(func()) }, seq uint16, ts uint32) (*Sender, *wireTap) {
	p := NewPacer()
	s, w := NewSender(p, "test"), &wireTap{}
	s.SetOutput(w.output())
	s.line.seq, s.line.ts = seq-1, ts
	t.Cleanup(func() { s.Close(); p.Close() })
	return s, w
}

// talker is a source with numbers of its own.
type talker struct {
	*Source
	p Packet
}

func newTalker(name string, ssrc uint32, seq uint16, ts uint32) *talker {
	return &talker{Source: NewSource(name), p: Packet{Codec: codec.PCMU, SSRC: ssrc, Seq: seq, Timestamp: ts}}
}

// say emits the next packet of 20 ms, which arrives at.
func (k *talker) say(at time.Time) {
	k.p.Payload = make([]byte, frameSamples)
	copy(k.p.Payload, fmt.Sprintf("%s %d", k.Name(), k.p.Seq))
	k.p.Arrival = at
	p := k.p
	k.Emit(&p)
	k.p.Seq++
	k.p.Timestamp += frameSamples
}

// lose is a packet that the network lost.
func (k *talker) lose() {
	k.p.Seq++
	k.p.Timestamp += frameSamples
}

// wraps are the numbers at which counters go wrong (style § 44).
var wraps = []uint16{0, 127, 32767, 65535}

func checkContiguous(t interface{ Fatalf(string, ...any) }, all []sent) {
	for i := 1; i < len(all); i++ {
		if all[i].SequenceNumber != all[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d: number %d after %d", i, all[i].SequenceNumber, all[i-1].SequenceNumber)
		}
		if int32(all[i].Timestamp-all[i-1].Timestamp) < 0 {
			t.Fatalf("packet %d: timestamp %d after %d", i, all[i].Timestamp, all[i-1].Timestamp)
		}
		if all[i].SSRC != all[0].SSRC {
			t.Fatalf("packet %d: SSRC changed", i)
		}
	}
}

func TestSwitchKeepsOneNumbering(t *testing.T) {
	for _, out := range wraps {
		for _, in := range wraps {
			t.Run(fmt.Sprintf("%d/%d", in, out), func(t *testing.T) {
				s, w := newTapped(t, out, uint32(out)<<16|0xFFFF)
				now := time.Now()
				a := newTalker("a", 1, in-2, uint32(in)<<16)
				b := newTalker("b", 2, in+40, 5)
				for i := range 12 {
					switch i {
					case 0, 8:
						s.Hear(a.Source)
					case 4:
						s.Hear(b.Source)
					}
					a.say(now)
					b.say(now)
					now = now.Add(frameTime)
				}
				all := w.take()
				if len(all) != 12 {
					t.Fatalf("%d packets", len(all))
				}
				checkContiguous(t, all)
				for i, p := range all {
					if p.Timestamp != all[0].Timestamp+uint32(i*frameSamples) {
						t.Errorf("packet %d: timestamp is %d after the first", i, p.Timestamp-all[0].Timestamp)
					}
					if p.Marker != (i%4 == 0) {
						t.Errorf("packet %d: marker %v", i, p.Marker)
					}
					if want := "a"; (i/4 == 1) == (p.data[:1] == want) {
						t.Errorf("packet %d is %q", i, p.data[:4])
					}
				}
				if all[0].SequenceNumber != out {
					t.Errorf("began at %d", all[0].SequenceNumber)
				}
			})
		}
	}
}

// What was lost stays visible, what came late stays late, what is no audio
// leaves no hole.
func TestLossReorderingAndOtherPayloads(t *testing.T) {
	s, w := newTapped(t, 65530, 0)
	now := time.Now()
	src := NewSource("a")
	s.Hear(src)
	emit := func(seq int, c codec.ID, payload string) {
		src.Emit(&Packet{Codec: c, SSRC: 1, Seq: uint16(65533 + seq), Timestamp: uint32(seq * 160), Payload: []byte(payload), Arrival: now.Add(time.Duration(seq) * frameTime)})
	}
	full := string(make([]byte, 160))
	for _, step := range []struct {
		seq     int
		c       codec.ID
		payload string
		want    int // number after the first; -1: not sent
	}{
		{0, codec.PCMU, full, 0},
		{1, codec.PCMU, full, 1},
		{3, codec.PCMU, full, 3}, // 2 is late
		{2, codec.PCMU, full, 2},
		{5, codec.PCMU, full, 5}, // 4 is lost
		{6, codec.TelephoneEvent, "", -1},
		{7, codec.None, "", -1},
		{9, codec.PCMU, full, 7}, // 8 is late
		{8, codec.PCMU, full, 6},
		{10, codec.G722, full, -1}, // not negotiated
		{12, codec.PCMU, full, 9},  // 11 is an event that comes late
		{11, codec.TelephoneEvent, "", -1},
		{13, codec.PCMU, full, 10},
	} {
		emit(step.seq, step.c, step.payload)
		got := w.take()
		switch {
		case step.want < 0 && len(got) > 0:
			t.Errorf("packet %d was sent", step.seq)
		case step.want >= 0 && len(got) != 1:
			t.Errorf("packet %d: %d sent", step.seq, len(got))
		case step.want >= 0 && got[0].SequenceNumber != uint16(65530+step.want):
			t.Errorf("packet %d: number is %d after the first, want %d", step.seq, got[0].SequenceNumber-65530, step.want)
		case step.want >= 0 && got[0].Timestamp != uint32(step.seq*160):
			t.Errorf("packet %d: timestamp %d", step.seq, got[0].Timestamp)
		}
	}
	if n := s.Stats().Dropped; n != 4 {
		t.Errorf("%d dropped", n)
	}
}

// A packet of before a switch that comes after it must not take a number that
// was used.
func TestLateAfterSwitch(t *testing.T) {
	s, w := newTapped(t, 10, 0)
	now := time.Now()
	src := NewSource("a")
	s.Hear(src)
	p := Packet{Codec: codec.PCMU, SSRC: 1, Payload: make([]byte, 160), Arrival: now}
	for _, seq := range []uint16{5, 4, 6} {
		p.Seq, p.Timestamp = seq, uint32(seq)*160
		src.Emit(&p)
	}
	if all := w.take(); len(all) != 2 {
		t.Errorf("%d packets sent, want 5 and 6", len(all))
	}
}

func TestSourceStartsAnew(t *testing.T) {
	s, w := newTapped(t, 10, 0)
	now := time.Now()
	a := newTalker("a", 1, 100, 100)
	s.Hear(a.Source)
	for i := range 16 {
		switch i {
		case 4: // a new SSRC
			a.p.SSRC, a.p.Seq, a.p.Timestamp = 9, 60000, 1<<31
		case 8: // a jump of the numbers
			a.p.Seq += 9000
		case 12: // a jump of the timestamps
			a.p.Timestamp -= 1 << 20
		}
		a.say(now)
		now = now.Add(frameTime)
	}
	all := w.take()
	if len(all) != 16 {
		t.Fatalf("%d packets", len(all))
	}
	checkContiguous(t, all)
	for i, p := range all {
		if p.Timestamp != uint32(i*frameSamples) {
			t.Errorf("packet %d: timestamp %d", i, p.Timestamp)
		}
	}
}

func TestNewOutput(t *testing.T) {
	s, w := newTapped(t, 10, 0)
	a := newTalker("a", 1, 100, 100)
	s.Hear(a.Source)
	a.say(time.Now())
	s.SetOutput(Output{})
	a.say(time.Now())
	if n := len(w.take()); n != 1 {
		t.Fatalf("%d packets, want 1", n)
	}
	s.SetOutput(w.output())
	a.say(time.Now())
	if all := w.take(); len(all) != 1 || all[0].SequenceNumber != 11 || !all[0].Marker {
		t.Errorf("after the same output came back: %+v", all)
	}
	o := w.output()
	o.SSRC = 99
	s.SetOutput(o)
	a.say(time.Now())
	if all := w.take(); len(all) != 1 || all[0].SSRC != 99 {
		t.Errorf("after a new output: %+v", all)
	}
	if s.Stats().SSRC != 99 {
		t.Error("the figures name another SSRC")
	}
}

// G.711 to Opus and back under one SSRC (RFC 7160).
func TestClockRateChanges(t *testing.T) {
	s, w := newTapped(t, 10, 0)
	now := time.Now()
	src := NewSource("mic")
	s.Hear(src)
	ts := uint32(50)
	for i := range 6 {
		p := Packet{Codec: codec.PCMU, SSRC: 1, Seq: uint16(i), Timestamp: ts, Payload: make([]byte, 160), Arrival: now}
		ts += 160
		if i/2 == 1 {
			p.Codec, p.Payload = codec.Opus, make([]byte, 60)
			ts += 800
		}
		src.Emit(&p)
		now = now.Add(frameTime)
	}
	all := w.take()
	checkContiguous(t, all)
	var steps []uint32
	for i := 1; i < len(all); i++ {
		steps = append(steps, all[i].Timestamp-all[i-1].Timestamp)
	}
	if fmt.Sprint(steps) != "[160 960 960 160 160]" {
		t.Errorf("steps of the timestamps: %v", steps)
	}
}

// A packet that is on its way to the sinks while the sender switches does not
// get through.
func TestPacketUnderWayAtASwitch(t *testing.T) {
	s, w := newTapped(t, 1, 0)
	a, b := newTalker("a", 1, 1, 1), newTalker("b", 2, 1, 1)
	switched := SinkFunc(func(*Packet) { s.Hear(b.Source) })
	a.Attach(&switched) // before the sender in a's list
	s.Hear(a.Source)
	a.say(time.Now())
	if all := w.take(); len(all) != 0 {
		t.Errorf("%q was sent after the switch", all[0].data[:4])
	}
	b.say(time.Now())
	if all := w.take(); len(all) != 1 {
		t.Errorf("%d packets of b", len(all))
	}
}

func TestForwardingAllocatesNothing(t *testing.T) {
	s, _ := newTapped(t, 1, 1)
	s.SetOutput(Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0}, Write: func(*rtp.Header, []byte) error { return nil }})
	r := NewReceiver("customer")
	r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
	s.Hear(r.Source())
	raw := rawRTP(0, 0, 0, 5, make([]byte, 160))
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		step(raw)
		now = now.Add(frameTime)
		if err := r.WriteRTP(raw, now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkForward(b *testing.B) {
	s, _ := newTapped(b, 1, 1)
	s.SetOutput(Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0}, Write: func(*rtp.Header, []byte) error { return nil }})
	r := NewReceiver("customer")
	r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
	s.Hear(r.Source())
	raw := rawRTP(0, 0, 0, 5, make([]byte, 160))
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		step(raw)
		now = now.Add(frameTime)
		_ = r.WriteRTP(raw, now)
	}
}

// TestHolesOfTheSourceAreCounted: lost packets are, late ones are not, nor is
// what another source or a new stream begins with; over the wrap too.
func TestHolesOfTheSourceAreCounted(t *testing.T) {
	for _, first := range []uint16{0, 127, 65530} {
		s, _ := newTapped(t, first, 0)
		begun := time.Now()
		emit := func(src *Source, seqs ...uint16) {
			for _, n := range seqs {
				src.Emit(&Packet{Codec: codec.PCMU, Seq: first + n, Timestamp: uint32(n) * 160, SSRC: 1, Payload: []byte("x"), Arrival: begun.Add(time.Duration(n) * 20 * time.Millisecond)})
			}
		}
		a, b := NewSource("a"), NewSource("b")
		s.Hear(a)
		emit(a, 0, 1, 4, 5, 3, 9) // 2 and 6 to 8 are lost, 3 is late
		if got := s.Stats().Skipped; got != 4 {
			t.Errorf("from %d: %d holes, want 4", first, got)
		}
		s.Hear(b)
		emit(b, 100, 101)
		s.SetOutput(Output{SSRC: 78, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0}, Write: (&wireTap{}).write})
		emit(b, 102, 104)
		if got := s.Stats().Skipped; got != 5 {
			t.Errorf("from %d: %d holes at the end, want 5", first, got)
		}
	}
}
