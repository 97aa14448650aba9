package sip_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"callfloor/internal/siptest"
	"callfloor/media"
	"callfloor/sip"
)

// hashes are passwords as the house keeps them, by user and algorithm.
type hashes map[[2]string]string

func (h hashes) HA1(user, algorithm string) (string, bool) {
	ha1, ok := h[[2]string{user, algorithm}]
	return ha1, ok
}

// someUsers are so many names of one length of which every second one has a
// telephone.
const someUsers = 20_000

func someUser(i int) string { return fmt.Sprintf("u%06d", i) }

// BenchmarkKnownAndUnknown asks over loopback about users that there are and that
// there are not, one by one in no order, and reports how long the answers took, and
// how likely two samples of one distribution differ as much (Mann and Whitney's test):
//
//	go test ./sip -run '^$' -bench KnownAndUnknown -benchtime 4000x
func BenchmarkKnownAndUnknown(b *testing.B) {
	phones := hashes{}
	for i := 0; i < someUsers; i += 2 {
		for _, a := range []string{sip.MD5, sip.SHA256} {
			phones[[2]string{someUser(i), a}] = sip.HA1(a, someUser(i), "open sesame")
		}
	}
	const ours, another = `nonce="`, `nonce="A`
	for _, q := range []struct{ name, method, strangers, nonce, realm string }{
		{"REGISTER", "REGISTER", "", "", ""},
		{"REGISTER_wrong_password", "REGISTER", "", ours, sip.Realm},
		{"REGISTER_wrong_nonce", "REGISTER", "", another, sip.Realm},
		{"REGISTER_wrong_realm", "REGISTER", "", ours, "asterisk"},
		{"INVITE", "INVITE", sip.StrangersAnswered, "", ""},
		{"INVITE_wrong_password", "INVITE", sip.StrangersChallenged, ours, sip.Realm},
		{"INVITE_wrong_nonce", "INVITE", sip.StrangersChallenged, another, sip.Realm},
		{"OPTIONS", "OPTIONS", "", "", ""},
	} {
		b.Run(q.name, func(b *testing.B) {
			a := newAsker(b, phones, q.strangers)
			challenge := a.ask("REGISTER", "u", "").Header("WWW-Authenticate")
			challenge = strings.Replace(strings.Replace(challenge, ours, q.nonce, 1), `realm="`+sip.Realm, `realm="`+q.realm, 1)
			order := rand.New(rand.NewPCG(1, 2)).Perm(someUsers)
			var took [2][]float64 // of those that there are, and of the others
			for i := range b.N {
				n := order[i%someUsers]
				proof := ""
				if q.nonce != "" {
					proof = a.guess(q.method, challenge, someUser(n))
				}
				a.ask(q.method, someUser(n), proof)
				took[n%2] = append(took[n%2], float64(a.took.Nanoseconds())/1e3)
			}
			report(b, took)
		})
	}
}

// asker asks a server of its own.
type asker struct {
	*siptest.Peer
	b    *testing.B
	at   string
	seq  int
	took time.Duration // of the last answer
}

func newAsker(b *testing.B, phones sip.Phones, strangers string) *asker {
	b.Helper()
	pacer := media.NewPacer()
	cfg := sip.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	if strangers != "" {
		cfg.Strangers = strangers
	}
	ports, err := media.NewPorts(22002, 23001)
	if err != nil {
		b.Fatal(err)
	}
	srv, err := sip.New(cfg, sip.Options{Pacer: pacer, Ports: ports, OnCall: exchange, Phones: phones})
	if err != nil {
		b.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Close(ctx)
		pacer.Close()
	})
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return &asker{Peer: siptest.NewPeer(b, conn, net.UDPAddrFromAddrPort(srv.Addr()), "k"), b: b, at: srv.Addr().String()}
}

// guess is a wrong password's answer to a challenge.
func (a *asker) guess(method, challenge, user string) string {
	a.b.Helper()
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		a.b.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: method, URI: "sip:" + a.at, Username: user, Password: "guess", Count: 1})
	if err != nil {
		a.b.Fatal(err)
	}
	return "Authorization: " + cred.String() + "\r\n"
}

// ask sends one request about a user and waits for its final answer.
func (a *asker) ask(method, user, header string) siptest.Message {
	a.b.Helper()
	a.seq++
	request := func(method, header, body string) string {
		return fmt.Sprintf("%s sip:%s@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKk%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%s@{to}>;tag=f\r\nTo: <sip:%s@{to}>\r\n"+
			"Call-ID: k%d\r\nCSeq: 1 %s\r\nContact: <sip:x@{me}>\r\n%sContent-Length: %d\r\n\r\n%s", method, user, a.seq, user, user, a.seq, method, header, len(body), body)
	}
	body := ""
	if method == "INVITE" {
		header, body = header+"Content-Type: application/sdp\r\n", siptest.SDP
	}
	text := request(method, header, body)
	began := time.Now()
	a.Send(text)
	m := a.Read()
	for strings.HasPrefix(m.Start, "SIP/2.0 1") || m.Header("Call-ID") != fmt.Sprint("k", a.seq) { // or one that came again
		m = a.Read()
	}
	a.took = time.Since(began)
	if method == "INVITE" {
		a.Send(request("ACK", "", ""))
	}
	return m
}

func report(b *testing.B, took [2][]float64) {
	b.Helper()
	if len(took[0]) < 20 || len(took[1]) < 20 {
		return
	}
	for i, who := range []string{"known", "unknown"} {
		slices.Sort(took[i])
		for _, p := range []int{50, 95} {
			b.ReportMetric(took[i][len(took[i])*p/100], fmt.Sprintf("%s-p%d-µs", who, p))
		}
	}
	b.ReportMetric(likely(took[0], took[1]), "likely")
}

// likely is the p-value of the Mann–Whitney test of two sorted samples, by its normal
// approximation.
func likely(a, b []float64) float64 {
	var u float64 // pairs in which a's is the larger; half for equal ones
	for _, x := range a {
		lo, same := slices.BinarySearch(b, x)
		u += float64(lo)
		for ; same && lo < len(b) && b[lo] == x; lo++ {
			u += 0.5
		}
	}
	n, m := float64(len(a)), float64(len(b))
	z := (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}
