package web

import (
	"strings"
	"testing"
	"time"
)

const offerHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n"

func audio(direction string) string {
	return "m=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=" + direction + "\r\n"
}

func video(direction string) string {
	return strings.Replace(audio(direction), "m=audio", "m=video", 1)
}

func TestCheckOffer(t *testing.T) {
	for name, c := range map[string]struct{ sdp, want string }{
		"a seat":         {offerHead + audio("sendrecv") + audio("recvonly") + audio("recvonly"), ""},
		"no microphone":  {offerHead + audio("recvonly"), ""},
		"garbage":        {"hello", "not SDP"},
		"empty":          {"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", "0 audio"},
		"four":           {offerHead + strings.Repeat(audio("recvonly"), 4), "4 audio"},
		"pictures":       {offerHead + audio("sendrecv") + audio("recvonly") + audio("recvonly") + video("sendrecv") + video("recvonly"), ""},
		"video alone":    {offerHead + video("sendrecv"), "0 audio"},
		"three videos":   {offerHead + audio("sendrecv") + video("sendrecv") + strings.Repeat(video("recvonly"), 2), "3 video"},
		"video first":    {offerHead + video("sendrecv") + audio("sendrecv"), "audio comes first"},
		"two cameras":    {offerHead + audio("sendrecv") + strings.Repeat(video("sendrecv"), 2), "recvonly"},
		"data":           {offerHead + strings.Replace(audio("sendrecv"), "m=audio", "m=application", 1), "neither"},
		"two senders":    {offerHead + audio("sendrecv") + audio("sendrecv"), "recvonly"},
		"no direction":   {offerHead + audio("sendrecv") + audio("mid:1"), "recvonly"},
		"no fingerprint": {strings.Replace(offerHead, "fingerprint", "finger", 1) + audio("sendrecv"), "fingerprint"},
	} {
		t.Run(name, func(t *testing.T) {
			prints, err := checkOffer(c.sdp)
			if c.want == "" && (err != nil || prints == "") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%q, %v; want %q", prints, err, c.want)
			}
		})
	}
}

func FuzzCheckOffer(f *testing.F) {
	f.Add(offerHead + audio("sendrecv") + audio("recvonly") + audio("recvonly"))
	f.Add("v=0")
	f.Add(offerHead + audio("sendrecv") + video("sendrecv") + video("recvonly"))
	f.Fuzz(func(t *testing.T, sdp string) {
		if prints, err := checkOffer(sdp); (prints == "") == (err == nil) {
			t.Fatalf("fingerprints %q with error %v", prints, err)
		}
	})
}

// A connection that ends while its offer is being answered is over when the
// answer is.
func TestCloseWaitsForTheAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.hello(Hello{Tab: "one"})
		seat, _ := b.server.Seat("alice")
		p, err := seat.peerFor(seat.phone, 1, "a certificate")
		if err != nil {
			t.Fatal(err)
		}
		seat.retire()
		over := make(chan struct{})
		go func() { p.work.Wait(); close(over) }()
		time.Sleep(time.Minute)
		select {
		case <-over:
			t.Error("it is over while it is answered")
		default:
		}
		p.work.Done()
		<-over
	})
}
