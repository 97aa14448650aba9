package sip_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/internal/siptest"
	"callfloor/sip"
	"callfloor/sip/stir"
)

const signerURL = "https://certificates.example.org/signer.pem"

// signing writes a key and, into a trust folder, its certificate.
func signing(t *testing.T) (key *ecdsa.PrivateKey, keyFile, trust string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SHAKEN"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	trust, keyFile = filepath.Join(dir, "trust"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.Mkdir(trust, 0o700),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}), 0o600),
		os.WriteFile(filepath.Join(trust, "signer.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)); err != nil {
		t.Fatal(err)
	}
	return key, keyFile, trust
}

// A call that one server signs is verified by another; what nobody signed, or
// somebody else, is not, and no certificate keeps a call waiting for long.
func TestSignedCallersAreVerified(t *testing.T) {
	key, keyFile, trust := signing(t)
	inBubble(t, func(c *sip.Config) {
		c.STIR.Trust = trust
	}, func(w *world) {
		carrier := w.server("10.0.0.2:5060", func(c *sip.Config) {
			c.STIR.Key, c.STIR.Certificate, c.STIR.Attest = keyFile, signerURL, "A"
		}, nil)
		vouched := make(chan sip.Vouched, 1)
		go func() {
			l := <-w.calls
			vouched <- l.Vouch(context.Background())
			_ = l.Reject(486, "Busy Here")
		}()
		_, _ = carrier.Dial(context.Background(), "sip:+12155551213@10.0.0.1", sip.DialOptions{From: "+12155551212"})
		if v := <-vouched; v != (sip.Vouched{Trust: sip.TrustVerified, Attest: "A"}) {
			t.Errorf("%+v", v)
		}
		w.close(carrier)

		signer := &stir.Signer{Key: key, X5U: signerURL, Attest: stir.Gateway}
		sign := func(from, to string) string {
			v, err := signer.Sign(from, to, "id")
			if err != nil {
				t.Fatal(err)
			}
			return "Identity: " + v
		}
		other := strings.Replace(sign("13800138000", "1000"), "signer.pem", "other.pem", 1)
		for i, c := range []struct {
			name, header string
			want         sip.Vouched
		}{
			{"gateway", sign("13800138000", "1000"), sip.Vouched{Trust: sip.TrustUnknown, Attest: "C"}},
			{"its compact name", strings.Replace(sign("13800138000", "1000"), "Identity:", "y:", 1), sip.Vouched{Trust: sip.TrustUnknown, Attest: "C"}},
			{"none", "Subject: x", sip.Vouched{Trust: sip.TrustUnknown}},
			{"another caller", sign("13800138001", "1000"), sip.Vouched{Trust: sip.TrustUnknown, Why: "the Identity header is about other numbers: another caller"}},
			{"no semicolon", "Identity: " + strings.Repeat("A", 300), sip.Vouched{Trust: sip.TrustUnknown, Why: "the Identity header is malformed: it has no whole token"}},
			{"another address", other, sip.Vouched{Trust: sip.TrustUnknown, Why: "the Identity header is malformed: info is not the token's x5u"}},
		} {
			p := w.peer("vouch" + string(rune('a'+i)))
			p.RequestBranch("INVITE", 1, "z9hG4bKv", siptest.SDP, c.header)
			l := <-w.calls
			if v := l.Vouch(context.Background()); v != c.want {
				t.Errorf("%s: %+v", c.name, v)
			}
			_ = l.Reject(486, "Busy Here")
			p.Expect("SIP/2.0 486")
			p.RequestBranch("ACK", 1, "z9hG4bKv", "")
		}
	})
	slow := func(ctx context.Context, _ string, _ int64) ([]byte, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	inBubble(t, nil, func(w *world) {
		w.close(w.srv)
		w.options = func(o *sip.Options) { o.Fetch = slow }
		w.srv = w.server(serverAddr, func(c *sip.Config) { c.STIR.Trust, c.STIR.Fetch = trust, true }, func(l *sip.Leg) { w.calls <- l })
		defer w.close(w.srv)
		value, err := (&stir.Signer{Key: key, X5U: "https://127.0.0.1/cert.pem", Attest: stir.Full}).Sign("13800138000", "1000", "id")
		if err != nil {
			t.Fatal(err)
		}
		p := w.peer("slow")
		p.RequestBranch("INVITE", 1, "z9hG4bKs", siptest.SDP, "Identity: "+value)
		l := <-w.calls
		start := time.Now()
		if v := l.Vouch(context.Background()); v.Trust != sip.TrustUnknown || v.Attest != "" || v.Why == "" {
			t.Errorf("%+v", v)
		}
		if took := time.Since(start); took > 2100*time.Millisecond {
			t.Errorf("the call waited %v", took)
		}
		_ = l.Reject(486, "Busy Here")
		p.Expect("SIP/2.0 486")
		p.RequestBranch("ACK", 1, "z9hG4bKs", "")
	})
}

func TestSTIRAndHEPConfiguration(t *testing.T) {
	_, keyFile, trust := signing(t)
	for _, c := range []struct {
		name   string
		change func(*sip.Config)
		want   string
	}{
		{"good", func(c *sip.Config) { c.STIR.Trust, c.STIR.Key, c.STIR.Certificate = trust, keyFile, signerURL }, ""},
		{"attestation", func(c *sip.Config) { c.STIR.Attest = "D" }, "sip.stir.attest"},
		{"timeout", func(c *sip.Config) { c.STIR.Timeout = time.Minute }, "sip.stir.timeout"},
		{"age", func(c *sip.Config) { c.STIR.MaxAge = time.Hour }, "sip.stir.max_age"},
		{"fetching for nobody", func(c *sip.Config) { c.STIR.Fetch = true }, "sip.stir.fetch"},
		{"no certificate", func(c *sip.Config) { c.STIR.Key = keyFile }, "sip.stir.certificate"},
		{"no such key", func(c *sip.Config) { c.STIR.Key, c.STIR.Certificate = trust+"/none", signerURL }, "sip.stir.key"},
		{"no such folder", func(c *sip.Config) { c.STIR.Trust = trust + "/none" }, "sip.stir.trust"},
		{"collector", func(c *sip.Config) { c.HEP.To = "homer" }, "sip.hep.to"},
		{"collector's number", func(c *sip.Config) { c.HEP.ID = -1 }, "sip.hep.id"},
		{"session timer", func(c *sip.Config) { c.SessionExpires = time.Minute }, "sip.session_expires"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := sip.DefaultConfig()
			c.change(&cfg)
			_, err := sip.New(cfg, sip.Options{})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Copies of a call's messages go to the collector, both ways, without secrets.
func TestMessagesGoToTheCollector(t *testing.T) {
	homer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = homer.Close() }()
	srv := serverWith(t, "127.0.0.1:0", func(c *sip.Config) { c.HEP.To = homer.LocalAddr().String() })
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := siptest.NewPeer(t, conn, net.UDPAddrFromAddrPort(srv.Addr()), "homer")
	p.RequestBranch("INVITE", 1, "z9hG4bKhep", siptest.SDP, `Authorization: Digest response="53cr37"`)
	p.Expect("SIP/2.0 200")
	p.Request("ACK", 1, "")
	p.Request("BYE", 2, "")
	p.Expect("SIP/2.0 200")
	buf, seen := make([]byte, 65536), ""
	for !strings.Contains(seen, "BYE sip:") || !strings.Contains(seen, "SIP/2.0 200 OK") {
		_ = homer.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, _, err := homer.ReadFrom(buf)
		if err != nil {
			t.Fatalf("%v; until now:\n%s", err, seen)
		}
		if string(buf[:4]) != "HEP3" {
			t.Fatalf("%q", buf[:n])
		}
		seen += string(buf[:n])
	}
	if strings.Contains(seen, "53cr37") || !strings.Contains(seen, "homer") {
		t.Errorf("%q", seen)
	}
}

// A call that is redirected is signed for the number that it goes to.
func TestRedirectedCallsAreSignedAnew(t *testing.T) {
	_, keyFile, _ := signing(t)
	inBubble(t, func(c *sip.Config) {
		c.STIR.Key, c.STIR.Certificate, c.STIR.Attest = keyFile, signerURL, "A"
	}, func(w *world) {
		c := w.carrier("10.0.1.1:5060", func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE sip:+12155551213@") {
				return []string{"302 Moved Temporarily\r\nContact: <sip:+12155551214@10.0.1.1>"}
			}
			return takes(nil, m)
		})
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			call := to("+12155551213")
			call.Caller = "+12155551212"
			call.Redirect = func(_ context.Context, user string) (sip.TrunkNumber, error) { return sip.TrunkNumber{E164: user}, nil }
			l, err := tr.Dial(context.Background(), call)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range c.got("INVITE") {
				part := strings.Split(m.Header("Identity"), ".")
				if len(part) < 3 {
					t.Fatalf("not signed:\n%s", m.Raw)
				}
				payload, err := base64.RawURLEncoding.DecodeString(part[1])
				if want := []string{"12155551213", "12155551214"}[i]; err != nil || !strings.Contains(string(payload), `"dest":{"tn":["`+want) {
					t.Errorf("INVITE %d is signed for %s, want %s", i, payload, want)
				}
			}
			l.Hangup(done)
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}})
	})
}
