import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Blurring } from "../src/phone/blur.ts";
import { Camera } from "../src/phone/camera.ts";
import { DeviceList } from "../src/phone/devices.ts";
import type { Outgoing } from "../src/phone/outlet.ts";
import { readQuality } from "../src/phone/peer.ts";
import { type Picture, PictureBox, PLAIN } from "../src/phone/picture.ts";
import type { CommandFields } from "../src/phone/protocol.ts";
import { Screen } from "../src/phone/screen.ts";
import type { Failure } from "../src/phone/socket.ts";
import { Cell } from "../src/phone/value.ts";
import { Video } from "../src/phone/video.ts";
import type { CallView, VideoView } from "../src/phone/views.ts";
import { FakeTrack, settled } from "./fakes.ts";

beforeEach(() => {
	vi.spyOn(console, "warn").mockImplementation(() => undefined);
	vi.spyOn(console, "info").mockImplementation(() => undefined);
});
afterEach(() => {
	vi.restoreAllMocks();
});

class Picked extends FakeTrack {
	contentHint = "";
}

/** A computer with cameras and a screen. */
class Computer extends EventTarget {
	there = ["c:Camera", "b:Built-in"];
	opened: FakeTrack[] = [];
	screens: Picked[] = [];
	refuses = "";
	async enumerateDevices() {
		return this.there.map((d) => {
			const [deviceId = "", label = ""] = d.split(":");
			return { deviceId, label, kind: "videoinput" as const };
		});
	}
	async getUserMedia({ video }: MediaStreamConstraints): Promise<MediaStream> {
		const wanted = ((video as MediaTrackConstraints).deviceId as { exact: string } | undefined)?.exact;
		const found = this.there.find((d) => d.split(":")[0] === wanted) ?? (wanted ? undefined : this.there[0]);
		const name = this.refuses || (found ? "" : wanted ? "OverconstrainedError" : "NotFoundError");
		if (name) throw Object.assign(new Error(name), { name });
		const [id, label] = (found ?? "").split(":");
		const track = new FakeTrack(label, id);
		this.opened.push(track);
		return { getVideoTracks: () => [track] } as unknown as MediaStream;
	}
	async getDisplayMedia(): Promise<MediaStream> {
		if (this.refuses) throw Object.assign(new Error(this.refuses), { name: this.refuses });
		const track = new Picked("screen", "s");
		this.screens.push(track);
		return { getVideoTracks: () => [track] } as unknown as MediaStream;
	}
	async unplug(device: string): Promise<void> {
		this.there = this.there.filter((d) => d !== device);
		for (const t of this.opened) if (device === `${t.id}:${t.label}` && t.state === "live") t.unplug();
		this.dispatchEvent(new Event("devicechange"));
		await settled();
	}
	get live(): string[] {
		return [...this.opened, ...this.screens].filter((t) => t.state === "live").map((t) => t.label);
	}
}

const seen = (more: Partial<VideoView> = {}): VideoView => ({
	codec: "VP8",
	own: "",
	state: "",
	seen_by: [],
	shown: [],
	...more,
});

/** A seat in a call whose server says yes, and then says it in its document. */
function desk(picture: Partial<Picture> = {}, blur?: () => Promise<Blurring>) {
	const computer = new Computer();
	const chosen = new Cell<Picture>({ ...PLAIN, ...picture });
	const camera = new Camera(computer, { picture: chosen, list: new DeviceList(computer), blur });
	const screen = new Screen(computer);
	const asked: CommandFields[] = [];
	const answer: { now: Failure | null } = { now: null };
	let out: Outgoing = { track: null, codec: "" };
	const video = new Video({
		camera,
		screen,
		ask: async (fields) => {
			asked.push(fields);
			return answer.now;
		},
		send: (picture) => {
			out = picture;
		},
	});
	const says = (view: VideoView | undefined, phase: CallView["phase"] = "talking", contact = "c1") =>
		video.follow({ contact, phase, video: view } as CallView, "yes");
	const sent = () => (out.track as unknown as FakeTrack | null)?.label ?? "";
	return { computer, chosen, camera, screen, asked, answer, video, says, sent, out: () => out };
}

