package media

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"callfloor/media/codec"
)

// A pause is filled with silence at once; the far end sees no gap over
// 60 ms, no hole, no step back, when the source goes away and comes back.
func TestFill(t *testing.T) {
	for _, clock := range []string{"ran on", "stood still"} {
		t.Run("source's clock "+clock, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newTapped(t, 65500, 1<<32-4000)
				a := newTalker("a", 1, 7, 7)
				s.Hear(a.Source)
				s.Fill(codec.PCMU)
				talk := func() {
					for range 50 {
						a.say(time.Now())
						time.Sleep(frameTime)
					}
				}
				talk()
				time.Sleep(3*time.Second + 7*time.Millisecond)
				if clock == "ran on" {
					a.p.Timestamp += 24056
				}
				talk()
				all := w.take()
				checkContiguous(t, all)
				fillers := 0
				for i, p := range all {
					if i > 0 {
						if gap := p.at.Sub(all[i-1].at); gap > 60*time.Millisecond {
							t.Errorf("packet %d after %v", i, gap)
						}
						off := span(int64(p.Timestamp-all[0].Timestamp), 8000) - p.at.Sub(all[0].at)
						if off.Abs() > 40*time.Millisecond {
							t.Errorf("packet %d is %v off the clock", i, off)
						}
					}
					if p.data[0] == 0xFF {
						fillers++
					}
				}
				if fillers < 145 || fillers > 150 {
					t.Errorf("%d fillers in 3 s", fillers)
				}
				if n := s.Stats().Filled; n != uint64(fillers) {
					t.Errorf("Filled is %d", n)
				}
			})
		})
	}
}

// One lost packet is no pause, and packets of 60 ms are none either.
func TestFillLeavesLossAndLongPacketsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newTapped(t, 1, 0)
		a := newTalker("a", 1, 7, 7)
		s.Hear(a.Source)
		a.say(time.Now())
		s.Fill(codec.PCMU)
		for i := range 100 {
			time.Sleep(frameTime)
			if i%5 == 0 {
				a.lose()
				continue
			}
			a.say(time.Now())
		}
		if n := s.Stats().Filled; n != 0 {
			t.Errorf("%d fillers for single losses", n)
		}
		if all := w.take(); all[len(all)-1].SequenceNumber != 101 {
			t.Errorf("last number is %d: the losses do not show", all[len(all)-1].SequenceNumber)
		}
		for i := range 20 {
			a.Emit(&Packet{Codec: codec.PCMU, SSRC: 2, Seq: uint16(i), Timestamp: uint32(480 * i), Payload: make([]byte, 480), Arrival: time.Now()})
			time.Sleep(60 * time.Millisecond)
		}
		if n := s.Stats().Filled; n != 0 {
			t.Errorf("%d fillers between packets of 60 ms", n)
		}
	})
}

// Packets that were held up and come in a burst must not leave a standing
// delay: a second later the stream is on the clock again.
func TestBurstLeavesNoStandingDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newTapped(t, 1, 0)
		a := newTalker("a", 1, 7, 7)
		s.Hear(a.Source)
		s.Fill(codec.PCMU)
		for round := range 20 {
			for range 100 {
				a.say(time.Now())
				time.Sleep(frameTime)
			}
			time.Sleep(500 * time.Millisecond)
			for range 25 {
				a.say(time.Now())
			}
			_ = round
		}
		all := w.take()
		checkContiguous(t, all)
		last := all[len(all)-1]
		ahead := span(int64(last.Timestamp-all[0].Timestamp), 8000) - last.at.Sub(all[0].at)
		if ahead > 150*time.Millisecond || ahead < -50*time.Millisecond {
			t.Errorf("after twenty stalls of 500 ms the stream is %v ahead of the clock", ahead)
		}
	})
}

// Whatever is heard in whatever order, the far end sees one stream: numbers
// without a hole but for losses within a source, timestamps never backwards.
func TestAnyProgrammeIsOneStream(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &Pacer{members: [slotsPerFrame + 1][]ticker{}, wake: make(chan struct{}, 1)} // stands still
		s, w := NewSender(p, "x"), &wireTap{}
		s.SetOutput(w.output())
		s.fill, s.silence = codec.PCMU, silentFrame(codec.PCMU)
		now := time.Unix(1000, 0)
		talkers := []*talker{newTalker("a", 1, 65530, 1<<32-1), newTalker("b", 2, 3, 0), newTalker("c", 3, 32766, 1<<31)}
		lost := false
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			k := talkers[rapid.IntRange(0, 2).Draw(rt, "talker")]
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				s.Hear(k.Source)
			case 1:
				s.Hear(nil)
			case 2:
				lost = lost || s.Hearing() == k.Source
				k.lose()
			case 3:
				k.p.Codec = codec.TelephoneEvent
				k.say(now)
				k.p.Codec = codec.PCMU
			case 4:
				s.fillPause(now)
			case 5:
				now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "pause")) * time.Millisecond)
				s.fillPause(now)
			default:
				k.say(now)
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 25).Draw(rt, "ms")) * time.Millisecond)
		}
		all := w.take()
		for i := 1; i < len(all); i++ {
			step := all[i].SequenceNumber - all[i-1].SequenceNumber
			if step == 0 || step > 200 || (step > 1 && !lost) {
				rt.Fatalf("packet %d: number %d after %d", i, all[i].SequenceNumber, all[i-1].SequenceNumber)
			}
			if int32(all[i].Timestamp-all[i-1].Timestamp) < 0 {
				rt.Fatalf("packet %d: timestamp %d after %d", i, all[i].Timestamp, all[i-1].Timestamp)
			}
		}
	})
}
