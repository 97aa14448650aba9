package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"callfloor/media/wav"
)

// The agent's headset: its check, what quietens the room, its buttons, and what
// happens when it is unplugged.

// remembered is a script that makes a page remember a sound as its person left it.
func remembered(user, sound string) string {
	return fmt.Sprintf(`localStorage["callfloor.sound.%s"] ??= JSON.stringify({sound: %s, offer: "later"});`, user, sound)
}

// writeWAV writes 48 kHz samples.
func writeWAV(t *testing.T, path string, samples []int16) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, 48000, 1)
	if err == nil {
		err = w.Write(samples)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// whiteNoise is d of noise with an RMS of dBFS.
func whiteNoise(d time.Duration, dBFS float64) []int16 {
	r := rand.New(rand.NewPCG(1, 2))
	samples := make([]int16, int(d.Seconds()*48000))
	for i := range samples {
		samples[i] = int16(max(-32768, min(32767, r.NormFloat64()*32768*math.Pow(10, dBFS/20))))
	}
	return samples
}

// TestHeadsetCheck goes through the check before the shift with a microphone
// that hears a room of a known level, and a supervisor sees what was found; and
// the camera, whose background is blurred.
func TestHeadsetCheck(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	file := filepath.Join(t.TempDir(), "room.wav")
	writeWAV(t, file, whiteNoise(3*time.Second, -54))
	alice := b.signIn(s, "alice", map[string]any{"wav": file, "y4m": cameraOf(t, 120), "init": watchedCameras})
	sam := b.signIn(s, "sam", nil)
	alice.state("away")
	alice.click("headset-offer")
	alice.choosesLoudspeakers()
	alice.click("check-start")
	alice.line("network", "good")
	alice.click("ring-heard")
	for step, want := range map[string]string{
		"noise": "fair", // 46 dB
		"voice": "bad",  // nobody speaks
		"echo":  "good", // Chromium's microphone hears no loudspeaker
		"ring":  "good",
	} {
		alice.line(step, want)
	}
	alice.must(nil, "wait", map[string]any{"id": "check-result", "state": "bad"})
	alice.inspect("headset", 1280)
	alice.looksAtThemself()
	var report struct {
		Checks map[string]struct {
			Noise float64  `json:"noise_db"`
			Echo  float64  `json:"echo_db"`
			RTT   *float64 `json:"rtt_ms"`
			Up    *float64 `json:"loss_up"`
			Down  *float64 `json:"loss_down"`
		} `json:"checks"`
	}
	alice.eval(&report, `JSON.parse(localStorage.getItem("callfloor.sound.alice"))`)
	if len(report.Checks) != 1 {
		t.Fatalf("%d checks are remembered, want 1", len(report.Checks))
	}
	for mic, c := range report.Checks {
		t.Logf("%s: %+v", mic, c)
		if math.Abs(c.Noise-46) > 2 {
			t.Errorf("noise of -54 dBFS is %.1f dB on a scale whose full scale is 100 dB", c.Noise)
		}
		if c.RTT == nil || *c.RTT > 200 || c.Up == nil || *c.Up > 1 || c.Down == nil || *c.Down > 1 {
			t.Errorf("a network of one machine: %+v", c)
		}
	}
	sam.must(nil, "wait", map[string]any{"id": "floor-headset", "state": "bad"})
	// The server does not remember; the page says it again.
	alice.reload()
	alice.state("away")
	alice.gone("headset-offer")
	sam.must(nil, "wait", map[string]any{"id": "floor-headset", "state": "bad"})
}

// choosesLoudspeakers sends the customer to one loudspeaker and the ring tone to
// another, and listens to the ring tone.
func (p page) choosesLoudspeakers() {
	p.t.Helper()
	// An element that is in no document is seen only through what it is asked.
	p.must(nil, "eval", map[string]any{"js": `window.sinks = []; const set = HTMLMediaElement.prototype.setSinkId;
		HTMLMediaElement.prototype.setSinkId = function (id) { window.sinks.push(id); return set.call(this, id); }`})
	var chosen map[string]string
	p.eval(&chosen, `Object.fromEntries(["speaker", "ringer"].map((which, i) => {
		const list = document.querySelector('[data-testid="choose-' + which + '"]');
		list.value = list.options[i + 1].value;
		list.dispatchEvent(new Event("change", {bubbles: true}));
		return [which, list.value];
	}))`)
	p.click("ring-sample")
	eventually(p.t, 20*time.Second, "the customer and the ring tone have loudspeakers of their own", func() error {
		var got struct {
			Speaker string   `json:"speaker"`
			Sinks   []string `json:"sinks"`
		}
		p.eval(&got, `({speaker: document.querySelector('audio[data-track="customer"]').sinkId, sinks: window.sinks})`)
		if chosen["speaker"] == chosen["ringer"] || got.Speaker != chosen["speaker"] || !slices.Contains(got.Sinks, chosen["ringer"]) {
			return fmt.Errorf("chosen %v, got %+v", chosen, got)
		}
		return nil
	})
}

// line waits until a line of the check has its verdict.
func (p page) line(step, verdict string) {
	p.t.Helper()
	p.must(nil, "wait", map[string]any{"id": "check-" + step, "state": verdict, "timeout": 40000})
}

// TestNoiseSuppression switches RNNoise on in mid-call and measures at the
// customer's phone: the noise is gone, the voice is not, and no packet is missing.
func TestNoiseSuppression(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	file := filepath.Join(t.TempDir(), "noisy.wav")
	writeWAV(t, file, noisyVoice(t))
	alice := b.signIn(s, "alice", map[string]any{"wav": file, "init": remembered("alice", `{noise: "off", echo: "off", gain: "off"}`)})
	alice.state("away")
	alice.click("go-available")
	alice.state("available")
	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", out)
	began := time.Now()
	alice.see("ringing")
	alice.press("Enter")
	alice.state("talking")
	off := time.Since(began)
	alice.stays(noisyTurn + time.Second)
	alice.press("s")
	offEnd := time.Since(began)
	alice.click("noise-rnnoise")
	alice.must(nil, "eval", map[string]any{"js": `new Promise((done) => { const t = setInterval(() => {
		if (document.querySelector('[data-testid="noise-gain"]').dataset.quieting === "rnnoise") { clearInterval(t); done(); } }, 20); })`})
	on := time.Since(began)
	alice.stays(noisyTurn + time.Second)
	var gain string
	alice.eval(&gain, `document.querySelector('[data-testid="noise-gain"]').dataset.gain`)
	onEnd := time.Since(began)
	alice.press("Escape")
	alice.click("end")
	alice.state("wrap_up")
	r, _ := call.wait()
	if r.SeqHoles != 0 || r.SSRCChanges != 0 || r.MaxGapMS > 1000 {
		t.Errorf("switching left a gap: %+v", r)
	}
	heard := readWAV(t, out)[0]
	noiseOff, voiceOff := heard.noiseAndVoice(off+500*time.Millisecond, offEnd)
	noiseOn, voiceOn := heard.noiseAndVoice(on+time.Second, onEnd)
	t.Logf("at the phone: noise %.1f → %.1f dBFS, voice %.1f → %.1f dBFS; the page says %s dB", noiseOff, noiseOn, voiceOff, voiceOn, gain)
	if noiseOff-noiseOn < 12 {
		t.Errorf("RNNoise took %.1f dB of the noise, want 12 at least", noiseOff-noiseOn)
	}
	if math.Abs(voiceOff-voiceOn) > 4 {
		t.Errorf("RNNoise changed the voice by %.1f dB", voiceOn-voiceOff)
	}
	if db, err := strconv.ParseFloat(gain, 64); err != nil || db < 8 {
		t.Errorf("the page says that the gain is %q dB, want 8 at least", gain)
	}
	// The choice survives a reload.
	alice.reload()
	alice.state("wrap_up")
	alice.press("s")
	var chosen bool
	alice.see("noise-rnnoise")
	alice.eval(&chosen, `document.querySelector('[data-testid="noise-rnnoise"]').checked`)
	if !chosen {
		t.Error("the choice of the suppression is forgotten")
	}
}

// noisyTurn is how long noisyVoice lasts: half noise alone, half with a voice in it.
const noisyTurn = 4 * time.Second

// noisyVoice is one of the product's own prompts in white noise of -34 dBFS.
func noisyVoice(t *testing.T) []int16 {
	t.Helper()
	samples := whiteNoise(noisyTurn, -34)
	prompt := readWAV(t, filepath.Join("..", "ivr", "prompts", "en", "menu_main.wav"))[0]
	step := float64(prompt.rate) / 48000
	for i := range samples[:len(samples)/2] {
		at := math.Mod(float64(i)*step, float64(len(prompt.samples)-1))
		k, part := int(at), at-math.Floor(at)
		v := float64(prompt.samples[k])*(1-part) + float64(prompt.samples[k+1])*part
		samples[len(samples)/2+i] = int16(max(-32768, min(32767, float64(samples[len(samples)/2+i])+v)))
	}
	return samples
}

// noiseAndVoice returns the level of the quieter and of the louder frames, in dBFS.
func (s sound) noiseAndVoice(from, to time.Duration) (noise, voice float64) {
	var levels []float64
	n := s.rate / 50
	part := s.samples[s.at(from):s.at(to)]
	for i := 0; i+n <= len(part); i += n {
		_, all := goertzel(part[i:i+n], 1000, s.rate)
		levels = append(levels, 10*math.Log10(max(all/float64(n)/(32768*32768), 1e-9)))
	}
	if len(levels) == 0 {
		return 0, 0
	}
	slices.Sort(levels)
	return levels[len(levels)/4], levels[len(levels)*9/10]
}

// stays lets a call go on for d.
func (p page) stays(d time.Duration) {
	p.t.Helper()
	p.must(nil, "eval", map[string]any{"js": fmt.Sprintf("new Promise((done) => setTimeout(done, %d))", d.Milliseconds())})
}

// says waits until the page says something.
func (p page) says(text string) {
	p.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, 20*time.Second, "the page says "+text, func() error {
		var there bool
		if p.eval(&there, "document.body.innerText.includes("+string(quoted)+")"); !there {
			return fmt.Errorf("it does not")
		}
		return nil
	})
}