describe("what is shown in a call", () => {
	test("goes out when the server has agreed, and captures nothing before it was asked for", async () => {
		const d = desk();
		d.says(seen());
		expect(d.computer.opened).toHaveLength(0);
		await d.video.show("camera");
		expect(d.asked).toEqual([{ on: true, source: "camera" }]);
		expect(d.sent()).toBe("Camera");
		expect(d.out().codec).toBe("VP8");
		d.says(seen({ own: "camera", state: "on" }));
		expect(d.sent()).toBe("Camera");
	});
	test("a camera that is switched off is dark at the click", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		void d.video.hide();
		expect(d.computer.live).toEqual([]);
		expect(d.sent()).toBe("");
		expect(d.asked.at(-1)).toEqual({ on: false });
	});
	test("a no of the server lets the camera go", async () => {
		const d = desk();
		d.says(seen());
		d.answer.now = { code: "conflict", message: "no" };
		expect(await d.video.show("camera")).toEqual(d.answer.now);
		expect(d.computer.live).toEqual([]);
		expect(d.video.state.now.source).toBe("");
	});
	test("on hold the camera is dark; it is on again afterwards", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.says(seen({ own: "camera", state: "on" }));
		d.says(seen({ own: "camera", state: "held" }), "hold");
		expect(d.computer.live).toEqual([]);
		expect(d.video.state.now.source).toBe("camera");
		d.says(seen({ own: "camera", state: "on" }));
		await settled();
		expect(d.computer.live).toEqual(["Camera"]);
		expect(d.sent()).toBe("Camera");
	});
	test("a network that carries too little for long is left to the sound, and the others are told why", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.says(seen({ own: "camera", state: "on" }));
		const at = (seconds: number, bps: number | null) => d.video.carries(bps, 1_000_000 + seconds * 1000);
		at(0, 90_000);
		at(6, 90_000);
		at(8, 400_000); // better for a moment
		at(10, 90_000);
		at(16, 90_000);
		expect(d.video.state.now.source).toBe("camera");
		at(18, 90_000);
		expect(d.video.state.now).toEqual({ source: "", next: "", told: "weak" });
		expect(d.asked.at(-1)).toEqual({ on: false, reason: "network" });
		expect(d.computer.live).toEqual([]);
	});
	test("a network is not called weak while nobody sees the picture", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.says(seen({ own: "camera", state: "held" }), "hold");
		for (let s = 0; s < 30; s++) d.video.carries(60_000, 1_000_000 + s * 1000);
		expect(d.video.state.now.source).toBe("camera");
	});
	test("what the network allows is read only where it is less than the picture wants", () => {
		const video = { type: "outbound-rtp", kind: "video", targetBitrate: 90_000 };
		expect(readQuality([{ ...video, qualityLimitationReason: "bandwidth" }]).pictureBPS).toBe(90_000);
		expect(readQuality([{ ...video, qualityLimitationReason: "none" }]).pictureBPS).toBeNull();
		expect(readQuality([{ ...video, kind: "audio", qualityLimitationReason: "bandwidth" }]).pictureBPS).toBeNull();
	});
	test("the end of the call, and another call, find everything off", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.says(seen({ own: "camera", state: "on" }));
		d.says(undefined, "wrap_up");
		expect(d.computer.live).toEqual([]);
		d.says(seen(), "talking", "c2");
		expect(d.video.state.now).toEqual({ source: "", next: "", told: null });
	});
	test("after a reload it is off, at the server too, and the person is told", async () => {
		const d = desk();
		d.says(seen({ own: "camera", state: "on" }));
		expect(d.asked).toEqual([{ on: false }]);
		expect(d.video.state.now.told).toBe("reload");
		d.says(seen({ own: "camera", state: "on" }));
		expect(d.asked).toHaveLength(1);
		expect(d.computer.opened).toHaveLength(0);
	});
	test("what the server ends is off here", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.says(seen()); // its document may lag behind its word
		expect(d.video.state.now.source).toBe("camera");
		d.says(seen({ own: "camera", state: "on" }));
		d.says(seen());
		expect(d.video.state.now).toEqual({ source: "", next: "", told: "ended" });
		expect(d.computer.live).toEqual([]);
	});
	test("switched off while the camera is still asked for, it stays off", async () => {
		const d = desk();
		d.says(seen());
		const showing = d.video.show("camera");
		void d.video.hide();
		expect(await showing).toBeNull();
		expect(d.computer.live).toEqual([]);
		expect(d.video.state.now.source).toBe("");
	});
	test("another tab that becomes the phone takes it away", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.video.follow({ contact: "c1", phase: "talking", video: seen({ own: "camera", state: "on" }) } as CallView, "no");
		expect(d.computer.live).toEqual([]);
	});
});

