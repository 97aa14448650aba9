//go:build linux

package main

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// rtpengine is the peer of W3: Debian's, in user space.
type rtpengine struct {
	*process
	ng   net.Conn
	next int
}

// rtpenginePath is where it is, or "".
func rtpenginePath() string {
	for _, name := range []string{"rtpengine", "/usr/sbin/rtpengine", "/usr/bin/rtpengine"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

func startRTPEngine(dir string) (*rtpengine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	control := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := start(nil, nil, rtpenginePath(), "--config-file=none", "--foreground", "--log-stderr", "--log-level=3", "--table=-1",
		"--interface=127.0.0.1", "--listen-ng="+control, "--port-min=16000", "--port-max=31998", "--pidfile="+filepath.Join(dir, "rtpengine.pid"))
	if err != nil {
		return nil, err
	}
	r := &rtpengine{process: p}
	if r.ng, err = net.Dial("udp", control); err != nil {
		return nil, err
	}
	for range 100 {
		if _, err = r.ask("d7:command4:pinge"); err == nil {
			return r, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("rtpengine does not answer: %w\n%s", err, p.out)
}

// ask sends one command of the ng protocol.
func (r *rtpengine) ask(bencoded string) (string, error) {
	r.next++
	if _, err := fmt.Fprintf(r.ng, "%d_1 %s", r.next, bencoded); err != nil {
		return "", err
	}
	_ = r.ng.SetReadDeadline(time.Now().Add(2 * time.Second))
	b := make([]byte, 8192)
	n, err := r.ng.Read(b)
	return string(b[:n]), err
}

func (r *rtpengine) server() *process { return r.process }

func bencode(pairs ...string) string {
	s := "d"
	for _, p := range pairs {
		s += strconv.Itoa(len(p)) + ":" + p
	}
	return s + "e"
}

var sdpLength = regexp.MustCompile(`3:sdp(\d+):`)

// sdpIn cuts the description out of a bencoded reply.
func sdpIn(reply string) (string, error) {
	m := sdpLength.FindStringSubmatchIndex(reply)
	if m == nil {
		return "", fmt.Errorf("no description in %q", reply)
	}
	n, err := strconv.Atoi(reply[m[2]:m[3]])
	if err != nil || m[1]+n > len(reply) {
		return "", fmt.Errorf("a description of %s octets in %q", reply[m[2]:m[3]], reply)
	}
	return reply[m[1] : m[1]+n], nil
}

// join makes rtpengine stand between a browser and a phone.
func (r *rtpengine) join(i int, offer string, phone netip.AddrPort) (string, netip.AddrPort, error) {
	id := fmt.Sprintf("call-%d", i)
	reply, err := r.ask(bencode("call-id", id, "command", "offer", "from-tag", "a", "sdp", offer, "ICE", "remove", "DTLS", "off", "transport-protocol", "RTP/AVP"))
	if err != nil {
		return "", netip.AddrPort{}, fmt.Errorf("rtpengine offer: %w", err)
	}
	to, err := portOf(reply)
	if err != nil {
		return "", to, fmt.Errorf("rtpengine offer: %w", err)
	}
	reply, err = r.ask(bencode("call-id", id, "command", "answer", "from-tag", "a", "to-tag", "b", "sdp", sdpOf(phone), "ICE", "force"))
	if err != nil {
		return "", to, fmt.Errorf("rtpengine answer: %w", err)
	}
	answer, err := sdpIn(reply)
	return answer, to, err
}

func sdpOf(a netip.AddrPort) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0 101\r\n"+
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\na=ptime:20\r\n", a.Addr(), a.Port())
}

var mediaLine = regexp.MustCompile(`m=audio (\d+) `)

func portOf(sdp string) (netip.AddrPort, error) {
	m := mediaLine.FindStringSubmatch(sdp)
	if m == nil {
		return netip.AddrPort{}, fmt.Errorf("no media in %q", sdp)
	}
	n, err := strconv.ParseUint(m[1], 10, 16)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(n)), err
}

// bridge sets up one call and returns where its phones send to.
func (r *rtpengine) bridge(i int, phones pair) (p pair, err error) {
	id := fmt.Sprintf("call-%d", i)
	for side, command := range []string{"offer", "answer"} {
		args := []string{"call-id", id, "command", command, "from-tag", "a", "sdp", sdpOf(phones[side])}
		if command == "answer" {
			args = append(args, "to-tag", "b")
		}
		reply, err := r.ask(bencode(args...))
		if err != nil {
			return p, fmt.Errorf("rtpengine %s: %w", command, err)
		}
		if p[1-side], err = portOf(reply); err != nil { // its port for the other phone
			return p, fmt.Errorf("rtpengine %s: %w", command, err)
		}
	}
	return p, nil
}
