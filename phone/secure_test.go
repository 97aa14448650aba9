package phone_test

import (
	"path/filepath"
	"testing"
	"time"

	"callfloor/media/codec"
	"callfloor/phone"
	"callfloor/sip/sdp"
)

// The audio of an encrypted call is checked as audio: what was said comes back.
func TestSecureCallHearsItsEcho(t *testing.T) {
	for method, want := range map[sdp.Method]string{
		sdp.SDES: "AEAD_AES_128_GCM (SDES)", sdp.DTLS: "AEAD_AES_128_GCM (DTLS)", "": "",
	} {
		t.Run("srtp "+string(method), func(t *testing.T) {
			host, digits := exchange(t)
			name := filepath.Join(t.TempDir(), "heard.wav")
			res, err := phone.Call(t.Context(), phone.CallOptions{
				URI: "sip:echo@" + host, Codecs: []codec.ID{codec.PCMU}, SRTP: method,
				Play: "tone:440", DTMF: "1@400ms,#@800ms", For: 2200 * time.Millisecond, Record: name,
			})
			if err != nil {
				t.Fatal(err)
			}
			if res.Result != phone.Completed || res.Digits != "1#" || res.Sent < 70 || res.Received < 50 || res.Lost > 0 || res.Refused > 2 {
				t.Errorf("result %+v", res)
			}
			if (res.SRTP == nil) != (want == "") || res.SRTP != nil && *res.SRTP != want {
				t.Errorf("encrypted by %v, want %q", res.SRTP, want)
			}
			if a, b := <-digits, <-digits; a != '1' || b != '#' {
				t.Errorf("the far end got %c %c", a, b)
			}
			wantTone(t, name, 440, 2100*time.Millisecond)
		})
	}
}
