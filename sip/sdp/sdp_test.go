package sdp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

var ours = sdp.Local{Addr: netip.MustParseAddr("192.0.2.1"), Port: 20000, Codecs: []codec.ID{codec.PCMU, codec.PCMA}, ID: 7, Version: 7}

// offer makes an offer of one audio section.
func offer(formats string, attrs ...string) string {
	return "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP " + formats + "\r\n" +
		strings.Join(append(attrs, ""), "\r\n")
}

func TestAnswer(t *testing.T) {
	events := []string{"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"}
	cases := []struct {
		name, offer string
		want        sdp.Agreed
		has, hasNot []string
	}{
		{"PCMU first", offer("0 8 101", events...), sdp.Agreed{Codec: codec.PCMU, PayloadType: 0, Events: 101, EventsRate: 8000},
			[]string{"m=audio 20000 RTP/AVP 0 101\r\n", "a=rtpmap:0 PCMU/8000", "telephone-event/8000", "a=fmtp:101 0-15", "a=sendrecv"}, []string{"PCMA", "rtcp-mux"}},
		{"PCMA first", offer("8 0 101", events...), sdp.Agreed{Codec: codec.PCMA, PayloadType: 8, Events: 101, EventsRate: 8000}, []string{"RTP/AVP 8 101\r\n"}, []string{"PCMU"}},
		{"G722 is passed over", offer("9 0", "a=rtpmap:9 G722/8000"), sdp.Agreed{Codec: codec.PCMU}, []string{"RTP/AVP 0\r\n"}, []string{"telephone-event", "G722"}},
		{"events on another number", offer("0 97", "a=rtpmap:97 telephone-event/8000"), sdp.Agreed{Codec: codec.PCMU, Events: 97, EventsRate: 8000}, []string{"RTP/AVP 0 97\r\n"}, nil},
		{"dynamic number for PCMA", offer("99", "a=rtpmap:99 pcma/8000/1"), sdp.Agreed{Codec: codec.PCMA, PayloadType: 99}, []string{"a=rtpmap:99 PCMA/8000"}, nil},
		{"events at 48 kHz are not ours", offer("0 110", "a=rtpmap:110 telephone-event/48000"), sdp.Agreed{Codec: codec.PCMU}, nil, []string{"telephone-event"}},
		{"multiplexed RTCP", offer("0", "a=rtcp-mux"), sdp.Agreed{Codec: codec.PCMU, Mux: true}, []string{"a=rtcp-mux"}, nil},
		{"RTCP elsewhere", offer("0", "a=rtcp:4321 IN IP4 10.0.0.8"), sdp.Agreed{Codec: codec.PCMU, RTCP: netip.MustParseAddrPort("10.0.0.8:4321")}, nil, nil},
		{"ptime", offer("0", "a=ptime:30"), sdp.Agreed{Codec: codec.PCMU, PTime: 30}, []string{"a=ptime:20"}, nil},
		{"absurd ptime", offer("0", "a=ptime:1000000000"), sdp.Agreed{Codec: codec.PCMU}, nil, nil},
		{"hold", offer("0", "a=sendonly"), sdp.Agreed{Codec: codec.PCMU, Theirs: sdp.SendOnly, Ours: sdp.RecvOnly}, []string{"a=recvonly"}, []string{"sendrecv", "sendonly"}},
		{"listen only", offer("0", "a=recvonly"), sdp.Agreed{Codec: codec.PCMU, Theirs: sdp.RecvOnly, Ours: sdp.SendOnly}, []string{"a=sendonly"}, nil},
		{"inactive", offer("0", "a=inactive"), sdp.Agreed{Codec: codec.PCMU, Theirs: sdp.Inactive, Ours: sdp.Inactive}, []string{"a=inactive"}, nil},
		{"bare LF, no s=, odd o=", "v=0\no=FreeSWITCH User 1 1 IN IP4 x\nc=IN IP4 10.0.0.9\nm=audio 4000 RTP/AVP 0\n", sdp.Agreed{Codec: codec.PCMU}, nil, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := sdp.Parse([]byte(c.offer))
			if err != nil {
				t.Fatal(err)
			}
			answer, got, err := sdp.Answer(s, ours)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Remote = netip.MustParseAddrPort("10.0.0.9:4000")
			if c.want.Theirs == "" {
				c.want.Theirs, c.want.Ours = sdp.SendRecv, sdp.SendRecv
			}
			if got != c.want {
				t.Errorf("agreed %+v\nwanted %+v", got, c.want)
			}
			for _, h := range c.has {
				if !strings.Contains(string(answer), h) {
					t.Errorf("no %q in\n%s", h, answer)
				}
			}
			for _, h := range c.hasNot {
				if strings.Contains(string(answer), h) {
					t.Errorf("%q in\n%s", h, answer)
				}
			}
		})
	}
}