describe("the screen", () => {
	test("takes the camera's place and gives it back when the browser ends it", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.says(seen({ own: "camera", state: "on" }));
		await d.video.show("screen");
		d.says(seen({ own: "screen", state: "on" }));
		expect(d.sent()).toBe("screen");
		expect(d.computer.live).toEqual(["screen"]);
		expect(d.computer.screens[0]?.contentHint).toBe("detail");
		d.computer.screens[0]?.unplug(); // "Stop sharing" of the browser
		await settled();
		expect(d.asked.at(-1)).toEqual({ on: true, source: "camera" });
		expect(d.sent()).toBe("Camera");
	});
	test("alone, its end is the end of the video", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("screen");
		d.computer.screens[0]?.unplug();
		await settled();
		expect(d.asked.at(-1)).toEqual({ on: false });
		expect(d.video.state.now.source).toBe("");
	});
	test("a choice that was closed is no failure, and the camera goes on meanwhile", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		d.computer.refuses = "NotAllowedError";
		const choosing = d.video.show("screen");
		expect(d.sent()).toBe("Camera");
		expect(await choosing).toBeNull();
		expect(d.sent()).toBe("Camera");
		expect(d.video.state.now).toEqual({ source: "camera", next: "", told: null });
	});
	test("stays chosen on hold, for a browser asks anew each time, and goes nowhere", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("screen");
		d.says(seen({ own: "screen", state: "held" }), "hold");
		expect(d.sent()).toBe("");
		expect(d.computer.live).toEqual(["screen"]);
		d.says(seen({ own: "screen", state: "on" }));
		expect(d.sent()).toBe("screen");
	});
});

describe("the camera", () => {
	test("that was chosen is opened, and another one only where it is missing", async () => {
		const d = desk({ camera: { id: "b", label: "Built-in" } });
		await d.camera.open();
		expect(d.camera.state.now).toMatchObject({ at: "ok", label: "Built-in" });
		const e = desk({ camera: { id: "x", label: "Gone" } });
		await e.camera.open();
		expect(e.camera.state.now).toMatchObject({ at: "ok", label: "Camera" });
	});
	test("that is unplugged is not replaced by one that sees something else: the video is off, and the person told", async () => {
		const d = desk();
		d.says(seen());
		await d.video.show("camera");
		await d.computer.unplug("c:Camera");
		expect(d.camera.state.now).toEqual({ at: "ended", label: "Camera" });
		expect(d.video.state.now).toEqual({ source: "", next: "", told: "unplugged" });
		expect(d.asked.at(-1)).toEqual({ on: false });
		expect(d.computer.live).toEqual([]);
	});
	test("is changed without the one before staying on", async () => {
		const d = desk();
		await d.camera.open();
		d.chosen.set({ ...d.chosen.now, camera: { id: "b", label: "Built-in" } });
		await settled();
		expect(d.computer.live).toEqual(["Built-in"]);
	});
	test("says why it is not there", async () => {
		const d = desk();
		for (const [name, state] of [
			["NotAllowedError", { at: "denied" }],
			["NotReadableError", { at: "missing", why: "in_use" }],
			["NotFoundError", { at: "missing", why: "no_device" }],
		] as const) {
			d.computer.refuses = name;
			expect(await d.video.show("camera")).toMatchObject({ code: "camera" });
			expect(d.camera.state.now).toEqual(state);
		}
		const insecure = new Camera(undefined);
		expect(await insecure.open()).toBe(false);
		expect(insecure.state.now).toEqual({ at: "missing", why: "insecure" });
	});
	test("of a preview is dark when the preview ends, unless it is shown in a call", async () => {
		const d = desk();
		d.video.preview("on");
		await settled();
		expect(d.computer.live).toEqual(["Camera"]);
		d.video.preview("off");
		expect(d.computer.live).toEqual([]);
		d.says(seen());
		await d.video.show("camera");
		d.video.preview("on");
		d.video.preview("off");
		expect(d.computer.live).toEqual(["Camera"]);
	});
});

