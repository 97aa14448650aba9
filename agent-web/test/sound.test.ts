import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeviceList } from "../src/phone/devices.ts";
import { EMPTY_DOC } from "../src/phone/doc.ts";
import { Hints } from "../src/phone/hints.ts";
import { loudness } from "../src/phone/level.ts";
import {
	ECHO_LIMITS,
	echoLevel,
	judge,
	judgeNetwork,
	NOISE_LIMITS,
	PROBE_DB,
	PROBE_HZ,
	pauseLevel,
	roomDB,
	roomLevel,
	tonePower,
	VOICE_LIMITS,
	voiceLevel,
	worst,
} from "../src/phone/measure.ts";
import { measureNetwork } from "../src/phone/network.ts";
import { readHeard } from "../src/phone/peer.ts";
import { Playback } from "../src/phone/playback.ts";
import { Ringer } from "../src/phone/ringer.ts";
import { RINGS, SoundBox, USUAL } from "../src/phone/sound.ts";
import { ringSamples } from "../src/phone/tones.ts";
import { Cell } from "../src/phone/value.ts";
import type { HeadsetReport } from "../src/phone/views.ts";
import { settled } from "./fakes.ts";

const RATE = 48_000;
const sine = (hz: number, dB: number, n = 4096) =>
	Float32Array.from({ length: n }, (_, i) => Math.SQRT2 * 10 ** (dB / 20) * Math.sin((2 * Math.PI * hz * i) / RATE));

describe("levels", () => {
	test("a sine of -20 dBFS is that, silence is -Infinity", () => {
		expect(loudness(sine(1000, -20)).level).toBeCloseTo(-20, 1);
		expect(loudness(new Float32Array(64))).toEqual({ level: -Infinity, peak: 0 });
	});
	test("the room is what is there between the knocks, the voice what stands out", () => {
		const readings = [-70, -69, -71, -20, -70, -70, -12];
		expect(roomLevel(readings)).toBe(-70);
		expect(voiceLevel([-70, -70, -30, -28, -29])).toBe(-28);
		expect(pauseLevel([-20, -20, -70, -71, -20, -20, -20, -20, -20, -20])).toBe(-20);
		expect(roomLevel([-Infinity])).toBe(-100);
		expect(roomLevel([])).toBeNull();
	});
	test("the scale and its limit: a room of 34 dB is good, 45 fair, 60 bad", () => {
		expect(roomDB(-66)).toBe(34);
		expect([-66, -55, -40].map((l) => judge(roomDB(l), NOISE_LIMITS))).toEqual(["good", "fair", "bad"]);
		expect([30, 20, 5].map((v) => judge(v, VOICE_LIMITS))).toEqual(["good", "fair", "bad"]);
		expect([-50, -30, -10].map((e) => judge(e, ECHO_LIMITS))).toEqual(["good", "fair", "bad"]);
		expect(worst(["good", "fair"])).toBe("fair");
	});
});

describe("the echo", () => {
	const probe = (dB: number) => {
		const each = PROBE_HZ.map((hz) => sine(hz, dB - 10 * Math.log10(3)));
		return Float32Array.from({ length: 4096 }, (_, i) => each.reduce((sum, s) => sum + (s[i] ?? 0), 0));
	};
	test("the tones are found at their level, other sound is not", () => {
		expect(tonePower(probe(-20), PROBE_HZ, RATE)).toBeCloseTo(-20, 0);
		expect(tonePower(probe(-60), PROBE_HZ, RATE)).toBeCloseTo(-60, 0);
		expect(tonePower(sine(440, -20), PROBE_HZ, RATE)).toBeLessThan(-60);
	});
	test("what comes back is measured against what was played", () => {
		expect(echoLevel([-80, -80], [PROBE_DB - 30, PROBE_DB - 30])).toEqual({ db: -30, heard: "yes" });
		expect(echoLevel([-60, -60], [-59, -61])).toEqual({ db: -60 - PROBE_DB, heard: "no" });
		expect(echoLevel([], [])).toBeNull();
	});
});

