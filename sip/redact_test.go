package sip

import (
	"strconv"
	"strings"
	"testing"

	gosip "github.com/emiago/sipgo/sip"
)

func parsed(t testing.TB, raw string) gosip.Message {
	t.Helper()
	head, body, _ := strings.Cut(strings.ReplaceAll(raw, "\n", "\r\n"), "\r\n\r\n")
	m, err := gosip.ParseMessage([]byte(strings.Replace(head, "Content-Length: 0", "Content-Length: "+strconv.Itoa(len(body)), 1) + "\r\n\r\n" + body))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const invited = `INVITE sip:1000@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1
From: "Bob" <sip:bob:hunter2@192.0.2.9>;tag=a
To: <sip:1000@192.0.2.1>
Call-ID: x@y
CSeq: 1 INVITE
Proxy-Authorization: Digest username="bob",
 response="53cr37"
X-Note: ` + "\x1b[31mred\u202e" + `
Content-Type: application/sdp
Content-Length: 0

v=0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEYKEYKEY|2^20
k=clear:KEYKEYKEY
a=ice-pwd:KEYKEYKEY
a=ice-ufrag:open
`

// What is kept of a message opens no door and tells no keys.
func TestRedact(t *testing.T) {
	got := Redact(parsed(t, invited))
	for _, secret := range []string{"hunter2", "53cr37", "KEYKEYKEY", "\x1b", "\u202e"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is in\n%s", secret, got)
		}
	}
	for _, kept := range []string{"INVITE sip:1000@192.0.2.1 SIP/2.0\r\n", "Proxy-Authorization: (removed)\r\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 (removed)\r\n", "Call-ID: x@y"} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is not in\n%s", kept, got)
		}
	}
	info := strings.Replace(strings.Replace(invited[:strings.Index(invited, "Proxy-")], "INVITE", "INFO", 2), "1 INVITE", "1 INFO", 1)
	for kind, body := range map[string]string{"application/dtmf-relay": "Signal=5\r\n", "application/dtmf": "5", "text/plain": "card 4111"} {
		m := parsed(t, info+"Content-Type: "+kind+"\nContent-Length: 0\n\n")
		m.SetBody([]byte(body))
		if out := Redact(m); !strings.HasSuffix(out, "\r\n\r\n(removed)\r\n") {
			t.Errorf("%s: %s", kind, out)
		}
	}
	for line, want := range map[string]string{
		"INVITE sips:a:hunter2@b SIP/2.0":      "INVITE sips:a:(removed)@b SIP/2.0",
		"Contact: <SIP:a:x;y@b:5060>, sip:c@d": "Contact: <SIP:a:(removed)@b:5060>, sip:c@d",
		"From: <sip:a@b:5060>;tag=1:2@3":       "From: <sip:a@b:5060>;tag=1:2@3",
		"Route: <sip:b:5060;lr>":               "Route: <sip:b:5060;lr>",
		"X: sip:":                              "X: sip:",
	} {
		if got := withoutPassword(line); got != want {
			t.Errorf("%s became %s", line, got)
		}
	}
	long := parsed(t, info+"X-Long: "+strings.Repeat("é", maxTraceMessage)+"\nContent-Length: 0\n\n")
	if out := Redact(long); len(out) > maxTraceMessage+16 || !strings.HasSuffix(out, "(cut)\r\n") {
		t.Errorf("%d octets are kept", len(out))
	}
}

func BenchmarkRedact(b *testing.B) {
	m := parsed(b, invited)
	b.ReportAllocs()
	for b.Loop() {
		Redact(m)
	}
}
