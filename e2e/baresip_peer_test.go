package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// baresip is a running baresip without a sound card: a WAV file is its
// microphone, and it writes what it sends and hears into two others.
type baresip struct {
	t      *testing.T
	dir    string
	ctrl   net.Conn
	mu     sync.Mutex
	events []string // types and parameters of what baresip reported, in order
}

// baresipConfig is headless: no sound card, control over TCP. Debian's aufile
// plays from files only, so aubridge takes what is heard, after sndfile has
// written it down.
const baresipConfig = `poll_method epoll
net_interface 127.0.0.1
rtp_ports %d-%d
call_local_timeout 60
audio_source aufile,%s
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
jitter_buffer_delay 1-3
ringback_disabled yes
module_path %s
module g711.so
module srtp.so
module dtls_srtp.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
module_app debug_cmd.so
ctrl_tcp_listen 127.0.0.1:%d
snd_path %s
`

var baresips atomic.Int64

// startBaresip starts baresip with samples at 8 kHz as its voice. params are
// added to its account, "mediaenc=srtp" for example.
func startBaresip(t *testing.T, voice string, params ...string) *baresip {
	t.Helper()
	if _, err := exec.LookPath("baresip"); err != nil {
		t.Fatalf("the tests need baresip: apt-get install baresip (%v)", err)
	}
	b := &baresip{t: t, dir: t.TempDir()}
	ctrl, rtp := freePort(t), 17000+int(baresips.Add(1)%50)*20
	for name, text := range map[string]string{
		"config":   fmt.Sprintf(baresipConfig, rtp, rtp+19, voice, baresipModules(t), ctrl, b.dir),
		"accounts": strings.Join(append([]string{"<sip:5550200@127.0.0.1>;regint=0;audio_codecs=PCMU/8000/1,PCMA/8000/1"}, params...), ";") + "\n",
		"contacts": "",
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("baresip", "-f", b.dir)
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("baresip said:\n%s\nand reported %s", tail(out.String(), 40), strings.Join(b.reported(), ", "))
		}
	})
	eventually(t, 10*time.Second, "baresip takes commands", func() error {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ctrl))
		b.ctrl = conn
		return err
	})
	read := make(chan struct{})
	go func() { defer close(read); b.read() }()
	t.Cleanup(func() { _ = b.ctrl.Close(); <-read })
	return b
}

// baresipModules is where the distribution keeps baresip's modules.
func baresipModules(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("baresip's modules are not in /usr/lib/baresip/modules: apt-get install baresip")
	return ""
}

// do gives a command (a netstring with JSON in it, as the module ctrl_tcp has it).
func (b *baresip) do(command, params string) {
	b.t.Helper()
	j, err := json.Marshal(map[string]string{"command": command, "params": params, "token": command})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(b.ctrl, "%d:%s,", len(j), j); err != nil {
		b.t.Fatalf("tell baresip %s: %v", command, err)
	}
}

// read collects what baresip reports until the connection ends.
func (b *baresip) read() {
	r := bufio.NewReader(b.ctrl)
	for {
		size, err := r.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil || n < 0 || n > 1<<16 {
			return
		}
		body := make([]byte, n+1) // and the comma
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m struct{ Type, Param string }
		if json.Unmarshal(body[:n], &m) == nil && m.Type != "" {
			b.mu.Lock()
			b.events = append(b.events, m.Type+" "+m.Param)
			b.mu.Unlock()
		}
	}
}

func (b *baresip) reported() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.events...)
}

// reports waits until baresip has reported n events of a type.
func (b *baresip) reports(kind string, n int) {
	b.t.Helper()
	eventually(b.t, 15*time.Second, fmt.Sprintf("baresip reports %d %s", n, kind), func() error {
		got := 0
		all := b.reported()
		for _, e := range all {
			if strings.HasPrefix(e, kind+" ") {
				got++
			}
		}
		if got < n {
			return fmt.Errorf("it has reported %s", strings.Join(all, ", "))
		}
		return nil
	})
}

// file finds what baresip wrote: "enc" is what it sent, "dec" what it heard.
func (b *baresip) file(which string) (path string, length time.Duration) {
	found, _ := filepath.Glob(filepath.Join(b.dir, "dump-*-"+which+".wav"))
	if len(found) == 0 {
		return "", 0
	}
	info, err := os.Stat(found[0])
	if err != nil {
		return "", 0
	}
	return found[0], time.Duration(info.Size()-44) * time.Second / 16000
}

// writes waits until baresip has written so much more of what it sent ("enc")
// or heard ("dec").
func (b *baresip) writes(which string, d time.Duration) {
	b.t.Helper()
	_, from := b.file(which)
	eventually(b.t, d+10*time.Second, fmt.Sprintf("baresip has written %s more of %s", d, which), func() error {
		if _, now := b.file(which); now < from+d {
			return fmt.Errorf("it has written %s more", now-from)
		}
		return nil
	})
}