describe("the network", () => {
	const fine = { rttMS: 40, jitterMS: 3, lossUp: 0, lossDown: 0.2, up: 300, down: 299 };
	test("is as good as its worst figure", () => {
		expect(judgeNetwork(fine)).toBe("good");
		expect(judgeNetwork({ ...fine, lossUp: 2 })).toBe("fair");
		expect(judgeNetwork({ ...fine, lossDown: 6 })).toBe("bad");
		expect(judgeNetwork({ ...fine, rttMS: 500 })).toBe("bad");
		expect(judgeNetwork({ ...fine, rttMS: null })).toBe("good");
		expect(judgeNetwork({ ...fine, down: 0 })).toBe("bad");
	});
	test("each way has figures of its own: up is the server's, down the browser's", async () => {
		vi.useFakeTimers();
		const counts = [
			{ received: 1000, lost: 50, jitterMS: 1, samples: 0, concealed: 0 },
			{ received: 1190, lost: 60, jitterMS: 7, samples: 0, concealed: 0 },
		];
		const echo = { on: true, since: "", received: 196, lost: 4, sent: 196, jitter_ms: 3 };
		const doc = new Cell({ ...EMPTY_DOC, echo });
		const link = { rttMS: 30, lossPercent: 99, jitterMS: 99, pictureBPS: null };
		const measured = measureNetwork(
			{ heard: async () => counts.shift() ?? null, quality: async () => link },
			doc,
			4000,
			new AbortController().signal,
		);
		await vi.advanceTimersByTimeAsync(5000);
		expect(await measured).toEqual({ rttMS: 30, jitterMS: 7, lossUp: 2, lossDown: 5, up: 196, down: 190 });
		vi.useRealTimers();
	});
	test("one receiver's counts", () => {
		const inbound = { type: "inbound-rtp", packetsReceived: 10, packetsLost: 1, jitter: 0.004 };
		const none = { samples: 0, concealed: 0 };
		expect(readHeard([{ type: "codec" }, inbound])).toEqual({ received: 10, lost: 1, jitterMS: 4, ...none });
		const played = { totalSamplesReceived: 9000, concealedSamples: 1300, silentConcealedSamples: 1000 };
		expect(readHeard([{ ...inbound, ...played }])).toMatchObject({ samples: 8000, concealed: 300 });
	});
});

describe("hints", () => {
	/** Feeds a second of readings of 150 ms. */
	const feed = (hints: Hints, from: number, levels: number[], call: "none" | "open" | "muted", peak = 0.1) =>
		levels.map((level, i) => hints.feed(from + i * 150, { level, peak }, call)).at(-1);
	const speech = [-25, -60, -24, -22, -60, -23, -25, -22];
	const room = Array.from({ length: 10 }, () => -65);
	test("muted and speaking", () => {
		const hints = new Hints();
		feed(hints, 0, room, "open");
		expect(feed(hints, 1500, speech, "muted")).toBe("muted");
		expect(hints.feed(2900, { level: -65, peak: 0 }, "open")).toBe("none"); // unmuted: at once
	});
	test("a cough, a fan and a pause are no speech", () => {
		const hints = new Hints();
		feed(hints, 0, room, "muted");
		expect(feed(hints, 1500, [-20, -65, -65, -65], "muted")).toBe("none");
		expect(feed(hints, 3000, room, "muted")).toBe("none");
		const steady = new Hints();
		expect(
			feed(
				steady,
				0,
				Array.from({ length: 40 }, () => -30),
				"muted",
			),
		).toBe("none");
	});
	test("too loud", () => {
		const hints = new Hints();
		expect(feed(hints, 0, speech, "open", 1)).toBe("clipping");
		expect(feed(hints, 20_000, speech, "open", 0.5)).toBe("none");
		expect(feed(new Hints(), 0, speech, "none", 1)).toBe("none");
	});
	test("no measurement is no hint", () => {
		expect(new Hints().feed(0, null, "muted")).toBe("none");
	});
});

