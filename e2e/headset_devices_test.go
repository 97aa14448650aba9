package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// fakeHeadset is navigator.hid with one telephony headset: an absolute hook
// switch and a mute button in report 1, ring, off-hook and mute lights in report
// 2, as the usage tables have them.
const fakeHeadset = `(() => {
	const item = (more) => ({isAbsolute: true, isConstant: false, isArray: false, isRange: false, reportSize: 1, reportCount: 1, ...more});
	const device = Object.assign(new EventTarget(), {
		vendorId: 0x0b0e, productId: 1, productName: "Fake Jabra", opened: false, written: [],
		collections: [{usagePage: 0x0b, usage: 5,
			inputReports: [{reportId: 1, items: [item({usages: [0x0b0020, 0x0b002f], reportCount: 2}), item({isConstant: true, reportCount: 6})]}],
			outputReports: [{reportId: 2, items: [item({usages: [0x080018]}), item({usages: [0x080017]}), item({usages: [0x080009]}), item({isConstant: true, reportCount: 5})]}],
		}],
		async open() { this.opened = true; }, async close() { this.opened = false; },
		async sendReport(id, data) {
			if (!this.opened) throw new Error("not open");
			this.lights = new Uint8Array(data)[0]; this.written.push(this.lights);
			// The headset follows its off-hook light with its hook switch.
			const hook = (this.lights >> 1) & 1;
			if (hook !== (this.state & 1)) setTimeout(() => this.report((this.state & ~1) | hook), 30);
		},
		state: 0,
		report(bits) {
			this.state = bits;
			this.dispatchEvent(Object.assign(new Event("inputreport"), {device: this, reportId: 1, data: new DataView(new Uint8Array([bits]).buffer)}));
		},
	});
	const hid = Object.assign(new EventTarget(), {
		plugged: true,
		async getDevices() { return this.plugged ? [device] : []; },
		async requestDevice() { return this.getDevices(); },
		plug(on) {
			this.plugged = on; device.opened = false; device.state = 0;
			this.dispatchEvent(Object.assign(new Event(on ? "connect" : "disconnect"), {device}));
		},
	});
	Object.defineProperty(navigator, "hid", {value: hid});
	window.headset = device; window.hid = hid;
})();`

// The lights of fakeHeadset.
const (
	lightRing    = 1
	lightOffHook = 2
	lightMute    = 4
)

// lights waits until the fake headset shows exactly these.
func (p page) lights(want int) {
	p.t.Helper()
	eventually(p.t, 20*time.Second, fmt.Sprintf("the headset's lights are %03b", want), func() error {
		var got int
		p.eval(&got, "window.headset.lights ?? -1")
		if got != want {
			return fmt.Errorf("they are %03b", got)
		}
		return nil
	})
}

// TestHeadsetButtons answers, mutes and hangs up by a headset's own buttons; its
// lights say what the call is like, also after it was unplugged in mid-call.
func TestHeadsetButtons(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	file := filepath.Join(t.TempDir(), "alice.wav")
	writeTone(t, file, agentHz, 6*time.Second)
	alice := b.signIn(s, "alice", map[string]any{"wav": file, "init": fakeHeadset})
	alice.state("away")
	alice.click("go-available")
	alice.state("available")
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	alice.lights(lightRing)
	press := func(js string) { alice.must(nil, "eval", map[string]any{"js": js}) }
	press("headset.report(1)") // lifts the hook
	alice.state("talking")
	alice.lights(lightOffHook)

	press("headset.report(3); headset.report(1)") // presses mute
	alice.lights(lightOffHook | lightMute)
	eventually(t, 20*time.Second, "the server knows that alice is muted", func() error { return s.timelineHas("mute", "muted") })
	alice.must(nil, "wait", map[string]any{"id": "voice-hint", "state": "muted"}) // the tone goes on
	alice.press("m")                                                              // and back by the page
	alice.lights(lightOffHook)

	press("hid.plug(false)")
	press("headset.lights = 0; hid.plug(true)")
	alice.lights(lightOffHook)
	alice.state("talking")
	eventually(t, 20*time.Second, "the headset follows its light", func() error {
		var state int
		if alice.eval(&state, "headset.state"); state != 1 {
			return fmt.Errorf("its hook is %d", state)
		}
		return nil
	})
	alice.stays(600 * time.Millisecond) // a hand that hangs up at once would be a button's bounce
	press("headset.report(0)")          // hangs up
	alice.state("wrap_up")
	alice.lights(0)
	if r, _ := call.wait(); r.EndedBy != "remote" {
		t.Errorf("the call: %+v; want the agent to have ended it", r)
	}
}

