package e2e

import (
	"fmt"
	"testing"
	"time"
)

// aFastServer takes the place of the seat socket: it answers like the server,
// with a peer connection of its own in the same page, and gives the page as many
// calls as the test asks for. It counts what the page opens and must close.
const aFastServer = `(() => {
	const counts = {contexts: 0, made: 0, peers: 0};
	const Context = window.AudioContext;
	window.AudioContext = class extends Context {
		constructor(...a) { super(...a); counts.contexts++; counts.made++; }
		close() { counts.contexts--; return super.close(); }
	};
	const tracks = new Set();
	const keep = (t) => { tracks.add(new WeakRef(t)); return t; };
	const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
	navigator.mediaDevices.getUserMedia = async (c) => { const s = await get(c); s.getTracks().forEach(keep); return s; };
	const clone = MediaStreamTrack.prototype.clone;
	MediaStreamTrack.prototype.clone = function () { return keep(clone.call(this)); };
	const Peer = window.RTCPeerConnection;
	const at = () => new Date().toISOString();
	let socket, seq = 0, far;
	const call = (more) => ({contact: "c" + counts.calls, since: at(), line: "1002", from: "138****1234", queue: "sales", queue_name: "Sales", waited: 3,
		chosen: [], language: "en", reason: "", until: null, muted: false, consent: "none", recording: "off", recording_why: "", codec: "PCMU", quality: null,
		coach: null, trouble: "", ended: null, answered: null, disposition: "", note: "", ...more});
	const me = (state) => ({user: "alice", name: "Alice", role: "agent", state, reason: "", since: at(), next: "", ready: true, not_ready: "",
		queues: ["sales"], dispositions: ["sold"], away_reasons: []});
	const say = (m) => queueMicrotask(() => socket.onmessage?.({data: JSON.stringify(m)}));
	const put = (key, value) => say({type: "change", seq: ++seq, key, value});
	const take = {
		hello() {
			say({type: "welcome", protocol: 1, epoch: "e1", user: "alice", role: "agent", now: at(), ice_servers: [], tracks: ["customer", "third", "coach"]});
			say({type: "snapshot", seq, doc: {me: me("available")}});
			say({type: "tab", phone: true});
		},
		async offer({sdp, peer}) {
			far = new Peer();
			const tone = new OscillatorNode(new Context()), out = tone.context.createMediaStreamDestination();
			tone.connect(out); tone.start();
			far.onicecandidate = ({candidate: c}) => c && say({type: "candidate", peer, candidate: c.candidate, sdpMid: c.sdpMid, sdpMLineIndex: c.sdpMLineIndex});
			await far.setRemoteDescription({type: "offer", sdp});
			for (const t of far.getTransceivers()) { t.direction = t.mid === "0" ? "sendrecv" : "sendonly"; t.sender.replaceTrack(out.stream.getAudioTracks()[0]); }
			await far.setLocalDescription(await far.createAnswer());
			say({type: "answer", sdp: far.localDescription.sdp, peer});
		},
		candidate({candidate, sdpMid, sdpMLineIndex}) { if (candidate) far.addIceCandidate({candidate, sdpMid, sdpMLineIndex}); },
		ping({id}) { say({type: "pong", id}); },
		do(m) {
			say({type: "result", req: m.req});
			if (m.do === "answer") { put("me", me("talking")); put("call", call({phase: "talking", answered: at()})); }
			else if (m.do === "mute") put("call", call({phase: "talking", muted: m.on, answered: at()}));
			else if (m.do === "hangup") { put("me", me("wrap_up")); put("call", call({phase: "wrap_up", ended: {by: "agent", class: "completed", sip: null}})); }
			else if (m.do === "wrapup_done") { put("call", null); put("me", me("available")); }
		},
	};
	const Real = window.WebSocket;
	window.WebSocket = class extends EventTarget {
		constructor(url) {
			if (!String(url).includes("/api/v1/seat")) return new Real(url);
			super(); socket = this; setTimeout(() => this.onopen?.());
		}
		send(text) { const m = JSON.parse(text); take[m.type]?.(m); }
		close() {}
	};
	const until = async (ok) => { for (let i = 0; !ok(); i++) { if (i > 4000) throw new Error("waited in vain: " + ok); await new Promise((r) => setTimeout(r, 5)); } };
	const state = (s) => until(() => document.querySelector('[data-testid="state"]')?.dataset.state === s);
	const press = (key) => dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
	const show = (id) => document.querySelector('[data-testid="' + id + '"]');
	window.callsOf = async (n) => {
		for (let i = 0; i < n; i++) {
			counts.calls = (counts.calls ?? 0) + 1;
			put("me", me("offered"));
			put("call", call({phase: "ringing", until: at()}));
			await state("offered"); press("Enter");
			await state("talking"); press("m");
			await until(() => show("mute").getAttribute("aria-pressed") !== "false");
			press("e"); await state("wrap_up");
			press("w"); await state("available");
		}
	};
	window.quieten = async (how) => {
		press("s"); await until(() => show("noise-" + how)); show("noise-" + how).click();
		await until(() => show("noise-gain").dataset.quieting === how);
		press("Escape"); await until(() => !show("noise-" + how));
		await new Promise((r) => setTimeout(r, 400)); // the one before goes on for a moment
	};
	window.left = () => ({contexts: counts.contexts, made: counts.made, tracks: [...tracks].filter((t) => t.deref()?.readyState === "live").length});
})();`

