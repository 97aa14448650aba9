package sdp_test

import (
	"errors"
	"strings"
	"testing"

	"callfloor/media"
	"callfloor/sip/sdp"
)

// Keys of 30, 28 and 44 octets.
const (
	key30 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
	key28 = "R0NNR0NNR0NNR0NNR0NNR0NNR0NNR0NNR0NNRw=="
	key44 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM="
	print = "a=fingerprint:sha-256 AA:BB:CC"
)

// secure is a side that keeps its keys.
func secure(policy sdp.Policy, offer sdp.Method) sdp.Local {
	keys := map[media.Suite]media.Key{}
	l := ours
	l.Security = sdp.Security{
		Policy: policy, Offer: offer, Fingerprint: media.Fingerprint{Hash: "sha-256", Value: "11:22"},
		Key: func(s media.Suite) media.Key {
			if _, ok := keys[s]; !ok {
				keys[s] = media.GenerateKey(s)
			}
			return keys[s]
		},
	}
	return l
}

func withProto(proto string, attrs ...string) string {
	return strings.Replace(offer("0 8", attrs...), "RTP/AVP", proto, 1)
}

func TestSecureAnswer(t *testing.T) {
	cm80, cm32 := "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30, "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"+key30
	gcm := "a=crypto:3 AEAD_AES_128_GCM inline:" + key28
	for _, tt := range []struct {
		name, offer string
		suite       media.Suite // "": no keys
		dtls        bool
		active      bool
		wants       []string
	}{
		{"the strongest cheap suite wins", withProto("RTP/SAVP", cm80, cm32, gcm), media.AES128GCM, false, false, []string{"RTP/SAVP 0", "a=crypto:3 AEAD_AES_128_GCM inline:"}},
		{"the only suite", withProto("RTP/SAVPF", cm32), media.AES128CM32, false, false, []string{"RTP/SAVPF 0", "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"}},
		{"AES-256", withProto("RTP/SAVP", "a=crypto:1 AEAD_AES_256_GCM inline:"+key44), media.AES256GCM, false, false, nil},
		{"a name of the drafts", withProto("RTP/SAVP", "a=crypto:7 AES_CM_256_HMAC_SHA1_80 inline:"+key44[:59]+"MDE="), media.AES256CM80, false, false, []string{"a=crypto:7 AES_CM_256_HMAC_SHA1_80 inline:"}},
		{"lifetime, MKI, window", withProto("RTP/SAVP", cm80+"|2^20|1:4 WSH=64 -x"), media.AES128CM80, false, false, []string{"a=crypto:1 "}},
		{"plain with keys is encrypted (RFC 8643)", withProto("RTP/AVP", cm80), media.AES128CM80, false, false, []string{"RTP/AVP 0", "a=crypto:1 "}},
		{"plain", withProto("RTP/AVP"), "", false, false, []string{"RTP/AVP 0"}},
		{"plain with keys that nobody knows", withProto("RTP/AVP", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:"+key30), "", false, false, []string{"RTP/AVP 0"}},
		{"DTLS, they leave it to us", withProto("UDP/TLS/RTP/SAVP", print, "a=setup:actpass"), "", true, false, []string{"UDP/TLS/RTP/SAVP 0", "a=setup:passive", "a=fingerprint:sha-256 11:22"}},
		{"DTLS, they begin", withProto("UDP/TLS/RTP/SAVPF", print, "a=setup:active"), "", true, false, []string{"a=setup:passive"}},
		{"DTLS, we begin", withProto("UDP/TLS/RTP/SAVP", print, "a=setup:passive"), "", true, true, []string{"a=setup:active"}},
		{"DTLS in the session's part", strings.Replace(withProto("UDP/TLS/RTP/SAVP"), "t=0 0\r\n", "t=0 0\r\n"+print+"\r\na=setup:passive\r\n", 1), "", true, true, nil},
		{"DTLS under the old name", withProto("RTP/SAVPF", print, "a=setup:actpass"), "", true, false, nil},
		{"the encrypted one of two", offer("0") + "m=audio 4002 RTP/SAVP 0\r\n" + cm80 + "\r\n", media.AES128CM80, false, false, []string{"m=audio 0 RTP/AVP 0\r\n", "RTP/SAVP 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := sdp.Parse([]byte(tt.offer))
			if err != nil {
				t.Fatal(err)
			}
			l := secure(sdp.Optional, "")
			raw, a, err := sdp.Answer(s, l)
			if err != nil {
				t.Fatal(err)
			}
			p := a.Protection
			if p.Send.Suite != tt.suite || p.Receive.Suite != tt.suite || (p.DTLS != nil) != tt.dtls || tt.dtls && p.DTLS.Active != tt.active {
				t.Errorf("agreed on %+v, DTLS %+v", p, p.DTLS)
			}
			if tt.suite != "" && !strings.Contains(string(raw), "inline:"+l.Security.Key(tt.suite).Inline()) {
				t.Error("our key is not in the answer")
			}
			for _, w := range tt.wants {
				if !strings.Contains(string(raw), w) {
					t.Errorf("the answer lacks %q:\n%s", w, raw)
				}
			}
			subset(t, []byte(tt.offer))
		})
	}
}

func TestNotSecure(t *testing.T) {
	plain, sdes := withProto("RTP/AVP"), withProto("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30)
	for name, tt := range map[string]struct {
		policy sdp.Policy
		offer  string
	}{
		"off":               {sdp.Off, sdes},
		"off, DTLS":         {sdp.Off, withProto("UDP/TLS/RTP/SAVP", print)},
		"required":          {sdp.Require, plain},
		"no line":           {sdp.Optional, withProto("RTP/SAVP")},
		"no fingerprint":    {sdp.Optional, withProto("UDP/TLS/RTP/SAVP", "a=setup:actpass")},
		"keys with TLS":     {sdp.Optional, withProto("UDP/TLS/RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30)},
		"no connection now": {sdp.Optional, withProto("UDP/TLS/RTP/SAVP", print, "a=setup:holdconn")},
		"short key":         {sdp.Optional, withProto("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key28)},
		"no base64":         {sdp.Optional, withProto("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:!!!")},
		"not encrypted":     {sdp.Optional, withProto("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30+" UNENCRYPTED_SRTP")},
		"two keys":          {sdp.Optional, withProto("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30+"|1:1;inline:"+key30+"|2:1")},
		"MKI too long":      {sdp.Optional, withProto("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30+"|256:1")},
	} {
		s, err := sdp.Parse([]byte(tt.offer))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := sdp.Answer(s, secure(tt.policy, "")); !errors.Is(err, sdp.ErrNotSecure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := sdp.Parse([]byte(withProto("RTP/AVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30)))
	if err != nil {
		t.Fatal(err)
	}
	if _, a, err := sdp.Answer(s, secure(sdp.Off, "")); err != nil || !a.Protection.Zero() {
		t.Errorf("plain with keys where encryption is off: %+v, %v", a.Protection, err)
	}
}

// What one side offers the other answers, and both come to the same keys.
func TestSecureOffer(t *testing.T) {
	for _, m := range []sdp.Method{sdp.SDES, sdp.DTLS, ""} {
		caller, called := secure(sdp.Require, m), secure(sdp.Optional, "")
		o, err := sdp.Parse(sdp.Offer(caller))
		if err != nil {
			t.Fatal(err)
		}
		raw, theirs, err := sdp.Answer(o, called)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := sdp.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		a, err := sdp.Accept(answer, caller)
		if err != nil {
			t.Fatalf("%s: %v\n%s", m, err, raw)
		}
		if a.Protection.Send.Inline() != theirs.Protection.Receive.Inline() || a.Protection.Receive.Inline() != theirs.Protection.Send.Inline() {
			t.Errorf("%s: the keys differ", m)
		}
		if (m == sdp.SDES) != (a.Protection.Send.Suite == media.AES128GCM) || (m == sdp.DTLS) != (a.Protection.DTLS != nil) {
			t.Errorf("%s: %+v", m, a.Protection)
		}
		if m == sdp.DTLS && a.Protection.DTLS.Active == theirs.Protection.DTLS.Active {
			t.Error("both begin, or neither")
		}
		if m == "" {
			continue
		}
		bare, err := sdp.Parse([]byte(offer("0")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sdp.Accept(bare, caller); !errors.Is(err, sdp.ErrNotSecure) {
			t.Errorf("%s: a plain answer gives %v", m, err)
		}
	}
}

// FuzzSecure: whatever an offer says about keys, the answer is one of its lines
// with a key of ours, and no panic.
func FuzzSecure(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:"+key30+"|2^20|1:4", "sha-256 AA:BB", "actpass")
	f.Add("9 AEAD_AES_128_GCM inline:"+key28+" KDR=0", "", "holdconn")
	f.Fuzz(func(t *testing.T, crypto, finger, setup string) {
		for _, proto := range []string{"RTP/SAVP", "RTP/AVP", "UDP/TLS/RTP/SAVP"} {
			raw := withProto(proto, "a=crypto:"+crypto, "a=fingerprint:"+finger, "a=setup:"+setup)
			s, err := sdp.Parse([]byte(raw))
			if err != nil {
				continue
			}
			answer, a, err := sdp.Answer(s, secure(sdp.Optional, ""))
			if err != nil {
				continue
			}
			if _, err := sdp.Parse(answer); err != nil {
				t.Fatalf("%v: %q", err, answer)
			}
			if p := a.Protection; p.Send.Valid() != p.Receive.Valid() || p.Send.Suite != p.Receive.Suite || p.Send.Valid() && p.DTLS != nil {
				t.Fatalf("agreed on %+v", p)
			}
		}
	})
}