describe("a blurred background", () => {
	const blurring = (stopped: string[]): Blurring => ({
		track: new FakeTrack("blurred", "x") as unknown as MediaStreamTrack,
		way: "person",
		figures: new Cell(null),
		stop: () => stopped.push("stopped"),
	});
	test("is never seen sharp while the blur loads", async () => {
		const d = desk({ blur: "on" }, async () => blurring([]));
		const tracks: string[] = [];
		d.camera.track.follow((t) => tracks.push(t?.label ?? ""));
		await d.camera.open();
		expect(tracks).toEqual(["", "blurred"]);
		expect(d.camera.state.now).toMatchObject({ at: "ok", blur: "person" });
	});
	test("is not shown sharp instead where it cannot be blurred", async () => {
		const d = desk({ blur: "on" }, async () => Promise.reject(new Error("no")));
		d.says(seen());
		expect(await d.video.show("camera")).toMatchObject({ code: "camera" });
		expect(d.camera.state.now).toEqual({ at: "missing", why: "blur" });
		expect(d.computer.live).toEqual([]);
		expect(d.asked).toEqual([]);
	});
	test("that breaks off shows nothing, not a picture that stands still, and the person is told", async () => {
		const blurred = blurring([]);
		const d = desk({ blur: "on" }, async () => blurred);
		d.says(seen());
		await d.video.show("camera");
		expect(d.sent()).toBe("blurred");
		(blurred.track as unknown as FakeTrack).unplug(); // its worker failed
		expect(d.camera.state.now).toEqual({ at: "missing", why: "blur" });
		expect(d.video.state.now.told).toBe("failed");
		expect(d.computer.live).toEqual([]);
		expect(d.asked.at(-1)).toEqual({ on: false });
	});
	test("is switched on and off while the picture is shown, and stops with it", async () => {
		const stopped: string[] = [];
		const d = desk({}, async () => blurring(stopped));
		d.says(seen());
		await d.video.show("camera");
		d.chosen.set({ ...d.chosen.now, blur: "on" });
		expect(d.sent()).toBe("");
		await settled();
		expect(d.sent()).toBe("blurred");
		d.chosen.set({ ...d.chosen.now, blur: "off" });
		await settled();
		expect(d.sent()).toBe("Camera");
		expect(stopped).toEqual(["stopped"]);
		d.chosen.set({ ...d.chosen.now, blur: "on" });
		await settled();
		void d.video.hide();
		expect(stopped).toHaveLength(2);
	});
});

describe("how the camera is used", () => {
	const store = (first: string) => {
		const kept = { now: first };
		return { kept, getItem: () => kept.now, setItem: (_: string, v: string) => (kept.now = v) };
	};
	test("is remembered, and nonsense is not", () => {
		const s = store(`{"camera":{"id":7},"blur":"maybe","corner":"middle"}`);
		const box = new PictureBox("alice", s);
		expect(box.picture.now).toEqual(PLAIN);
		box.set({ blur: "on", camera: { id: "c", label: "Camera" } });
		expect(new PictureBox("alice", s).picture.now).toMatchObject({ blur: "on", camera: { id: "c", label: "Camera" } });
	});
	test("the self-view goes round the corners, and comes back where it was", () => {
		const box = new PictureBox("alice", null);
		const corners = [0, 1, 2, 3].map(() => {
			box.moveSelf();
			return box.picture.now.corner;
		});
		expect(corners).toEqual(["bottom-left", "top-left", "top-right", "bottom-right"]);
		box.set({ self: "hidden" });
		box.moveSelf();
		expect(box.picture.now).toMatchObject({ self: "shown", corner: "bottom-right" });
	});
});
