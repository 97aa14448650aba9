package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The ways in which a browser's sound can reach the server: UDP, which the
// other tests use, TCP on the same port, and the embedded TURN server.

// keepConnections lets a test look at the page's peer connections.
const keepConnections = `{
  const Plain = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Plain {
    constructor(config, ...more) { super(window.reconfigure ? window.reconfigure(config) : config, ...more); window.connections.push(this); }
  };
}`

// relayOnly takes the TURN server over one transport and no other way.
const relayOnly = keepConnections + `
window.reconfigure = (config) => ({ ...config, iceTransportPolicy: 'relay', iceServers:
  config.iceServers.map((s) => ({ ...s, urls: s.urls.filter((u) => u.endsWith('transport=%s')) })) });`

// noUDP is a firewall without UDP: neither side hears of the other's UDP
// candidates.
const noUDP = keepConnections + `{
  const proto = Object.getPrototypeOf(window.RTCPeerConnection.prototype);
  const add = proto.addIceCandidate;
  proto.addIceCandidate = function (c, ...more) { return / udp /i.test(c?.candidate ?? '') ? Promise.resolve() : add.call(this, c, ...more); };
  const remote = proto.setRemoteDescription;
  proto.setRemoteDescription = function (d, ...more) { return remote.call(this, { type: d.type, sdp: d.sdp.replace(/a=candidate:[^\n]* udp [^\n]*\n/gi, '') }, ...more); };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (m) { if (!/"type":"candidate"/.test(m) || !/ udp /i.test(m)) send.call(this, m); };
}`

// wayTaken says how the newest connection of the page goes: the candidates of
// the pair in use.
const wayTaken = `(async () => {
  const stats = [...(await window.connections.at(-1).getStats()).values()];
  const pair = stats.find((s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded');
  if (!pair) return '';
  const local = stats.find((s) => s.id === pair.localCandidateId), remote = stats.find((s) => s.id === pair.remoteCandidateId);
  return [local.candidateType, local.relayProtocol ?? local.protocol, remote.protocol, remote.port].join(' ');
})()`

func TestWaysOfABrowsersSound(t *testing.T) {
	t.Parallel()
	for _, way := range []struct{ name, init, want string }{
		{"TURN over UDP", fmt.Sprintf(relayOnly, "udp"), "relay udp udp "},
		{"TURN over TCP", fmt.Sprintf(relayOnly, "tcp"), "relay tcp udp "},
		{"TCP", noUDP, "prflx tcp tcp "},
	} {
		t.Run(way.name, func(t *testing.T) {
			beside(t, browsing)
			config := filepath.Join(t.TempDir(), "callfloor.yaml")
			if err := os.WriteFile(config, fmt.Appendf(nil, "webrtc: {turn: \"127.0.0.1:%d\"}\n", freePort(t)), 0o600); err != nil {
				t.Fatal(err)
			}
			s := serve(t, "--config", config)
			_, port, _ := strings.Cut(s.argument("--webrtc"), ":")
			b := startBrowsers(t)
			wav := filepath.Join(t.TempDir(), "mic.wav")
			writeTone(t, wav, agentHz, 6*time.Second)
			began := time.Now()
			alice := b.signIn(s, "alice", map[string]any{"wav": wav, "init": way.init})
			alice.state("away")
			alice.click("go-available")
			alice.state("available")
			t.Logf("from the sign-in page to available: %d ms", time.Since(began).Milliseconds())
			var got string
			alice.must(&got, "eval", map[string]any{"js": wayTaken})
			if got != way.want+port {
				t.Errorf("the sound goes %q, want %q", got, way.want+port)
			}
			s.aShortCall(alice)
		})
	}
}

// TestICERestartInTheBrowser tells the page in mid-call that the network is
// another one: the connection stays, and the customer hears no pause.
func TestICERestartInTheBrowser(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	wav := filepath.Join(t.TempDir(), "mic.wav")
	writeTone(t, wav, agentHz, 6*time.Second)
	alice := b.signIn(s, "alice", map[string]any{"wav": wav, "init": keepConnections})
	alice.state("away")
	alice.click("go-available")
	alice.state("available")
	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "25s", "--record", out)
	alice.see("ringing")
	alice.press("Enter")
	alice.state("talking")
	alice.hears("customer", customerHz)
	const ufrag = `/a=ice-ufrag:(.*)/.exec(window.connections.at(-1).remoteDescription.sdp)[1]`
	var before, after string
	alice.must(&before, "eval", map[string]any{"js": ufrag})
	alice.must(nil, "eval", map[string]any{"js": `void window.dispatchEvent(new Event('online'))`})
	eventually(t, 5*time.Second, "ICE has begun anew", func() error {
		alice.must(&after, "eval", map[string]any{"js": ufrag})
		if after == before {
			return fmt.Errorf("the server's ufrag is still %s", before)
		}
		return nil
	})
	alice.hears("customer", customerHz)
	alice.hears("customer", customerHz)
	var connections int
	alice.must(&connections, "eval", map[string]any{"js": `window.connections.length`})
	if connections != 1 {
		t.Errorf("the page made %d peer connections, want the one", connections)
	}
	alice.click("end")
	r, _ := call.wait()
	if r.Result != "completed" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	heard := readWAV(t, out)[0]
	gap := heard.longestGap(agentHz)
	t.Logf("the longest time without the agent's tone: %s", gap)
	if gap > time.Second {
		t.Errorf("the customer did not hear the agent for %s", gap)
	}
}

// longestGap is the longest time within a tone in which it was not there; the
// sound's length if it never was.
func (s sound) longestGap(hz float64) time.Duration {
	const window = 50 * time.Millisecond
	last, longest := time.Duration(-1), s.length()
	for at := time.Duration(0); at+window <= s.length(); at += window / 2 {
		share, level := s.share(hz, at, at+window)
		if share < 0.5 || level < -60 {
			continue
		}
		if last < 0 {
			longest = 0
		} else {
			longest = max(longest, at-last-window)
		}
		last = at
	}
	return longest
}

// aShortCall is a call to the page's agent, with sound checked on both sides.
func (s *server) aShortCall(p page) {
	s.t.Helper()
	out := filepath.Join(s.t.TempDir(), "phone.wav")
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "12s", "--record", out)
	p.see("ringing")
	p.press("Enter")
	p.state("talking")
	p.hears("customer", customerHz)
	p.click("end")
	if r, _ := call.wait(); r.Result != "completed" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		s.t.Errorf("the phone: %+v", r)
	}
	heard := readWAV(s.t, out)[0]
	if share, level := heard.share(agentHz, heard.length()-1500*time.Millisecond, heard.length()-300*time.Millisecond); share < 0.5 || level < -60 {
		s.t.Errorf("the phone heard the agent's tone with %.2f of the power at %.0f dBFS", share, level)
	}
}

// argument returns what the server was started with for a flag.
func (s *server) argument(flag string) string {
	for i, a := range s.args {
		if a == flag {
			return s.args[i+1]
		}
	}
	return ""
}
