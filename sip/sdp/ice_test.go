package sdp_test

import (
	"strings"
	"testing"

	"callfloor/sip/sdp"
)

// ofBrowser is an offer as browsers make it before they know their address.
func ofBrowser(attrs ...string) string {
	raw := withProto("UDP/TLS/RTP/SAVPF", append([]string{print, "a=setup:actpass", "a=mid:audio1", "a=ice-ufrag:them", "a=ice-pwd:0123456789012345678901"}, attrs...)...)
	return strings.Replace(raw, "m=audio", "a=group:BUNDLE audio1\r\nm=audio", 1)
}

// TestICE: an offer with ICE is answered by the lite side with one address; one
// whose RTCP has a port of its own, or a password that is none, without ICE.
func TestICE(t *testing.T) {
	l := secure(sdp.Optional, "")
	l.ICE = sdp.ICE{Ufrag: "usususus", Pwd: "abcdefghijklmnopqrstuvwxyz"}
	for _, tt := range []struct {
		name, offer string
		ice         bool
	}{
		{"a browser", ofBrowser("a=rtcp-mux"), true},
		{"its address is not known yet", strings.Replace(ofBrowser("a=rtcp-mux"), "c=IN IP4 "+strings.Fields(strings.SplitAfter(ofBrowser(), "c=IN IP4 ")[1])[0], "c=IN IP4 0.0.0.0", 1), true},
		{"RTCP apart", ofBrowser(), false},
		{"no password", strings.Replace(ofBrowser("a=rtcp-mux"), "0123456789012345678901", "short", 1), false},
		{"a bad name", strings.Replace(ofBrowser("a=rtcp-mux"), "ufrag:them", "ufrag:th em", 1), false},
	} {
		s, err := sdp.Parse([]byte(tt.offer))
		if err != nil {
			t.Fatal(err)
		}
		answer, a, err := sdp.Answer(s, l)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		for _, line := range []string{"a=ice-lite", "a=group:BUNDLE audio1", "a=mid:audio1", "a=ice-ufrag:usususus", "a=ice-pwd:abcdefghijklmnopqrstuvwxyz", " typ host"} {
			if strings.Contains(string(answer), line) != tt.ice {
				t.Errorf("%s: %q there: %v, want %v\n%s", tt.name, line, !tt.ice, tt.ice, answer)
			}
		}
		if (a.ICE != nil) != tt.ice || a.Theirs != sdp.SendRecv {
			t.Errorf("%s: %+v", tt.name, a)
		}
		if a.ICE != nil && (a.ICE.RemoteUfrag != "them" || a.ICE.Ufrag != l.ICE.Ufrag || a.ICE.Pwd != l.ICE.Pwd) {
			t.Errorf("%s: %+v", tt.name, a.ICE)
		}
	}
	// Ours to a browser, and its answer.
	l = secure(sdp.Optional, sdp.DTLS)
	l.ICE = sdp.ICE{Ufrag: "usususus", Pwd: "abcdefghijklmnopqrstuvwxyz", Offer: true}
	offered := string(sdp.Offer(l))
	if i := strings.Index(offered, "a=ice-lite"); i < 0 || i > strings.Index(offered, "m=audio") || !strings.Contains(offered, "a=mid:0\r\na=ice-ufrag:usususus") {
		t.Errorf("our offer:\n%s", offered)
	}
	s, err := sdp.Parse([]byte(strings.Replace(ofBrowser("a=rtcp-mux"), "actpass", "active", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if a, err := sdp.Accept(s, l); err != nil || a.ICE == nil || a.ICE.RemoteUfrag != "them" {
		t.Errorf("%+v, %v", a, err)
	}
}
