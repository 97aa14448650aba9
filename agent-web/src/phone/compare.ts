import { Meter } from "./level.ts";
import { pauseLevel } from "./measure.ts";
import type { Microphone } from "./mic.ts";
import type { Playback } from "./playback.ts";
import { record, replay, sleep } from "./tape.ts";
import { Cell, type Value } from "./value.ts";

/** The same moment before and after the processing, in dBFS; gain is how much quieter the room is, in dB. */
export interface Compared {
	before: number | null;
	after: number | null;
	gain: number | null;
}

const NOTHING: Compared = { before: null, after: null, gain: null };
const READ_MS = 120;
/** The gain is that of this many readings: three seconds. */
const KEPT = 25;

/**
 * Compare shows what the processing does to the microphone: it opens the same
 * device a second time with nothing switched on, and reads both side by side.
 */
export class Compare {
	#now = new Cell<Compared>(NOTHING);
	#takes = new Cell<"none" | "recording" | "ready" | "playing">("none");
	#before: Meter;
	#after: Meter;
	#raw: MediaStreamTrack | null = null;
	#tap: MediaStreamTrack | null = null;
	#timer: ReturnType<typeof setInterval> | undefined;
	#ways: (() => void)[] = [];
	#levels: { before: number; after: number }[] = [];
	#tapes: { before: Blob | null; after: Blob | null } = { before: null, after: null };
	#gone = new AbortController();

	constructor(
		private readonly mic: Microphone,
		private readonly playback: Playback,
		audio: AudioContext | null,
	) {
		this.#before = new Meter(audio, 4096);
		this.#after = new Meter(audio, 4096);
	}

	get now(): Value<Compared> {
		return this.#now;
	}

	/** How far the recording is that both are heard from. */
	get takes(): Value<"none" | "recording" | "ready" | "playing"> {
		return this.#takes;
	}

	start(): void {
		this.#ways.push(this.mic.track.follow((track) => void this.#watch(track)));
		this.#timer = setInterval(() => this.#read(), READ_MS);
	}

	stop(): void {
		clearInterval(this.#timer);
		for (const way of this.#ways.splice(0)) way();
		this.#gone.abort();
		this.#release();
		this.#tapes = { before: null, after: null };
	}

	/** Records both for ms, to be heard one after the other. */
	async record(ms: number): Promise<void> {
		if (!this.#raw || !this.#tap || this.#takes.now === "recording") return;
		this.#takes.set("recording");
		const [before, after] = [record(this.#raw), record(this.#tap)];
		await sleep(ms, this.#gone.signal).catch(() => undefined);
		this.#tapes = { before: await before(), after: await after() };
		this.#takes.set(this.#tapes.before && this.#tapes.after ? "ready" : "none");
	}

	/** Plays one of the two. */
	async play(which: "before" | "after"): Promise<void> {
		const tape = this.#tapes[which];
		if (!tape || this.#takes.now !== "ready") return;
		this.#takes.set("playing");
		await replay(tape, this.playback, this.#gone.signal).catch(() => undefined);
		this.#takes.set("ready");
	}

	async #watch(track: MediaStreamTrack | null): Promise<void> {
		this.#release();
		if (!track) return;
		const raw = await this.mic
			.probe({ echoCancellation: false, noiseSuppression: false, autoGainControl: false })
			.catch(() => null);
		if (this.mic.track.now !== track || this.#gone.signal.aborted) return raw?.stop();
		this.#release();
		this.#raw = raw;
		this.#tap = this.mic.tap();
		this.#before.watch(raw);
		this.#after.watch(this.#tap);
	}

	#release(): void {
		this.#levels = [];
		this.#now.set(NOTHING);
		for (const meter of [this.#before, this.#after]) meter.watch(null);
		this.#raw?.stop();
		this.#tap?.stop();
		this.#raw = this.#tap = null;
	}

	#read(): void {
		const [before, after] = [this.#before.read(), this.#after.read()];
		if (before === null || after === null) return;
		this.#levels = [...this.#levels.slice(1 - KEPT), { before, after }];
		const room = (pick: "before" | "after") => pauseLevel(this.#levels.map((l) => l[pick])) ?? 0;
		this.#now.set({ before, after, gain: this.#levels.length < KEPT / 2 ? null : room("before") - room("after") });
	}
}