// fakeMicrophones are two microphones, each with a tone of its own, of which the
// first can be unplugged.
const fakeMicrophones = `(() => {
	const devices = [{deviceId: "a", label: "Headset A", hz: 700}, {deviceId: "b", label: "Built-in", hz: 1100}];
	let gone = new Set(); const tracks = new Map(); let context;
	const media = navigator.mediaDevices;
	const there = () => devices.filter((d) => !gone.has(d.deviceId));
	media.enumerateDevices = async () => there().map((d) => ({deviceId: d.deviceId, label: d.label, kind: "audioinput", groupId: d.deviceId}));
	media.getUserMedia = async ({audio}) => {
		const wanted = audio.deviceId?.exact;
		const device = there().find((d) => d.deviceId === wanted) ?? (wanted ? undefined : there()[0]);
		if (!device) throw new DOMException("no such device", wanted ? "OverconstrainedError" : "NotFoundError");
		context ??= new AudioContext();
		const out = context.createMediaStreamDestination();
		const tone = new OscillatorNode(context, {frequency: device.hz});
		const gain = new GainNode(context, {gain: 0.3});
		tone.connect(gain).connect(out); tone.start();
		const track = out.stream.getAudioTracks()[0];
		Object.defineProperty(track, "label", {value: device.label});
		track.getSettings = () => ({deviceId: device.deviceId});
		tracks.set(track, {device, tone});
		return out.stream;
	};
	const changed = () => media.dispatchEvent(new Event("devicechange"));
	window.unplug = (id) => {
		gone.add(id);
		for (const [track, {device, tone}] of tracks) if (device.deviceId === id) { tone.stop(); track.dispatchEvent(new Event("ended")); }
		changed();
	};
	window.plug = (id) => { gone.delete(id); changed(); };
})();`

// TestHeadsetUnplugged pulls the headset out in mid-call: the call goes on with
// the next microphone, the agent is told in words, and when it is back it is
// used again.
func TestHeadsetUnplugged(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.signIn(s, "alice", map[string]any{"init": fakeMicrophones + remembered("alice", `{noise: "off"}`)})
	alice.state("away")
	alice.click("go-available")
	alice.state("available")
	out := filepath.Join(t.TempDir(), "phone.wav")
	began := time.Now()
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", out)
	alice.see("ringing")
	alice.press("Enter")
	alice.state("talking")
	talking := time.Since(began)
	alice.stays(1500 * time.Millisecond)
	unplugged := time.Since(began)
	alice.must(nil, "eval", map[string]any{"js": `unplug("a")`})
	alice.says("Headset A is gone. The call goes on with Built-in.")
	told := time.Since(began)
	alice.stays(1500 * time.Millisecond)
	plugged := time.Since(began)
	alice.must(nil, "eval", map[string]any{"js": `plug("a")`})
	alice.says("Headset A is back")
	back := time.Since(began)
	alice.stays(1500 * time.Millisecond)
	end := time.Since(began)
	alice.state("talking")
	alice.click("end")
	if r, _ := call.wait(); r.SSRCChanges != 0 || r.EndedBy != "remote" {
		t.Errorf("the call: %+v", r)
	}
	// The phone's clock begins at its 200, some moments after ours.
	heard := readWAV(t, out)[0]
	heard.heard(t, "the headset", 700, talking+500*time.Millisecond, unplugged-500*time.Millisecond)
	heard.heard(t, "the built-in microphone", 1100, told+300*time.Millisecond, plugged-500*time.Millisecond)
	heard.heard(t, "the headset again", 700, back+300*time.Millisecond, end-500*time.Millisecond)
	t.Logf("without the headset's sound for %s at the phone", heard.pause(700, unplugged-500*time.Millisecond, 1100))
}

// pause is how long neither of two tones is heard between the end of the first
// and the beginning of the second.
func (s sound) pause(first float64, from time.Duration, second float64) time.Duration {
	n := s.rate / 50
	last := s.at(from)
	for i := s.at(from); i+n <= len(s.samples); i += n {
		if tone, all := goertzel(s.samples[i:i+n], first, s.rate); all > 0 && tone/all > 0.6 {
			last = i + n
		}
		if tone, all := goertzel(s.samples[i:i+n], second, s.rate); all/float64(n) > 200*200 && tone/all > 0.6 {
			return time.Duration(i-last) * time.Second / time.Duration(s.rate)
		}
	}
	return -1
}