describe("what was chosen", () => {
	const storage = (text = "") => {
		let kept = text;
		const setItem = (_: string, t: string) => {
			kept = t;
		};
		return { getItem: () => kept, setItem, text: () => kept };
	};
	const report = (microphone: string, at: string): HeadsetReport => ({
		at,
		verdict: "good",
		problems: [],
		microphone,
		suppression: "off",
		noise_db: 30,
		voice_db: 30,
		echo_db: -50,
		rtt_ms: 1,
		jitter_ms: 1,
		loss_up: 0,
		loss_down: 0,
	});
	test("is there again after a reload", () => {
		const kept = storage("{}");
		const box = new SoundBox("alice", kept);
		expect([box.sound.now, box.offer]).toEqual([USUAL, "open"]);
		box.set({ noise: "rnnoise", ringVolume: 0.2 });
		box.keep(report("Headset", "2026-11-23T00:00:00.000Z"));
		const again = new SoundBox("alice", kept);
		expect(again.sound.now).toMatchObject({ noise: "rnnoise", ringVolume: 0.2 });
		expect(again.checked("Headset")?.verdict).toBe("good");
		expect(again.checked("another")).toBeNull();
		expect(again.offer).toBe("later");
	});
	test("nonsense in the storage is not believed", () => {
		for (const text of ["not JSON", '{"sound":{"noise":"loud","volume":7,"ring":"x","ringVolume":"a"}}', "null"]) {
			expect(new SoundBox("alice", storage(text)).sound.now).toEqual(USUAL);
		}
		expect(new SoundBox("alice", null).sound.now).toEqual(USUAL);
	});
	test("only the last checks are kept", () => {
		const kept = storage("{}");
		const box = new SoundBox("alice", kept);
		for (let i = 10; i < 40; i++) box.keep(report(`mic ${i}`, `2026-11-23T00:00:${i}.000Z`));
		expect(box.checked("mic 39")).not.toBeNull();
		expect(Object.keys(JSON.parse(kept.text()).checks)).toHaveLength(8);
	});
});

