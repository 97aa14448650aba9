import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Camera } from "../src/phone/camera.ts";
import { DeviceList } from "../src/phone/devices.ts";
import { Microphone } from "../src/phone/mic.ts";
import { type Sound, USUAL } from "../src/phone/sound.ts";
import type { Suppressing } from "../src/phone/suppress.ts";
import { Cell } from "../src/phone/value.ts";
import { FakeTrack, settled } from "./fakes.ts";

beforeEach(() => {
	vi.useFakeTimers();
	vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
	vi.useRealTimers();
	vi.restoreAllMocks();
});

/** A computer with devices that come and go. */
class Computer extends EventTarget {
	there = ["h:Headset", "b:Built-in"];
	opened: { id: string; track: FakeTrack; constraints: MediaTrackConstraints }[] = [];
	refuses = "";
	async enumerateDevices() {
		const one = (kind: MediaDeviceKind) => (d: string) => {
			const [deviceId = "", label = ""] = d.split(":");
			return { deviceId, label, kind };
		};
		return [...this.there.map(one("audioinput")), ...this.there.map(one("audiooutput"))];
	}
	async getUserMedia({ audio }: MediaStreamConstraints): Promise<MediaStream> {
		const constraints = audio as MediaTrackConstraints;
		const wanted = (constraints.deviceId as { exact: string } | undefined)?.exact;
		const found = this.there.find((d) => d.split(":")[0] === wanted) ?? (wanted ? undefined : this.there[0]);
		const name = this.refuses || (found ? "" : wanted ? "OverconstrainedError" : "NotFoundError");
		if (name) throw Object.assign(new Error(name), { name });
		const [id = "", label = ""] = (found ?? "").split(":");
		const track = new FakeTrack(label, id);
		this.opened.push({ id, track, constraints });
		return { getAudioTracks: () => [track], getTracks: () => [track] } as unknown as MediaStream;
	}
	async unplug(device: string): Promise<void> {
		this.there = this.there.filter((d) => d !== device);
		for (const o of this.opened) if (device.startsWith(`${o.id}:`) && o.track.state === "live") o.track.unplug();
		this.dispatchEvent(new Event("devicechange"));
		await settled();
	}
	async plug(device: string): Promise<void> {
		this.there = [device, ...this.there];
		this.dispatchEvent(new Event("devicechange"));
		await settled();
	}
	get last() {
		return this.opened.at(-1) as { id: string; track: FakeTrack; constraints: MediaTrackConstraints };
	}
}

async function open(sound: Partial<Sound> = {}, suppress?: (track: MediaStreamTrack) => Promise<Suppressing>) {
	const computer = new Computer();
	const chosen = new Cell<Sound>({ ...USUAL, ...sound });
	const list = new DeviceList(computer);
	const mic = new Microphone(computer, undefined, { sound: chosen, list, suppress });
	const told: string[] = [];
	mic.moved.follow((m) => m && told.push(`${m.kind} ${m.from} → ${m.to}`));
	mic.open();
	await settled();
	return { computer, chosen, list, mic, told };
}
const out = (mic: Microphone) => mic.track.now as unknown as FakeTrack;

describe("the microphone that was chosen", () => {
	test("is opened with the processing that was chosen", async () => {
		const { computer } = await open({ microphone: { id: "b", label: "Built-in" }, noise: "off", echo: "off" });
		expect(computer.last.id).toBe("b");
		expect(computer.last.constraints).toMatchObject({
			noiseSuppression: false,
			echoCancellation: false,
			autoGainControl: true,
		});
	});
	test("is found by its name where the browser gave it another id", async () => {
		const { computer, list, chosen } = await open();
		await list.refresh();
		chosen.set({ ...chosen.now, microphone: { id: "gone", label: "Built-in" } });
		await settled();
		expect(computer.last.id).toBe("b");
	});
	test("is not there: another one at once, in words, and the chosen one when it comes", async () => {
		const { computer, mic, told } = await open({ microphone: { id: "x", label: "Office headset" } });
		expect(out(mic).label).toBe("Headset");
		expect(told).toEqual(["away Office headset → Headset"]);
		await computer.plug("x:Office headset");
		expect(out(mic).label).toBe("Office headset");
		expect(told.at(-1)).toBe("back Headset → Office headset");
	});
	test("a change in mid-call leaves no moment without a track, and lets the old one go", async () => {
		const { computer, mic, chosen } = await open();
		const first = out(mic);
		let without = 0;
		mic.track.follow((t) => t ?? without++);
		chosen.set({ ...chosen.now, noise: "off" });
		await settled();
		expect(without).toBe(0);
		expect(out(mic)).not.toBe(first);
		expect(first.state).toBe("live"); // until the sender has the new one
		await vi.advanceTimersByTimeAsync(400);
		expect(first.state).toBe("ended");
		expect(first.copies.every((c) => c.state === "ended")).toBe(true);
		expect(computer.opened).toHaveLength(2);
	});
	test("a change that fails keeps what there is", async () => {
		const { computer, mic, chosen } = await open();
		const first = out(mic);
		computer.refuses = "NotReadableError";
		chosen.set({ ...chosen.now, microphone: { id: "b", label: "Built-in" } });
		await settled();
		expect(out(mic)).toBe(first);
		expect(mic.state.now.at).toBe("ok");
	});
});

