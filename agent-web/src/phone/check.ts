import { loudness, Meter } from "./level.ts";
import {
	ECHO_LIMITS,
	echoLevel,
	judge,
	judgeNetwork,
	type NetworkFigures,
	NOISE_LIMITS,
	PROBE_DB,
	PROBE_HZ,
	roomDB,
	roomLevel,
	tonePower,
	type Verdict,
	VOICE_LIMITS,
	voiceLevel,
	worst,
} from "./measure.ts";
import type { Microphone } from "./mic.ts";
import type { Playback } from "./playback.ts";
import type { Ringer } from "./ringer.ts";
import { record, replay, sleep } from "./tape.ts";
import { Cell, type Value } from "./value.ts";
import type { HeadsetProblem, HeadsetReport, Suppression } from "./views.ts";

/** The lines of the check, in the order in which they are done. */
export const STEPS = ["noise", "voice", "echo", "network", "ring"] as const;
export type Step = (typeof STEPS)[number];

/** advice names what to do, where it did not end well. */
export type Line =
	| { at: "waiting" }
	| { at: "running" }
	| { at: "asking" }
	| { at: "done"; verdict: Verdict; figures: Record<string, number>; advice: string };

export type CheckState =
	| { at: "idle"; report: HeadsetReport | null }
	| { at: "running"; step: Step }
	| { at: "done"; report: HeadsetReport }
	| { at: "failed"; why: "microphone" | "sound" };

export interface CheckOptions {
	mic: Microphone;
	playback: Playback;
	ringer: Ringer;
	audio: AudioContext | null;
	/** Sends the own sound to the server and back for ms, or until signal stops it. */
	network: (ms: number, signal: AbortSignal) => Promise<NetworkFigures>;
	suppression: () => Suppression;
	/** Times in ms; a test has shorter ones. */
	times?: Partial<typeof TIMES>;
}

const TIMES = { noise: 2500, voice: 4000, quiet: 600, probe: 1200, network: 4500, ring: 2000, read: 90 };

/**
 * HeadsetCheck goes through a headset before the shift: the room, a sentence
 * that is played back, the echo, the network, the ringer. It takes half a
 * minute and keeps no sound.
 */
export class HeadsetCheck {
	#state = new Cell<CheckState>({ at: "idle", report: null });
	#lines = new Cell<Readonly<Record<Step, Line>>>(fresh());
	#run: AbortController | null = null;
	#answer: ((heard: boolean) => void) | null = null;
	readonly #times: typeof TIMES;

	constructor(private readonly options: CheckOptions) {
		this.#times = { ...TIMES, ...options.times };
	}

	get state(): Value<CheckState> {
		return this.#state;
	}

	get lines(): Value<Readonly<Record<Step, Line>>> {
		return this.#lines;
	}

	/** Whether the person heard the ringer. */
	heard(yes: boolean): void {
		this.#answer?.(yes);
	}

	stop(): void {
		this.#run?.abort();
		this.#run = null;
		if (this.#state.now.at === "running") this.#state.set({ at: "idle", report: null });
	}

	/** Runs it all; the report, or null when it was stopped or could not begin. */
	async start(): Promise<HeadsetReport | null> {
		this.stop();
		const { audio, mic } = this.options;
		const run = new AbortController();
		this.#run = run;
		this.#lines.set(fresh());
		if (audio?.state !== "running") return this.#fail("sound");
		if (!mic.track.now) return this.#fail("microphone");
		const figures: Partial<Record<Step, Record<string, number>>> = {};
		const now = mic.state.now;
		const label = now.at === "ok" || now.at === "silent" ? now.label : "";
		try {
			const room = await this.#step(run, "noise", () => this.#noise(audio, run.signal));
			figures.noise = room.figures;
			figures.voice = (
				await this.#step(run, "voice", () => this.#voice(audio, run.signal, room.figures.dbfs ?? -100))
			).figures;
			figures.echo = (await this.#step(run, "echo", () => this.#echo(audio, run.signal))).figures;
			figures.network = (await this.#step(run, "network", () => this.#network(run.signal))).figures;
			await this.#step(run, "ring", () => this.#ring(run.signal));
		} catch (error) {
			if (run.signal.aborted) return null;
			console.warn("the headset check could not go on", error);
			return this.#fail("microphone");
		}
		const report = this.#report(label, figures);
		this.#state.set({ at: "done", report });
		return report;
	}

	#fail(why: "microphone" | "sound"): null {
		this.#state.set({ at: "failed", why });
		return null;
	}

	async #step(
		run: AbortController,
		step: Step,
		work: () => Promise<Line & { at: "done" }>,
	): Promise<Line & { at: "done" }> {
		run.signal.throwIfAborted();
		this.#state.set({ at: "running", step });
		this.#line(step, { at: "running" });
		const line = await work();
		run.signal.throwIfAborted();
		this.#line(step, line);
		return line;
	}

	#line(step: Step, line: Line): void {
		this.#lines.set({ ...this.#lines.now, [step]: line });
	}

