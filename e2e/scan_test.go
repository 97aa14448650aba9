package e2e

import (
	"bytes"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"callfloor/internal/siptest"
	"callfloor/media/codec"
)

// noAudioOutside looks through every file of the data folder for a tone that a
// phone or a seat plays, in each form that it could have. An encrypted
// capture has none of them.
func (s *server) noAudioOutside(hz float64) {
	s.t.Helper()
	for _, found := range voiceIn(s.t, s.dir, hz) {
		s.t.Errorf("a voice is on the disk: %s", found)
	}
}

// voiceIn returns the files below dir that hold 10 ms of the phone's tone, and
// in which form.
func voiceIn(t *testing.T, dir string, hz float64) (found []string) {
	t.Helper()
	needles := toneNeedles(hz)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for name, needle := range needles {
			if bytes.Contains(b, needle) {
				found = append(found, path+" as "+name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// toneNeedles are 10 ms of the phone's tone in each form in which it could lie
// on a disk. TestTheScanFindsAVoice shows that they match.
func toneNeedles(hz float64) map[string][]byte {
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(math.Round(32767 * math.Pow(10, -12.0/20) * math.Sin(2*math.Pi*hz*float64(i)/8000)))
	}
	needles := map[string][]byte{}
	for _, c := range []codec.ID{codec.PCMU, codec.PCMA} {
		heard, decoded := inCodec(c, pcm)
		needles[c.String()] = heard[40:120]
		needles["PCM of "+c.String()] = decoded[80:240]
	}
	return needles
}

// inCodec returns pcm in a codec, and as the samples that one decodes from it.
func inCodec(c codec.ID, pcm []int16) (encoded, decoded []byte) {
	encoded = make([]byte, len(pcm))
	codec.Encode(c, encoded, pcm)
	back := make([]int16, len(pcm))
	codec.Decode(c, back, encoded)
	for _, v := range back {
		decoded = append(decoded, byte(v), byte(uint16(v)>>8))
	}
	return encoded, decoded
}

// TestTheScanFindsAVoice puts what the phone really sends on a disk, in plain
// forms: the scan must find each, or it could not fail.
func TestTheScanFindsAVoice(t *testing.T) {
	beside(t, phoning)
	for _, id := range []codec.ID{codec.PCMU, codec.PCMA} {
		frames := framesOfPhone(t, id, 60)
		plain := bytes.Join(frames, nil)
		withHeads := bytes.Join(frames, make([]byte, 23)) // as packets with something between
		pcm := make([]int16, len(plain))
		codec.Decode(id, pcm, plain)
		var decoded []byte
		for _, v := range pcm {
			decoded = append(decoded, byte(v), byte(uint16(v)>>8))
		}
		for name, b := range map[string][]byte{"plain": plain, "packets": withHeads, "decoded": decoded} {
			dir := t.TempDir()
			file := filepath.Join(dir, "a", "file")
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append([]byte("something before"), b...), 0o600); err != nil {
				t.Fatal(err)
			}
			if found := voiceIn(t, dir, customerHz); len(found) != 1 {
				t.Errorf("the scan finds %v of a phone's %s sound on the disk (%s); want the file", found, id, name)
			}
			if found := voiceIn(t, dir, seatHz); len(found) != 0 {
				t.Errorf("the scan finds another tone in the phone's: %v", found)
			}
		}
	}
}

// framesOfPhone lets the product's own phone call a bare socket, and returns
// the first n payloads that it sends.
func framesOfPhone(t *testing.T, id codec.ID, n int) [][]byte {
	t.Helper()
	sip, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	media, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	s := &server{t: t, sip: sip.LocalAddr().String()}
	s.dial("1", "--codec", id.String(), "--play", "tone:440", "--for", "20s")
	limit := time.Now().Add(20 * time.Second)
	_ = sip.SetReadDeadline(limit)
	_ = media.SetReadDeadline(limit)

	b := make([]byte, 65536)
	size, from, err := sip.ReadFrom(b)
	if err != nil {
		t.Fatalf("the phone does not call: %v", err)
	}
	head, body, _ := strings.Cut(string(b[:size]), "\r\n\r\n")
	var lines []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if strings.HasPrefix(line, "To:") {
			line += ";tag=answerer"
		}
		lines = append(lines, line)
	}
	peer := siptest.NewPeer(t, sip, from, "")
	sdp := strings.NewReplacer("10.0.0.9", "127.0.0.1", "4000", portOf(media)).Replace(siptest.SDP)
	if id == codec.PCMA {
		sdp = strings.Replace(sdp, "RTP/AVP 0 8 101", "RTP/AVP 8 101", 1)
	}
	peer.Reply(siptest.Message{Raw: strings.Join(lines, "\r\n") + "\r\n\r\n" + body}, "200 OK", sdp, "Contact: <sip:1@"+sip.LocalAddr().String()+">")

	var frames [][]byte
	for len(frames) < n {
		size, _, err := media.ReadFrom(b)
		if err != nil {
			t.Fatalf("after %d frames: %v", len(frames), err)
		}
		var p rtp.Packet
		if err := p.Unmarshal(b[:size]); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, bytes.Clone(p.Payload))
	}
	return frames
}

func portOf(c net.PacketConn) string {
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	return port
}
