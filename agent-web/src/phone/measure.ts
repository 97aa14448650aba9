/**
 * What the headset check makes of what it heard. A browser knows no sound
 * pressure, only parts of full scale, and every headset has a gain of its own.
 * So the page takes full scale for 100 dB, which a headset at its usual gain
 * comes near to (speech close to the mouth then reads 70 to 85 dB), and says
 * so: figures of one headset compare, those of two do not.
 */
export const FULL_SCALE_DB = 100;

export type Verdict = "good" | "fair" | "bad";

/** The room is good under this, and bad above the second. */
export const NOISE_LIMITS = [40, 52] as const;
/** How far speech should stand above the room. */
export const VOICE_LIMITS = [25, 12] as const;
/** How loud what the loudspeaker plays may come back, relative to it. */
export const ECHO_LIMITS = [-40, -25] as const;
/** Round trip in ms, jitter in ms, loss in percent: good up to the first, bad above the second. */
export const NETWORK_LIMITS = { rtt: [200, 400], jitter: [30, 60], loss: [1, 4] } as const;

/** Below this in dB headsets cut the room off, and figures mean nothing. */
export const QUIET_DB = 20;

export const roomDB = (dBFS: number) => Math.max(0, dBFS + FULL_SCALE_DB);

/** Lower is better where the first limit is the lower one. */
export function judge(value: number, [good, bad]: readonly [number, number]): Verdict {
	const turn = good < bad ? 1 : -1;
	if (value * turn <= good * turn) return "good";
	return value * turn <= bad * turn ? "fair" : "bad";
}

export const worst = (verdicts: readonly Verdict[]): Verdict =>
	verdicts.includes("bad") ? "bad" : verdicts.includes("fair") ? "fair" : "good";

/**
 * The room's level in dBFS: the middle of the readings, so that a knock or a
 * word does not count. null with none.
 */
export function roomLevel(readings: readonly number[]): number | null {
	return share(readings, 0.5);
}

/** The room's level in dBFS while somebody may be speaking: that of the pauses. */
export function pauseLevel(readings: readonly number[]): number | null {
	return share(readings, 0.2);
}

/** The level of speech in dBFS: that of its louder half, pauses left out. */
export function voiceLevel(readings: readonly number[]): number | null {
	return share(readings, 0.8);
}

/** The reading below which a share of them lies; digital silence counts as -100 dBFS. */
function share(readings: readonly number[], part: number): number | null {
	const sorted = readings.map((x) => Math.max(-100, x)).sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
}

/** The tones of the echo probe: in the middle of what a phone carries, no multiples of each other or of mains hum. */
export const PROBE_HZ = [620, 1010, 1470] as const;
/** The level of the whole probe in dBFS. */
export const PROBE_DB = -20;

/** The power of some frequencies in samples, in dBFS (Goertzel with a Hann window). */
export function tonePower(samples: Float32Array, hz: readonly number[], rate: number): number {
	const n = samples.length;
	let power = 0;
	for (const f of hz) {
		const c = 2 * Math.cos((2 * Math.PI * f) / rate);
		let s1 = 0;
		let s2 = 0;
		for (let i = 0; i < n; i++) {
			const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n);
			const s0 = (samples[i] ?? 0) * window + c * s1 - s2;
			s2 = s1;
			s1 = s0;
		}
		// The window halves the amplitude: |X|² / (n/4)² is the amplitude's square.
		power += (2 * (s1 * s1 + s2 * s2 - c * s1 * s2)) / ((n / 2) * (n / 2));
	}
	return 10 * Math.log10(power + 1e-12);
}

/**
 * How much of the probe came back, in dB relative to it. Where it does not
 * stand out of the room, the room is the answer: it is less than that.
 */
export function echoLevel(
	quiet: readonly number[],
	during: readonly number[],
): { db: number; heard: "yes" | "no" } | null {
	const before = share(quiet, 0.5);
	const while_ = share(during, 0.7);
	if (before === null || while_ === null) return null;
	const heard = while_ > before + 6 ? "yes" : "no";
	return { db: Math.min(0, (heard === "yes" ? while_ : before) - PROBE_DB), heard };
}

/** What went there and back in a test of the network. */
export interface NetworkFigures {
	rttMS: number | null;
	jitterMS: number;
	lossUp: number;
	lossDown: number;
	/** Packets that went up and came back. */
	up: number;
	down: number;
}

export const percent = (lost: number, got: number) => (lost + got === 0 ? 0 : (100 * lost) / (lost + got));

/** Nothing that came back is bad, whatever the rest. */
export function judgeNetwork(f: NetworkFigures): Verdict {
	if (f.up === 0 || f.down === 0) return "bad";
	const { rtt, jitter, loss } = NETWORK_LIMITS;
	const verdicts = [judge(f.jitterMS, jitter), judge(f.lossUp, loss), judge(f.lossDown, loss)];
	if (f.rttMS !== null) verdicts.push(judge(f.rttMS, rtt));
	return worst(verdicts);
}