describe("the ringer", () => {
	const made: { loop: boolean; playing: boolean }[] = [];
	class Context extends EventTarget {
		state = "running";
		sampleRate = 8000;
		destination = {};
		createBuffer = () => ({ copyToChannel: () => undefined });
		createGain = () => ({ gain: { value: 0 }, connect: () => undefined, disconnect: () => undefined });
		createBufferSource = () => {
			const source = {
				loop: false,
				playing: false,
				buffer: null,
				connect: (to: unknown) => to,
				disconnect: () => undefined,
				start: () => {
					source.playing = true;
				},
				stop: () => {
					source.playing = false;
				},
			};
			made.push(source);
			return source;
		};
	}
	const playing = () => made.filter((s) => s.playing);
	beforeEach(() => made.splice(0));
	afterEach(() => vi.useRealTimers());
	const ringer = (sound = new Cell(USUAL), context = new Context()) => ({
		ringer: new Ringer(context as unknown as AudioContext, sound),
		sound,
		context,
	});

	test("rings in a loop of the audio clock's, with no timer that a tab in the background loses", () => {
		vi.useFakeTimers();
		const { ringer: r } = ringer();
		r.start();
		r.start();
		expect(playing()).toHaveLength(1);
		expect(playing()[0]?.loop).toBe(true);
		expect(vi.getTimerCount()).toBe(0);
		r.stop();
		expect(playing()).toHaveLength(0);
	});
	test("begins as soon as the browser lets it", () => {
		const context = new Context();
		context.state = "suspended";
		const { ringer: r } = ringer(new Cell(USUAL), context);
		r.start();
		expect(playing()).toHaveLength(0);
		context.state = "running";
		context.dispatchEvent(new Event("statechange"));
		expect(playing()).toHaveLength(1);
		r.close();
		expect(playing()).toHaveLength(0);
	});
	test("is silent when it is wished so, also from now on", () => {
		const { ringer: r, sound } = ringer(new Cell({ ...USUAL, ringing: "silent" as "silent" | "sound" }));
		r.start();
		expect(playing()).toHaveLength(0);
		sound.set({ ...sound.now, ringing: "sound" });
		expect(playing()).toHaveLength(1);
		sound.set({ ...sound.now, ringing: "silent" });
		expect(playing()).toHaveLength(0);
	});
	test("goes where sound goes when its own device is unplugged while it rings", async () => {
		const there = [{ deviceId: "d", label: "Desk", kind: "audiooutput" as const }];
		const media = Object.assign(new EventTarget(), {
			getUserMedia: () => Promise.reject(new Error("unused")),
			enumerateDevices: async () => there,
		});
		const list = new DeviceList(media);
		await list.refresh();
		const context = Object.assign(new Context(), { createMediaStreamDestination: () => ({ stream: {} }) });
		const ends: unknown[] = [];
		context.createGain = () => ({
			gain: { value: 0 },
			connect: (to?: unknown) => void ends.push(to),
			disconnect: () => undefined,
		});
		const speaker = {
			play: async () => undefined,
			pause: () => undefined,
			srcObject: null,
			setSinkId: async () => undefined,
		};
		const sound = new Cell({ ...USUAL, ringer: { id: "d", label: "Desk" } });
		const r = new Ringer(context as unknown as AudioContext, sound, list, () => speaker);
		r.start();
		expect(ends.at(-1)).not.toBe(context.destination);
		there.pop();
		await list.refresh();
		expect(ends.at(-1)).toBe(context.destination);
		r.close();
	});
	test("every tone sounds, without a click at its ends and without distortion", () => {
		for (const ring of RINGS) {
			const samples = ringSamples(ring, 8000);
			expect(Math.max(...samples)).toBeGreaterThan(0.3);
			expect(Math.max(...samples.map(Math.abs))).toBeLessThan(1);
			expect(Math.abs(samples[0] ?? 1)).toBeLessThan(0.01);
			expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(0.01);
		}
	});
});

test("a sound that the system takes is called locked, and the next touch brings it back", () => {
	const context = Object.assign(new EventTarget(), { state: "running", resumed: 0, resume: async () => undefined });
	context.resume = async () => void context.resumed++;
	const playback = new Playback(context as unknown as AudioContext);
	const moves = (state: string) => {
		context.state = state;
		context.dispatchEvent(new Event("statechange"));
		return playback.state.now;
	};
	expect(playback.state.now).toBe("unlocked");
	expect(moves("interrupted")).toBe("locked");
	playback.unlock();
	expect(context.resumed).toBe(1);
	expect(moves("running")).toBe("unlocked");
	expect(moves("closed")).toBe("unlocked"); // signed out
});

test("sound goes to the chosen loudspeaker while it is there, else to the system's", async () => {
	let there = [{ deviceId: "s", label: "Headset", kind: "audiooutput" as const }];
	const media = Object.assign(new EventTarget(), {
		getUserMedia: () => Promise.reject(new Error("unused")),
		enumerateDevices: async () => there,
	});
	const list = new DeviceList(media);
	await list.refresh();
	const sound = new Cell({ ...USUAL, volume: 0.5, speaker: { id: "s", label: "Headset" } });
	const playback = new Playback(null, sound, list);
	const element = {
		sinkId: "",
		volume: 1,
		srcObject: null,
		async setSinkId(id: string) {
			this.sinkId = id;
		},
	};
	playback.element("customer", element as unknown as HTMLAudioElement);
	await settled();
	expect([element.sinkId, element.volume]).toEqual(["s", 0.5]);
	there = [];
	media.dispatchEvent(new Event("devicechange"));
	await settled();
	expect(element.sinkId).toBe("");
});