// TestTwoHundredCalls works through 200 calls in one tab, with the room quietened
// and not: heap, DOM, listeners, sound contexts and tracks are what they were.
func TestTwoHundredCalls(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.signIn(s, "alice", map[string]any{"init": aFastServer + remembered("alice", `{noise: "off"}`)})
	alice.state("available")
	eventually(t, 30*time.Second, "the page has its connection for sound", func() error {
		var label string
		if alice.eval(&label, `document.querySelector('[data-testid="headset"]').textContent`); label == "" {
			return fmt.Errorf("no headset")
		}
		return nil
	})
	began := time.Now()
	run := func(calls int, quieten ...string) {
		t.Helper()
		alice.must(nil, "eval", map[string]any{"js": fmt.Sprintf("callsOf(%d)", calls)})
		for _, how := range quieten {
			alice.must(nil, "eval", map[string]any{"js": fmt.Sprintf("quieten(%q)", how)})
		}
	}
	look := func() (m remains) {
		t.Helper()
		alice.must(&m, "memory", nil)
		alice.eval(&m, "left()")
		return m
	}
	run(20, "rnnoise", "off")
	before := look()
	run(90, "rnnoise", "off")
	run(90)
	after := look()
	t.Logf("200 calls took %s", time.Since(began))
	t.Logf("after 20 calls %+v, after 200 %+v", before, after)
	if after.Heap-before.Heap > 1<<20 {
		t.Errorf("the heap grew by %.0f kB in 180 calls", (after.Heap-before.Heap)/1024)
	}
	if after.Nodes-before.Nodes > 100 || after.Listeners-before.Listeners > 50 {
		t.Errorf("the page grew: %+v, then %+v", before, after)
	}
	if after.Contexts != before.Contexts || after.Tracks != before.Tracks || after.Made != before.Made {
		t.Errorf("sound is left open: %+v, then %+v", before, after)
	}
}

// remains is what is left of a page after its garbage was collected.
type remains struct {
	Heap      float64 `json:"heap"`
	Nodes     int     `json:"nodes"`
	Listeners int     `json:"listeners"`
	Contexts  int     `json:"contexts"` // AudioContexts that are open
	Made      int     `json:"made"`
	Tracks    int     `json:"tracks"` // microphones and copies of them that are live
}