describe("the headset is unplugged", () => {
	test("the sound goes to the next device and comes back with the headset", async () => {
		const { computer, mic, told } = await open();
		await computer.unplug("h:Headset");
		expect(out(mic).label).toBe("Built-in");
		expect(told).toEqual(["away Headset → Built-in"]);
		await computer.plug("h:Headset");
		expect(out(mic).label).toBe("Headset");
		expect(told.at(-1)).toBe("back Built-in → Headset");
	});
	test("without a word of the track: the list tells it", async () => {
		const { computer, mic } = await open();
		computer.there = ["b:Built-in"];
		computer.dispatchEvent(new Event("devicechange"));
		await settled();
		expect(out(mic).label).toBe("Built-in");
	});
	test("another device that comes changes nothing", async () => {
		const { computer, mic, told } = await open();
		const before = out(mic);
		await computer.plug("c:Camera");
		expect(out(mic)).toBe(before);
		expect(told).toEqual([]);
	});
	test("the last one: missing, and back as soon as there is one", async () => {
		const { computer, mic } = await open();
		await computer.unplug("b:Built-in");
		await computer.unplug("h:Headset");
		expect(mic.state.now).toEqual({ at: "missing", why: "no_device" });
		expect(mic.track.now).toBeNull();
		await computer.plug("h:Headset");
		expect(mic.state.now).toEqual({ at: "ok", label: "Headset" });
	});
	test("the permission is taken back: it says so", async () => {
		const { computer, mic } = await open();
		computer.refuses = "NotAllowedError";
		computer.last.track.unplug();
		await settled();
		expect(mic.state.now).toEqual({ at: "denied" });
	});
});

test("a seat that is over listens to no device any more", async () => {
	const gone = new AbortController();
	const computer = new Computer();
	let listeners = 0;
	const add = computer.addEventListener.bind(computer);
	computer.addEventListener = (...args: Parameters<typeof add>) => {
		listeners++;
		add(...args);
	};
	let looked = 0;
	computer.enumerateDevices = async () => {
		looked++;
		return [];
	};
	const list = new DeviceList(computer, { signal: gone.signal });
	new Microphone(computer, undefined, { list, signal: gone.signal }).open();
	new Camera(computer, { list, signal: gone.signal });
	await settled();
	expect(listeners).toBe(3);
	gone.abort();
	looked = 0;
	computer.dispatchEvent(new Event("devicechange"));
	await settled();
	expect(looked).toBe(0);
});

describe("the system mutes the microphone", () => {
	test("from the very beginning: it is not called ready", async () => {
		const computer = new Computer();
		const get = computer.getUserMedia.bind(computer);
		computer.getUserMedia = async (wanted) => {
			const stream = await get(wanted);
			Object.assign(computer.last.track, { muted: true });
			return stream;
		};
		const mic = new Microphone(computer);
		mic.open();
		await settled();
		expect(mic.state.now).toEqual({ at: "silent", label: "Headset", why: "muted" });
		computer.last.track.system("unmute");
		expect(mic.state.now.at).toBe("ok");
	});
	test("it is named, and over when the system gives it back", async () => {
		const { computer, mic } = await open();
		computer.last.track.system("mute");
		expect(mic.state.now).toEqual({ at: "silent", label: "Headset", why: "muted" });
		computer.last.track.system("unmute");
		expect(mic.state.now.at).toBe("ok");
		await vi.advanceTimersByTimeAsync(5000);
		expect(computer.opened).toHaveLength(1);
	});
	test("a headset that changed its Bluetooth profile is opened anew", async () => {
		const { computer, mic } = await open();
		computer.last.track.system("mute");
		await vi.advanceTimersByTimeAsync(3000);
		await settled();
		expect(computer.opened).toHaveLength(2);
		expect(mic.state.now).toEqual({ at: "ok", label: "Headset" });
	});
});

