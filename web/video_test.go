package web

import (
	"strings"
	"testing"
	"time"
)

// chromium is the video section of Chromium's offer, shortened.
const chromium = `m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 102 103 104 105 45 100
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 FA:0B:0C:0D:0E:0F:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:00:01:02:03:04:05:06:07:08:09
a=setup:actpass
a=mid:MID
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=DIRECTION
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 VP9/90000
a=rtpmap:102 H264/90000
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:104 H264/90000
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:105 H264/90000
a=fmtp:105 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:45 AV1/90000
a=rtpmap:100 red/90000
`

func chromiumOffer() string {
	part := func(text, mid, direction string) string {
		return strings.ReplaceAll(strings.NewReplacer("MID", mid, "DIRECTION", direction).Replace(text), "\n", "\r\n")
	}
	sound := strings.NewReplacer("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 102 103 104 105 45 100", "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8").Replace(chromium)
	sound = sound[:strings.Index(sound, "a=rtpmap:96")] + "a=rtpmap:111 opus/48000/2\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n"
	return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3 4\r\n" +
		part(sound, "0", "sendrecv") + part(sound, "1", "recvonly") + part(sound, "2", "recvonly") +
		part(chromium, "3", "sendrecv") + part(chromium, "4", "recvonly")
}

// What a browser is answered for pictures: two sections, VP8 before H.264, a way
// to ask for lost packets and key frames, no RTX; and nothing of it for sound.
func TestAnswerOfPictures(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		sections := b.answer(t, 1, chromiumOffer())
		for i, direction := range []string{"sendrecv", "sendonly", "sendonly", "sendrecv", "sendonly"} {
			for _, want := range []string{"a=extmap:3 ", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 goog-remb"} {
				if strings.Contains(sections[i], want) != (i > 2) {
					t.Errorf("%s in section %d is wrong:\n%s", want, i, sections[i])
				}
			}
			for _, no := range []string{"rtx", "red", "AV1", "VP9", "packetization-mode=0"} {
				if strings.Contains(sections[i], no) {
					t.Errorf("%s in section %d:\n%s", no, i, sections[i])
				}
			}
			if !strings.Contains(sections[i], "a="+direction) || i > 2 && !strings.HasPrefix(sections[i], "video 9 UDP/TLS/RTP/SAVPF 96 10") {
				t.Errorf("section %d is not %s, or VP8 is not first:\n%s", i, direction, sections[i])
			}
		}
	})
}

// A browser that has none of our formats is refused its pictures, not its sound.
func TestNoPicturesInCommon(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		sections := b.answer(t, 1, strings.NewReplacer("VP8", "VP7", "H264", "H265").Replace(chromiumOffer()))
		for i, s := range sections {
			if refused := strings.HasPrefix(s, "video 0 "); refused != (i > 2) {
				t.Errorf("section %d:\n%s", i, s)
			}
		}
	})
}

// answer offers and returns the sections of the answer.
func (b *bubble) answer(t *testing.T, number int, offer string) []string {
	t.Helper()
	k := b.hello(Hello{Tab: "one"})
	k.send(SDP{Type: TypeOffer, SDP: offer, Peer: number})
	time.Sleep(100 * time.Millisecond)
	answer := k.last(TypeAnswer)
	if answer == nil {
		t.Fatalf("no answer; bye %v", k.last(TypeBye))
	}
	sections := strings.Split(answer["sdp"].(string), "m=")[1:]
	if len(sections) != 5 {
		t.Fatalf("%d sections in the answer %v", len(sections), answer)
	}
	return sections
}
