package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The size of what the tests' cameras see.
const cameraWidth, cameraHeight = 640, 360

// writeCamera writes what a camera sees to path (YUV4MPEG2): somebody in a
// striped shirt who nods, drawn in front of a striped wall, so that what was
// blurred can be told by its stripes. red is how red the shirt is, by which one
// person is told from another.
func writeCamera(t *testing.T, path string, red byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F20:1 Ip A1:1 C420jpeg\n", cameraWidth, cameraHeight)
	for frame := range 10 {
		fmt.Fprint(w, "FRAME\n")
		nod := frame % 5 * 2
		plane := func(of func(y, u, v byte) byte, step int) {
			for y := 0; y < cameraHeight; y += step {
				for x := 0; x < cameraWidth; x += step {
					w.WriteByte(of(seenAt(x, y-nod, red)))
				}
			}
		}
		plane(func(y, _, _ byte) byte { return y }, 1)
		plane(func(_, u, _ byte) byte { return u }, 2)
		plane(func(_, _, v byte) byte { return v }, 2)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// seenAt is the colour at a point of what a camera sees.
func seenAt(x, y int, red byte) (luma, u, v byte) {
	in := func(cx, cy, rx, ry int) bool {
		dx, dy := float64(x-cx)/float64(rx), float64(y-cy)/float64(ry)
		return dx*dx+dy*dy < 1
	}
	switch {
	case in(295, 135, 10, 6), in(345, 135, 10, 6): // eyes
		return 40, 128, 128
	case in(320, 190, 22, 7): // mouth
		return 90, 120, 170
	case in(320, 150, 62, 80): // face
		return 185, 110, 150
	case in(320, 125, 78, 90): // hair
		return 45, 122, 134
	case x > 285 && x < 355 && y > 200 && y < 280: // neck
		return 165, 112, 148
	case in(320, 410, 175, 155): // shirt
		if x/8%2 == 0 {
			return 60, 120, red
		}
		return 110, 120, red
	case x/8%2 == 0: // wall
		return 60, 120, 120
	}
	return 200, 120, 120
}

// picture is what a <video> shows.
type picture struct {
	Width, Height int
	// Frames that were shown while it was looked at.
	Frames int
	// Wall and Shirt are how much neighbouring pixels differ there, 0 to 255:
	// stripes are sharp, or blurred.
	Wall, Shirt float64
	// Red is the mean of red less the mean of blue, of the shirt.
	Red float64
	// Bright is the mean of all.
	Bright float64
}

// looks measures what the first <video> that a CSS selector finds shows, over
// some frames.
func (p page) looks(selector string) picture {
	p.t.Helper()
	var seen picture
	p.eval(&seen, fmt.Sprintf(`(async () => {
		const none = { Width: 0, Height: 0, Frames: 0, Wall: 0, Shirt: 0, Red: 0, Bright: 0 };
		const video = document.querySelector(%q);
		if (!video?.videoWidth) return none;
		let frames = 0;
		const count = () => { frames++; video.requestVideoFrameCallback(count); };
		video.requestVideoFrameCallback(count);
		await new Promise((done) => setTimeout(done, 400));
		const w = video.videoWidth, h = video.videoHeight;
		const canvas = new OffscreenCanvas(w, h);
		const g = canvas.getContext("2d");
		g.drawImage(video, 0, 0);
		const { data } = g.getImageData(0, 0, w, h);
		const part = (x0, y0, x1, y1) => {
			let sharp = 0, red = 0, bright = 0, n = 0;
			for (let y = Math.floor(y0 * h); y < y1 * h; y++) {
				for (let x = Math.floor(x0 * w); x < x1 * w - 1; x++, n++) {
					const i = 4 * (y * w + x);
					sharp += Math.abs(data[i + 5] - data[i + 1]);
					red += data[i] - data[i + 2];
					bright += data[i + 1];
				}
			}
			return { sharp: sharp / n, red: red / n, bright: bright / n };
		};
		const shirt = part(0.42, 0.85, 0.58, 0.98);
		return { Width: w, Height: h, Frames: frames, Wall: part(0.02, 0.1, 0.2, 0.9).sharp, Shirt: shirt.sharp, Red: shirt.red, Bright: part(0, 0, 1, 1).bright };
	})()`, selector))
	return seen
}

// pictures waits until what a <video> shows is as wanted; frames must come.
func (p page) pictures(what, selector string, wanted func(picture) bool) picture {
	p.t.Helper()
	var seen picture
	p.until(what, func() error {
		if seen = p.looks(selector); seen.Frames > 0 && wanted(seen) {
			return nil
		}
		return fmt.Errorf("it shows %+v", seen)
	})
	return seen
}

// How red the shirts of two people are.
const aliceRed, bobRed = 90, 200

// withCamera signs somebody in who is heard by a tone and seen by a shirt.
func (b *browsers) withCamera(s *server, user string, hz float64, red byte) page {
	b.t.Helper()
	wav := filepath.Join(b.t.TempDir(), user+".wav")
	writeTone(b.t, wav, hz, 6*time.Second)
	p := b.signIn(s, user, map[string]any{"wav": wav, "y4m": cameraOf(b.t, red), "init": watchedCameras})
	p.state("away")
	return p
}

// dark waits until no camera and no screen of a page is captured.
func (p page) dark(when string) {
	p.t.Helper()
	var live []string
	p.until(when, func() error {
		p.eval(&live, `window.cameras.filter((t) => t.readyState === "live").map((t) => t.label)`)
		if len(live) > 0 {
			return fmt.Errorf("%s: live are %s", when, strings.Join(live, ", "))
		}
		return nil
	})
}

const (
	third = `[data-testid="remote-third"] video`
	self  = `[data-testid="self-view"] video`
)

// showsAndSees goes through what two seats in a call can show each other, all of
// it by keyboard: cameras, a blurred background, a screen, and nothing.
func (p page) showsAndSees(other page) {
	p.t.Helper()
	p.dark("nothing is captured before it is asked for")
	var tops [3]float64
	buttons := func() (at [3]float64) {
		p.eval(&at, `["answer", "end", "second"].map((id) => document.querySelector('[data-testid="' + id + '"]').getBoundingClientRect().y)`)
		return at
	}
	tops = buttons()
	p.press("v")
	other.pictures("the other one sees the camera", third, func(s picture) bool { return sharp(s) && s.Red < 0 })
	p.pictures("the self-view", self, sharp)
	if now := buttons(); now != tops {
		p.t.Errorf("buttons moved from %v to %v when the picture came", tops, now)
	}
	p.press("b")
	other.pictures("the other one sees a blurred wall", third, blurred)
	other.press("v")
	p.pictures("both are seen", third, func(s picture) bool { return sharp(s) && s.Red > 0 })
	p.inspect("video", 1280)
	p.press("y")
	p.see("sharing")
	other.pictures("the other one sees the screen", third, func(s picture) bool { return s.Bright > 5 && !blurred(s) && !sharp(s) })
	p.press("y")
	p.gone("sharing")
	other.pictures("the camera is back", third, blurred)
	other.reload()
	other.must(nil, "wait", map[string]any{"id": "video-told", "text": "Nobody sees you"})
	other.dark("nothing is captured after a reload")
	p.gone("remote-third")
	p.press("v")
	p.dark("the camera is dark when the video is off")
	other.gone("remote-third")
}

func sharp(p picture) bool   { return p.Wall > 8 && p.Shirt > 2 }
func blurred(p picture) bool { return p.Wall < 3 && p.Shirt > 2 }

// cameraOf writes what a person's camera sees and returns its file.
func cameraOf(t *testing.T, red byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "camera.y4m")
	writeCamera(t, path, red)
	return path
}

// looksAtThemself goes through the camera's part of the headset view: it is dark
// until it is asked for, the background is blurred and the person is not, and
// it is dark again when the view closes.
func (p page) looksAtThemself() {
	p.t.Helper()
	const preview = `[data-testid="camera-preview"] video`
	p.must(nil, "wait", map[string]any{"id": "camera-preview", "state": "off"})
	p.click("camera-look")
	p.pictures("the preview is sharp", preview, sharp)
	p.click("camera-blur")
	seen := p.pictures("the wall behind the person is blurred, the person is not", preview, blurred)
	p.see("blur-cost")
	var ms string
	p.eval(&ms, `document.querySelector('[data-testid="blur-cost"]').dataset.ms`)
	p.t.Logf("blurred: %s ms a frame; %+v", ms, seen)
	p.inspect("camera", 1280)
	p.click("camera-blur")
	p.pictures("the preview is sharp again", preview, sharp)
	p.press("Escape")
	p.dark("the camera is dark when nobody looks")
}

// watchedCameras is a script that remembers each track of a camera or a screen.
const watchedCameras = `window.cameras = [];
	for (const verb of ["getUserMedia", "getDisplayMedia"]) {
		const open = MediaDevices.prototype[verb];
		MediaDevices.prototype[verb] = async function (...args) {
			const stream = await open.apply(this, args);
			window.cameras.push(...stream.getVideoTracks());
			return stream;
		};
	}
	const clone = MediaStreamTrack.prototype.clone;
	MediaStreamTrack.prototype.clone = function () {
		const copy = clone.call(this);
		if (copy.kind === "video") window.cameras.push(copy);
		return copy;
	};`