describe("RNNoise", () => {
	const quiet = (left: FakeTrack) => {
		const calls: string[] = [];
		const suppress = async (): Promise<Suppressing> => ({
			track: left as unknown as MediaStreamTrack,
			stop: () => calls.push("stop"),
		});
		return { suppress, calls };
	};
	test("the raw sound goes out until it works; then what is left", async () => {
		const left = new FakeTrack("left");
		let ready: (s: Suppressing) => void = () => undefined;
		const { mic } = await open({ noise: "rnnoise" }, () => new Promise((done) => (ready = done)));
		const raw = out(mic);
		expect(mic.quieting.now).toBe("loading");
		raw.enabled = false; // muted meanwhile
		ready({ track: left as unknown as MediaStreamTrack, stop: () => undefined });
		await settled();
		expect(out(mic)).toBe(left);
		expect(left.enabled).toBe(false);
		expect(mic.quieting.now).toBe("rnnoise");
	});
	test("the browser's own is off with it, and on where it does not work", async () => {
		const { computer, mic } = await open({ noise: "rnnoise" }, () => Promise.reject(new Error("no WebAssembly")));
		expect(computer.opened.map((o) => o.constraints.noiseSuppression)).toEqual([false, true]);
		expect(mic.quieting.now).toBe("failed");
		expect(mic.track.now).not.toBeNull();
	});
	test("a device that is unplugged while its room is quietened is not taken for one that works", async () => {
		let ready: (s: Suppressing) => void = () => undefined;
		const { computer, chosen, mic } = await open({ noise: "off" }, () => new Promise((done) => (ready = done)));
		chosen.set({ ...chosen.now, noise: "rnnoise", microphone: { id: "b", label: "Built-in" } });
		await settled();
		const { track } = computer.last;
		computer.there = ["h:Headset"];
		Object.assign(track, { readyState: "ended" });
		ready({ track: new FakeTrack("left") as unknown as MediaStreamTrack, stop: () => undefined });
		await settled();
		expect(computer.last.track.label).toBe("Headset");
		expect(mic.state.now).toEqual({ at: "ok", label: "Headset" });
	});
	test("switched off, its graph is let go", async () => {
		const { suppress, calls } = quiet(new FakeTrack("left"));
		const { mic, chosen } = await open({ noise: "rnnoise" }, suppress);
		chosen.set({ ...chosen.now, noise: "browser" });
		await settled();
		await vi.advanceTimersByTimeAsync(400);
		expect(calls).toEqual(["stop"]);
		expect(mic.quieting.now).toBe("browser");
	});
	test("what comes after somebody changed their mind is let go", async () => {
		const calls: string[] = [];
		let ready: (s: Suppressing) => void = () => undefined;
		const { mic, chosen } = await open({ noise: "rnnoise" }, () => new Promise((done) => (ready = done)));
		chosen.set({ ...chosen.now, noise: "off" });
		await settled();
		ready({ track: new FakeTrack() as unknown as MediaStreamTrack, stop: () => calls.push("stop") });
		await settled();
		expect(calls).toEqual(["stop"]);
		expect(mic.quieting.now).toBe("off");
		expect(out(mic).state).toBe("live");
	});
});

test("the ear is a copy that is never muted, and closed with the microphone", async () => {
	const { mic } = await open();
	out(mic).enabled = false;
	const ear = mic.ear.now as unknown as FakeTrack;
	expect(ear.enabled).toBe(true);
	const tap = mic.tap() as unknown as FakeTrack;
	expect(tap.enabled).toBe(true);
	mic.close();
	expect(ear.state).toBe("ended");
	expect(mic.state.now).toEqual({ at: "off" });
});

test("behind 'Default - Headset' is the headset", async () => {
	const computer = new Computer();
	const list = new DeviceList(computer);
	await list.refresh();
	const track = new FakeTrack("Default - Headset", "default") as unknown as MediaStreamTrack;
	expect(list.behind(track)).toEqual({ id: "h", label: "Headset" });
	expect(list.find("speaker", { id: "", label: "Built-in" })?.id).toBe("b");
});