func TestAnswerRefusesVideo(t *testing.T) {
	s, err := sdp.Parse([]byte(offer("0") + "m=video 5000 RTP/AVP 96 97\r\na=rtpmap:96 VP8/90000\r\nm=image 6000 udptl t38\r\nm=audio 7000 RTP/AVP 8\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := sdp.Answer(s, ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"m=audio 20000 RTP/AVP 0\r\n", "m=video 0 RTP/AVP 96\r\n", "m=image 0 udptl t38\r\n", "m=audio 0 RTP/AVP 8\r\n"} {
		if !strings.Contains(string(answer), want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
}

func TestOldHold(t *testing.T) {
	s, err := sdp.Parse([]byte(strings.Replace(offer("0"), "c=IN IP4 10.0.0.9", "c=IN IP4 0.0.0.0", 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, a, err := sdp.Answer(s, ours)
	if err != nil || a.Theirs.Receives() || a.Remote.IsValid() {
		t.Errorf("agreed %+v, %v", a, err)
	}
}

func TestNoCommonCodec(t *testing.T) {
	for _, o := range []string{
		offer("97", "a=rtpmap:97 EVS/16000"), offer(""), offer("18"), offer("0", "a=rtpmap:0 PCMU/16000"),
		strings.Replace(offer("0"), "RTP/AVP", "RTP/XVP", 1), strings.Replace(offer("0"), "4000", "0", 1),
		strings.Replace(offer("0"), "audio", "video", 1),
	} {
		s, err := sdp.Parse([]byte(o))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := sdp.Answer(s, ours); !errors.Is(err, sdp.ErrNoCodec) {
			t.Errorf("%q: %v", o, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":       "",
		"no version":    "m=audio 4000 RTP/AVP 0\r\n",
		"no media":      "v=0\r\no=- 1 1 IN IP4 x\r\n",
		"port too big":  "v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
		"negative port": "v=0\r\nm=audio -1 RTP/AVP 0\r\n",
		"1,000 media":   "v=0\r\n" + strings.Repeat("m=audio 4000 RTP/AVP 0\r\n", 1000),
		"too big":       "v=0\r\n" + strings.Repeat("a=x:"+strings.Repeat("y", 1000)+"\r\n", 40),
		"attributes":    "v=0\r\nm=audio 4000 RTP/AVP 0\r\n" + strings.Repeat("a=x\r\n", 2000),
	} {
		if _, err := sdp.Parse([]byte(in)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOfferIsAccepted(t *testing.T) {
	raw := sdp.Offer(ours)
	s, err := sdp.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	answer, theirs, err := sdp.Answer(s, sdp.Local{Addr: netip.MustParseAddr("2001:db8::1"), Port: 30000, Codecs: []codec.ID{codec.PCMA}})
	if err != nil || theirs.Codec != codec.PCMA || theirs.Events != sdp.EventsPayloadType || !theirs.Mux {
		t.Fatalf("%+v, %v", theirs, err)
	}
	back, err := sdp.Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := sdp.Accept(back, ours)
	if err != nil || a.Codec != codec.PCMA || a.Remote.String() != "[2001:db8::1]:30000" {
		t.Errorf("%+v, %v", a, err)
	}
}

// An answer is never more than the offer: the same sections in the same order,
// and only formats that were offered (RFC 3264 §6).
func TestAnswerIsSubsetOfOffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString("v=0\r\nc=IN IP4 10.0.0.9\r\n")
		for range rapid.IntRange(1, 5).Draw(t, "sections") {
			fmts := rapid.SliceOfN(rapid.SampledFrom([]string{"0", "8", "9", "18", "96", "101"}), 0, 5).Draw(t, "formats")
			fmt.Fprintf(&b, "m=%s %d %s %s\r\n", rapid.SampledFrom([]string{"audio", "video", "text"}).Draw(t, "kind"),
				rapid.SampledFrom([]int{0, 9, 4000}).Draw(t, "port"), rapid.SampledFrom([]string{"RTP/AVP", "RTP/SAVP", "x"}).Draw(t, "proto"), strings.Join(fmts, " "))
			b.WriteString("a=rtpmap:101 telephone-event/8000\r\na=rtpmap:96 PCMU/8000\r\n")
			fmt.Fprintf(&b, "a=%s\r\n", rapid.SampledFrom([]string{"sendrecv", "sendonly", "recvonly", "inactive", "x"}).Draw(t, "direction"))
		}
		subset(t, []byte(b.String()))
	})
}

type fataler interface{ Fatalf(string, ...any) }

func subset(t fataler, raw []byte) {
	s, err := sdp.Parse(raw)
	if err != nil {
		return
	}
	out, agreed, err := sdp.Answer(s, ours)
	if err != nil {
		return
	}
	a, err := sdp.Parse(out)
	if err != nil {
		t.Fatalf("our own answer does not parse: %v\n%s", err, out)
	}
	if len(a.Media) != len(s.Media) {
		t.Fatalf("%d sections answered, %d offered", len(a.Media), len(s.Media))
	}
	open := 0
	for i := range a.Media {
		if a.Media[i].Port == 0 {
			continue
		}
		open++
		for _, f := range a.Media[i].Formats {
			if !slices.ContainsFunc(s.Media[i].Formats, func(o string) bool { return strings.TrimLeft(o, "0+") == strings.TrimLeft(f, "0") }) {
				t.Fatalf("format %s was not offered in %q", f, s.Media[i].Formats)
			}
		}
		theirs, we := s.Media[i].Direction, a.Media[i].Direction
		if we.Sends() && !theirs.Receives() || we.Receives() && !theirs.Sends() {
			t.Fatalf("%s answered with %s", theirs, we)
		}
	}
	if open != 1 || agreed.Codec == codec.None {
		t.Fatalf("%d sections are open, codec %v", open, agreed.Codec)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(offer("0 8 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly")))
	f.Add([]byte(offer("0") + "m=video 5000 RTP/AVP 96\r\n"))
	f.Add([]byte("v=0\nm=audio 1 RTP/AVP 0\n"))
	f.Fuzz(func(t *testing.T, raw []byte) { subset(t, raw) })
}