	/** The room with all processing off: what the microphone hears, not what is left of it. */
	async #noise(audio: AudioContext, signal: AbortSignal): Promise<Line & { at: "done" }> {
		const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
		const levels: number[] = [];
		await this.#listen(audio, await this.options.mic.probe(raw), this.#times.noise, signal, (samples) => {
			levels.push(loudness(samples).level);
		});
		const dbfs = roomLevel(levels) ?? -100;
		const db = roomDB(dbfs);
		const verdict = judge(db, NOISE_LIMITS);
		return { at: "done", verdict, figures: { db, dbfs }, advice: verdict === "good" ? "" : "noise" };
	}

	/** A sentence, as the customer would hear it, played back; how far it stands above the room. */
	async #voice(audio: AudioContext, signal: AbortSignal, room: number): Promise<Line & { at: "done" }> {
		const tap = this.options.mic.tap();
		if (!tap) throw new Error("the microphone went away");
		const levels: number[] = [];
		let clips = 0;
		const tape = record(tap);
		const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
		try {
			await this.#listen(audio, await this.options.mic.probe(raw), this.#times.voice, signal, (samples) => {
				const { level, peak } = loudness(samples);
				levels.push(level);
				if (peak >= 0.985) clips++;
			});
		} finally {
			tap.stop();
		}
		const recorded = await tape();
		if (recorded) await replay(recorded, this.options.playback, signal);
		const db = (voiceLevel(levels) ?? -100) - room;
		const heard = judge(db, VOICE_LIMITS);
		const verdict = clips >= 2 ? worst([heard, "fair"]) : heard;
		const advice = verdict === "good" ? "" : heard === "good" ? "loud" : "voice";
		return { at: "done", verdict, figures: { db, level: voiceLevel(levels) ?? -100 }, advice };
	}

	/** Plays three tones on the loudspeaker and looks how much of them the microphone brings back. */
	async #echo(audio: AudioContext, signal: AbortSignal): Promise<Line & { at: "done" }> {
		// As in calls, but without suppression and gain, which would hide a steady tone.
		const processing = { echoCancellation: true, noiseSuppression: false, autoGainControl: false };
		const quiet: number[] = [];
		const during: number[] = [];
		const track = await this.options.mic.probe(processing);
		const copy = track.clone();
		const power = (into: number[]) => (s: Float32Array) => into.push(tonePower(s, PROBE_HZ, audio.sampleRate));
		await this.#listen(audio, copy, this.#times.quiet, signal, power(quiet)).catch((e: unknown) => {
			track.stop();
			throw e;
		});
		const silence = await this.#probe(audio).catch((e: unknown) => {
			track.stop();
			throw e;
		});
		await this.#listen(audio, track, this.#times.probe, signal, power(during)).finally(silence);
		const echo = echoLevel(quiet, during) ?? { db: 0, heard: "yes" as const };
		const verdict = echo.heard === "no" ? "good" : judge(echo.db, ECHO_LIMITS);
		return { at: "done", verdict, figures: { db: echo.db }, advice: verdict === "good" ? "" : "echo" };
	}

	async #network(signal: AbortSignal): Promise<Line & { at: "done" }> {
		const none = { rttMS: null, jitterMS: 0, lossUp: 0, lossDown: 0, up: 0, down: 0 };
		const f = await this.options.network(this.#times.network, signal).catch((error: unknown) => {
			signal.throwIfAborted();
			console.warn("the network could not be tested", error);
			return none;
		});
		const verdict = judgeNetwork(f);
		const figures: Record<string, number> = { jitter: f.jitterMS, up: f.lossUp, down: f.lossDown };
		if (f.rttMS !== null) figures.rtt = f.rttMS;
		const advice = f.up === 0 || f.down === 0 ? "nothing" : verdict === "good" ? "" : "network";
		return { at: "done", verdict, figures, advice };
	}

	async #ring(signal: AbortSignal): Promise<Line & { at: "done" }> {
		const answered = new Promise<boolean>((done, fail) => {
			this.#answer = done;
			signal.addEventListener("abort", () => fail(signal.reason as Error), { once: true });
		});
		void this.options.ringer.sample(this.#times.ring);
		this.#line("ring", { at: "asking" });
		const heard = await answered;
		this.#answer = null;
		return { at: "done", verdict: heard ? "good" : "bad", figures: {}, advice: heard ? "" : "ring" };
	}

	/** Reads a track until the time is over, and stops it. */
	async #listen(
		audio: AudioContext,
		track: MediaStreamTrack,
		ms: number,
		signal: AbortSignal,
		take: (samples: Float32Array) => void,
	): Promise<void> {
		const meter = new Meter(audio, 4096);
		meter.watch(track);
		try {
			// The first moments of a device are not the room yet.
			await sleep(Math.min(300, ms / 4), signal);
			const until = performance.now() + ms;
			while (performance.now() < until) {
				await sleep(this.#times.read, signal);
				const samples = meter.samples();
				if (samples) take(samples);
			}
		} finally {
			meter.watch(null);
			track.stop();
		}
	}

	/** Starts the probe on the chosen loudspeaker; returns how to end it. */
	async #probe(audio: AudioContext): Promise<() => void> {
		const out = audio.createMediaStreamDestination();
		const element = new Audio();
		element.srcObject = out.stream;
		const gain = new GainNode(audio, { gain: (Math.SQRT2 * 10 ** (PROBE_DB / 20)) / Math.sqrt(PROBE_HZ.length) });
		gain.connect(out);
		const tones = PROBE_HZ.map((frequency) => new OscillatorNode(audio, { frequency }));
		for (const tone of tones) {
			tone.connect(gain);
			tone.start();
		}
		const end = () => {
			for (const tone of tones) {
				tone.stop();
				tone.disconnect();
			}
			gain.disconnect();
			element.pause();
			element.srcObject = null;
		};
		try {
			await this.options.playback.direct(element);
			await element.play();
		} catch (error) {
			end();
			throw error;
		}
		return end;
	}

	#report(microphone: string, figures: Partial<Record<Step, Record<string, number>>>): HeadsetReport {
		const lines = STEPS.map((step) => ({ step, line: this.#lines.now[step] }));
		const done = lines.flatMap(({ step, line }) => (line.at === "done" ? [{ step, verdict: line.verdict }] : []));
		const round = (n: number | undefined) => (n === undefined || !Number.isFinite(n) ? null : Math.round(n * 10) / 10);
		return {
			at: new Date().toISOString(),
			verdict: worst(done.map((d) => d.verdict)),
			problems: done.filter((d) => d.verdict !== "good").map((d): HeadsetProblem => d.step),
			microphone: short(microphone),
			suppression: this.options.suppression(),
			noise_db: round(figures.noise?.db),
			voice_db: round(figures.voice?.db),
			echo_db: round(figures.echo?.db),
			rtt_ms: round(figures.network?.rtt),
			jitter_ms: round(figures.network?.jitter),
			loss_up: round(figures.network?.up),
			loss_down: round(figures.network?.down),
		};
	}
}

/** The server takes names of 128 octets. */
function short(name: string): string {
	let cut = name;
	while (new TextEncoder().encode(cut).length > 120) cut = cut.slice(0, -1);
	return cut;
}

function fresh(): Record<Step, Line> {
	return Object.fromEntries(STEPS.map((s) => [s, { at: "waiting" }])) as Record<Step, Line>;
}
