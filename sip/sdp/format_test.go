package sdp_test

import (
	"strings"
	"testing"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// all takes every codec.
func all() sdp.Local {
	l := ours
	l.Codecs = []codec.ID{codec.PCMU, codec.PCMA, codec.G722, codec.Opus}
	return l
}

func TestAnswerInEveryCodec(t *testing.T) {
	const (
		opus   = "a=rtpmap:96 opus/48000/2"
		wide   = "a=rtpmap:97 telephone-event/48000"
		narrow = "a=rtpmap:101 telephone-event/8000"
	)
	for _, c := range []struct {
		name    string
		offer   string
		own     bool
		want    codec.ID
		pt      uint8
		events  uint8
		rate    int
		answers []string
	}{
		{"G722 alone", offer("9 101", narrow), false, codec.G722, 9, 101, 8000, []string{"RTP/AVP 9 101\r\n", "a=rtpmap:9 G722/8000", "telephone-event/8000"}},
		{"G722 named", offer("9", "a=rtpmap:9 g722/8000/1"), false, codec.G722, 9, 0, 0, []string{"RTP/AVP 9\r\n"}},
		{"opus alone", offer("96 97", opus, wide), false, codec.Opus, 96, 97, 48000, []string{"RTP/AVP 96 97\r\n", "a=rtpmap:96 opus/48000/2", "a=fmtp:96 ", "a=rtpmap:97 telephone-event/48000"}},
		{"opus with both events", offer("96 101 97", opus, narrow, wide), false, codec.Opus, 96, 97, 48000, []string{"RTP/AVP 96 97\r\n"}},
		{"opus with events at 8 kHz only", offer("96 101", opus, narrow), false, codec.Opus, 96, 0, 0, []string{"RTP/AVP 96\r\n"}},
		{"PCMU with both events", offer("0 97 101", wide, narrow), false, codec.PCMU, 0, 101, 8000, []string{"RTP/AVP 0 101\r\n"}},
		{"theirs first", offer("96 9 8 0", opus), false, codec.Opus, 96, 0, 0, nil},
		{"ours first", offer("96 9 8 0", opus), true, codec.PCMU, 0, 0, 0, nil},
		{"ours first, without G.711", offer("96 9", opus), true, codec.G722, 9, 0, 0, nil},
		{"comfort noise is never agreed on", offer("13 0", "a=rtpmap:13 CN/8000"), false, codec.PCMU, 0, 0, 0, []string{"RTP/AVP 0\r\n"}},
		{"opus of another clock is none", offer("96 0", "a=rtpmap:96 opus/16000"), false, codec.PCMU, 0, 0, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sdp.Parse([]byte(c.offer))
			if err != nil {
				t.Fatal(err)
			}
			l := all()
			l.OwnOrder = c.own
			answer, a, err := sdp.Answer(s, l)
			if err != nil {
				t.Fatal(err)
			}
			if a.Codec != c.want || a.PayloadType != c.pt || a.Events != c.events || a.EventsRate != c.rate {
				t.Errorf("agreed on %v (%d) with events %d at %d", a.Codec, a.PayloadType, a.Events, a.EventsRate)
			}
			for _, want := range c.answers {
				if !strings.Contains(string(answer), want) {
					t.Errorf("the answer has no %q:\n%s", want, answer)
				}
			}
		})
	}
}

// What we offer we understand, whichever of it is chosen.
func TestOfferOfEveryCodec(t *testing.T) {
	for _, c := range all().Codecs {
		s, err := sdp.Parse(sdp.Offer(all()))
		if err != nil {
			t.Fatal(err)
		}
		l := all()
		l.Codecs = []codec.ID{c}
		answer, theirs, err := sdp.Answer(s, l)
		if err != nil {
			t.Fatal(err)
		}
		back, err := sdp.Parse(answer)
		if err != nil {
			t.Fatal(err)
		}
		a, err := sdp.Accept(back, all())
		if err != nil || a.Codec != c || a.PayloadType != theirs.PayloadType || a.Events == 0 || a.EventsRate != c.ClockRate() {
			t.Errorf("%v: agreed on %v (%d), events %d at %d, %v", c, a.Codec, a.PayloadType, a.Events, a.EventsRate, err)
		}
	}
}
