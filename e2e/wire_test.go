package e2e

import (
	"fmt"
	"math"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"callfloor/internal/siptest"
	"callfloor/media/codec"
)

// wirePhone is a customer made of two bare sockets, for tests that must know
// every port and the moment of every packet.
type wirePhone struct {
	t      *testing.T
	sip    *siptest.Peer
	line   string
	rtp    *net.UDPConn
	server *net.UDPAddr // where the server wants our sound
	came   atomic.Int64 // packets of RTP
	done   chan struct{}
}

var sdpAudio = regexp.MustCompile(`(?s)c=IN IP4 ([0-9.]+).*m=audio ([0-9]+) `)

// wireCall calls a line and answers the server's 200.
func (s *server) wireCall(line string) *wirePhone {
	s.t.Helper()
	sip, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		s.t.Fatal(err)
	}
	to, err := net.ResolveUDPAddr("udp4", s.sip)
	if err != nil {
		s.t.Fatal(err)
	}
	p := &wirePhone{t: s.t, line: line, rtp: media, done: make(chan struct{})}
	p.sip = siptest.NewPeer(s.t, sip, to, fmt.Sprintf("wire%d", media.LocalAddr().(*net.UDPAddr).Port))
	go p.listen()
	s.t.Cleanup(func() { _ = media.Close(); <-p.done })

	offer := strings.NewReplacer("10.0.0.9", "127.0.0.1", "4000", fmt.Sprint(media.LocalAddr().(*net.UDPAddr).Port)).Replace(siptest.SDP)
	p.request("INVITE", 1, offer)
	ok := p.sip.Expect("SIP/2.0 200")
	m := sdpAudio.FindStringSubmatch(ok.Body)
	if m == nil {
		s.t.Fatalf("there is no audio in the answer:\n%s", ok.Raw)
	}
	if p.server, err = net.ResolveUDPAddr("udp4", m[1]+":"+m[2]); err != nil {
		s.t.Fatal(err)
	}
	p.request("ACK", 1, "")
	return p
}

func (p *wirePhone) request(method string, seq int, body string) {
	p.t.Helper()
	to := "<sip:" + p.line + "@{to}>"
	if p.sip.ToTag != "" {
		to += ";tag={totag}"
	}
	lines := []string{
		method + " sip:" + p.line + "@{to} SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP {me};branch=z9hG4bK{callid}%s;rport", method),
		"Max-Forwards: 70", "From: <sip:13800138000@{me}>;tag=far{callid}", "To: " + to,
		"Call-ID: {callid}", fmt.Sprintf("CSeq: %d %s", seq, method), "Contact: <sip:13800138000@{me}>",
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	p.sip.Send(strings.Join(append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", body), "\r\n"))
}

// hangup ends the call.
func (p *wirePhone) hangup() {
	p.t.Helper()
	p.request("BYE", 2, "")
	p.sip.Expect("SIP/2.0 200")
}

func (p *wirePhone) listen() {
	defer close(p.done)
	b := make([]byte, 2048)
	for {
		if _, _, err := p.rtp.ReadFrom(b); err != nil {
			return
		}
		p.came.Add(1)
	}
}

// talk says a tone until stop is called: for 200 ms of every 500, so that its
// beginnings can be found again. stop returns when each beginning was said.
func (p *wirePhone) talk(hz float64) (stop func() []time.Time) {
	return sendTone(p.t, p.rtp, p.server, hz, 0x0CA11E4, func(frame int) bool { return frame%25 < 10 })
}

// sendTone sends PCMU from conn in real time, in frames that are sound or
// silence, until stop is called. A frame that is sent late is followed by the
// next ones at their own times, as a phone's clock does it: stop returns when
// each beginning was said by that clock, however late its packet left.
func sendTone(t *testing.T, conn *net.UDPConn, to *net.UDPAddr, hz float64, ssrc uint32, sounds func(frame int) bool) (stop func() []time.Time) {
	t.Helper()
	var begun []time.Time
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTimer(0)
		defer tick.Stop()
		start := time.Now()
		pcm, payload, before := make([]int16, 160), make([]byte, 160), false
		for frame := 0; ; frame++ {
			said := start.Add(time.Duration(frame) * 20 * time.Millisecond)
			tick.Reset(time.Until(said))
			select {
			case <-tick.C:
			case <-end:
				return
			}
			on := sounds(frame)
			for i := range pcm {
				pcm[i] = 0
				if on { // a cosine: it begins with its first sample
					pcm[i] = int16(9000 * math.Cos(2*math.Pi*hz*float64(frame*160+i)/8000))
				}
			}
			codec.Encode(codec.PCMU, payload, pcm)
			packet := rtp.Packet{Header: rtp.Header{
				Version: 2, SSRC: ssrc, SequenceNumber: uint16(frame), Timestamp: uint32(frame * 160), Marker: on && !before,
			}, Payload: payload}
			b, err := packet.Marshal()
			if err != nil {
				t.Errorf("make an RTP packet: %v", err)
				return
			}
			if _, err := conn.WriteTo(b, to); err != nil {
				t.Errorf("send an RTP packet: %v", err)
				return
			}
			if on && !before {
				begun = append(begun, said)
			}
			before = on
		}
	}()
	var once sync.Once
	stop = func() []time.Time {
		once.Do(func() { close(end) })
		<-done
		return begun
	}
	t.Cleanup(func() { stop() })
	return stop
}

// beginnings returns when sound begins after at least 100 ms of silence.
func (s sound) beginnings() []time.Duration {
	var found []time.Duration
	quiet := s.rate
	for i, v := range s.samples {
		switch loud := v > 1500 || v < -1500; {
		case !loud:
			quiet++
			continue
		case quiet >= s.rate/10:
			found = append(found, time.Duration(i)*time.Second/time.Duration(s.rate))
		}
		quiet = 0
	}
	return found
}
